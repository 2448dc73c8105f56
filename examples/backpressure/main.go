// Backpressure sends websocket messages to every reader as fast as that reader
// takes them, and shows in a live table what becomes of readers that are slow,
// asleep, deaf or gone. Without flags it brings readers of each kind along; with
// -serve and -connect they come from other processes.
//
// Why is a sender blocked although its receiver has left the loop, and what wakes
// it again? It does not wait for the receiver's code, but for room: what it writes
// goes into the buffers of two sockets, and once these are full nothing but reading
// at the other end makes room. A receiver that has left its loop, or sleeps in
// it, does not read, so the sender stays where it is, and only what happens to
// the connection wakes it: room, a close frame or the end of the connection, or
// its own side giving up. A receiver that vanishes without a word causes none of
// the first three. So the sender has to ask from time to time whether it is still
// there, with a limit for the answer.
//
// In Python a time.sleep in one task also stops all others of its event loop. Here
// each reader has a goroutine of its own, and one that sleeps delays only itself.
// What remains of the trap is that nothing can cancel a time.Sleep: a nursery
// waits for it, and the summary at the end shows for how long. deadline.Sleep
// ends as soon as its context is done.
//
//   - server.go: the tasks of one connection, and the limit for signs of life;
//   - reader.go: the readers, well-behaved and otherwise;
//   - board.go: what the server knows of each reader;
//   - table.go: how that is shown;
//   - run.go: the nursery that all runs in, and the summary;
//   - usage.go: the command line.
package main

import "github.com/trellis-go/trellis/examples/internal/command"

func main() {
	// A second Ctrl-C does not wait for a reader that sleeps with time.Sleep.
	command.Main(run)
}
