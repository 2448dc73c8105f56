// Package tasktree shows what runs in a program, live: every nursery with its tasks, every
// scope, time limit and shield inside them, since when each runs, what has been canceled
// and why, and what a nursery still waits for.
//
// # Turning it on
//
// Recording is off until [Record] is called, one line in main:
//
//	defer tasktree.Record()()
//
// While it is off, packages nursery, cancelscope, deadline and errgroup read one variable
// when a nursery opens, a scope is entered or a task starts, and record nothing. While it
// is on, a task costs less than a microsecond and 250 bytes more, and nothing once it has
// ended. With [Config].Labels every task also sets labels for profiles and learns which
// goroutine it runs in, which costs several microseconds; then [Take] can show what each
// task waits for, and its stack.
//
// # Reading it
//
// [Take] returns a [Tree] of the nodes that live. A nursery is a node, and the tasks in it
// are its children; what a task opens is inside the task. [Tree.WriteText] prints it,
// [Tree.WriteJSON] encodes it, and [Tree.All] walks it. [OnSignal] prints it when the
// process receives SIGUSR1.
//
// [Handler] serves it as a page for browsers, and as text and JSON; package tasktree/debug
// mounts that at /debug/tasks. [Watch] reports what was canceled and still runs. Package
// tasktree/tasktest shows what runs in a test that hangs. The repository's docs/debugging.md
// finds three hangs with these, step by step.
//
// # Profiles and execution traces
//
// With [Config].Labels, profiles of package runtime/pprof have the labels "task" and "nursery".
//
// While an execution trace is taken (package runtime/trace), each nursery that opens is a task
// of the trace, and each task of a nursery, and each worker that runs items, is a region in
// it. Both have the names that are in the tree. This does not depend on Record. "go tool
// trace" lists them as user-defined tasks and regions, with how long each took and what it
// waited for. What began before the trace is not in it. While no trace is taken, nothing is
// done for it.
//
// # What is guaranteed
//
// Take may be called at any time, by any number of goroutines, also while tasks come and
// go. It holds no lock while it calls code of the program.
//
//   - A task has ended when it is no longer counted by Nursery.Running, which may be
//     shortly after its handle has its result.
//   - A task, nursery or scope that began after recording was turned on and before Take
//     was called, and that has not ended when Take returns, is in the tree.
//   - What ended before Take was called is not in the tree.
//   - What began or ended while Take ran may or may not be in it. So the tree is not one
//     moment of the program. But each node in it is below the innermost node around it that
//     had not ended: a task is inside its nursery, and not beside it or in another one. A
//     worker may have gone on to its next item before Take looked at the number.
//   - A node that began while recording was off is in the tree only if something inside it
//     began after recording was turned on. Its Older field is set then, and its Since is
//     not known.
//
// In a bubble of package testing/synctest times are those of the bubble. A tree that is taken
// in a bubble may also have nodes from outside of it, and Take cannot know for how long those
// have run: their ages are meaningless. [Options].Within leaves them out.
//
// While recording is on, each task and each worker that runs items has a context value of
// its own, which says the same as the context of the nursery. Otherwise nothing behaves
// differently.
//
// Do not rely on the text of [Tree.WriteText], or on what Place, Call and Func look like:
// they are for people.
//
// # JSON
//
// The encoding of a [Tree] is an object with the fields that the struct tags of Tree name,
// and [Node], [Cancellation], [Deadline], [Goroutine] and [Same] likewise. A small one:
//
//	{
//	  "version": 1, "taken": "2026-11-26T12:00:00Z", "recordingSince": "2026-11-26T11:00:00Z",
//	  "goroutines": 12, "total": 5,
//	  "roots": [{
//	    "id": 1, "kind": "nursery", "name": "serve", "place": "chat/main.go:31", "call": "nursery.Config.Run",
//	    "since": "2026-11-26T11:00:01Z", "state": "waiting", "running": 4, "waitingSince": "2026-11-26T11:59:00Z",
//	    "children": [{
//	      "id": 7, "kind": "task", "name": "connection", "func": "main.handle", "place": "chat/server.go:77",
//	      "call": "nursery.GoNamed", "since": "2026-11-26T11:30:00Z", "state": "canceled",
//	      "canceled": {"since": "2026-11-26T11:59:59Z", "kind": "call", "by": "connection", "reason": "idle",
//	        "text": "by a call in \"connection\": idle"},
//	      "same": {"count": 3, "newest": "2026-11-26T11:50:00Z"}
//	    }]
//	  }]
//	}
//
// The field "version" is [Version]. Within a version fields may be added; none is removed or changes
// its meaning. Times are in RFC 3339 with nanoseconds, durations are integers in
// nanoseconds. Fields that are empty, false or zero are left out, except version, taken,
// goroutines, total, roots, id, kind, state, text, at, left and count.
package tasktree
