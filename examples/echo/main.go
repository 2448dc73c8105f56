// Echo is a TCP server that sends every line back to the client it came from. A
// client that fails does not disturb the others, no error of any client is lost, and at
// Ctrl-C every client can finish the line that it has begun before it is cut off. Run it
// with -h for its flags and exit codes.
//
//   - run.go: the process: signals, and the report at the end;
//   - server.go: the nursery of the connections, and the task that accepts them;
//   - client.go: one connection, from its first line to its last;
//   - goodbye.go: how a connection is closed so that the client gets all of it;
//   - input.go: the lines in a stream of bytes;
//   - tally.go: how connections end, and how many of them in which way;
//   - usage.go: the command line.
package main

import "github.com/trellis-go/trellis/examples/internal/command"

func main() { command.Exit(run) }
