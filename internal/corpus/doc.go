// Package corpus runs programs of structured concurrency that were recorded
// under Python's Trio and asyncio, and compares what Trellis does with what
// was recorded.
//
// A program is a tree of operations: enter a scope, open a nursery, sleep,
// cancel, fail. The recordings keep only programs whose outcome is the same
// under every schedule, so each has exactly one right answer. [Run] executes
// a program by means of the public API alone, each operation written as a
// user would write it; [Predict] computes the outcome with a sequential
// simulator that shares no code with the library. [Diff] compares. [Generate]
// makes more programs, of which the simulator says what they should do.
//
// The tests run the two recordings in testdata. Another file of the same form
// runs through the same test with
//
//	TRELLIS_CORPUS=file.jsonl go test -count=1 -v ./internal/corpus
//
// where -v shows how many programs were run and how many differ, and -count=1
// matters: the go command does not notice that a file outside the module has
// changed, and would report a cached result.
package corpus
