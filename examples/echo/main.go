// Echo is a TCP server that sends every line back to the client it came from. A
// client that fails disturbs nobody, no error of any client is lost, and Ctrl-C lets
// everybody finish the line they are at before it cuts them off. Run it with -h for
// its flags and exit codes.
//
//   - run.go: the process: signals, the end, and what is reported then;
//   - server.go: the nursery of the connections, and the task that accepts them;
//   - client.go: one connection, from its first line to its last;
//   - goodbye.go: how a connection is closed so that the client gets all of it;
//   - input.go: lines, out of a stream of bytes;
//   - tally.go: how connections end, and how many of them in which way;
//   - usage.go: the command line.
package main

import "github.com/trellis-go/trellis/examples/internal/command"

func main() { command.Exit(run) }
