// Digest prints the SHA-256 of every regular file below the directories it is
// given: in the format of sha256sum, in an order that does not depend on
// timing, on all processors, and in memory that does not grow with the tree. Run it with -h for its flags and exit codes.
//
// It is the first program of the Trellis examples, and shows how a whole
// program fits into one nursery:
//
//   - digest.go: the nursery, and the tasks that run in it;
//   - walk.go and hash.go: what the tasks do, as plain functions of a context;
//   - abandon.go: what happens to calls of the system that nothing can interrupt;
//   - screen.go: the output and the progress line, which share a terminal;
//   - run.go: the time limit, and the summary at the end;
//   - usage.go, format.go: the command line, and the lines of the output.
package main

import "github.com/trellis-go/trellis/examples/internal/command"

func main() { command.Main(run) }
