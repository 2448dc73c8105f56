// Digest prints the SHA-256 of every regular file below the directories it is
// given: in the format of sha256sum, in an order that does not depend on
// timing, on all processors, and with a memory that does not grow with the
// tree. Run it with -h for its flags and exit codes.
//
// It is the first program of the Trellis examples, and shows how a whole
// program fits into one nursery:
//
//   - digest.go: the nursery, and the tasks that run in it;
//   - walk.go and hash.go: what the tasks do, as plain functions of a context;
//   - screen.go: the output and the progress line, which share a terminal;
//   - run.go: the time limit, and what is said when all has ended;
//   - usage.go, format.go: the command line, and the lines that come out.
package main

import "github.com/trellis-go/trellis/examples/internal/command"

func main() { command.Main(run) }
