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
//   - What began or ended while Take ran may or may not be in it. Whatever is in the tree
//     is below what was around it when Take looked: the tree is not one moment of the
//     program, but no task is shown below a nursery that it did not belong to.
//   - What began while recording was off is shown only if it is around something that
//     began later. Its Older field is set then, and its Since is not known.
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
// and [Node], [Cancellation], [Deadline], [Goroutine] and [Same] likewise. Its field
// "version" is [Version]. Within a version fields may be added; none is removed or changes
// its meaning. Times are in RFC 3339 with nanoseconds, durations are integers in
// nanoseconds. Fields that are empty, false or zero are left out, except version, taken,
// goroutines, total, roots, id, kind and state.
package tasktree
