// Package nursery starts goroutines in blocks. A block returns when every goroutine
// started in it has ended; the first failure cancels the others; the caller gets every
// error, and none of the resulting "context canceled". (The idea and the name come from
// [Trio], a library for Python.)
//
//	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
//		for _, url := range urls {
//			n.GoNamed(url, func(ctx context.Context) error { return fetch(ctx, url) })
//		}
//		return nil
//	})
//	// No fetch runs any more. err has every failure, by name.
//
// The block is a nursery, a goroutine in it is a task, and the function that gets the
// nursery is its body. Each nursery has a cancel scope (package cancelscope): the part of
// the program that is canceled together. Each task gets the context of that scope, and
// must use it instead of one from outside.
//
// # Which function to use
//
// For tasks of different kinds: [Run] with [Nursery.Go] or [Nursery.GoNamed]; [Spawn] and
// [Nursery.Task] give a handle, to wait for a result or to cancel one task alone;
// [Nursery.Background] is for what the other tasks use, and ends after them; [Start]
// waits until a task reports that it is ready.
//
// For many items of one kind: [ForEach], [ForN] and [Map] run at most so many at a time;
// [MapSeq] and [MapUnordered] give the results to a loop as they come. For several
// functions with the same result: [Race] for the first success, [All] for all results.
//
// [Config] has what is seldom needed: a name, supervision, policies for panics, callbacks.
// Functions that are generic are functions, and not methods, because methods cannot have
// type parameters.
//
// # The contract
//
// The tests refer to these numbers.
//
//  1. Run returns when the body and every task have ended: after success, error,
//     cancellation, panic and runtime.Goexit.
//  2. The body counts as a task.
//  3. The first error cancels the nursery's scope, with a cause that names the task. All
//     real errors are returned, the first failure first, always in one [*Error].
//     Cancellations caused by the nursery itself are never in it.
//  4. Tasks may start tasks as long as anything runs, also after cancellation.
//  5. If the body and all tasks return nil, Run returns nil.
//  6. Start: the task belongs to the caller until it calls started, then it moves into
//     the nursery.
//  7. Handles: a [Task] can be waited for and canceled.
//  8. A panic cancels the other tasks at once, OnPanic is called at once, and Run panics.
//  9. A runtime.Goexit cancels the other tasks at once, and Run calls runtime.Goexit.
//  10. Supervise: a failing task does not cancel the others.
//  11. A task that returned nil leaves nothing behind.
//
// # Errors
//
// Run returns a [*Error], which holds a [*TaskError] for each failure. Its text is that
// of the failure if there is only one, with the names that were given; several are
// listed. errors.Is and errors.As search all of them; [First] returns the first failure
// as the task returned it, which is what errgroup's Wait returns. Package cancelscope
// decides, when a task ends, which of its errors count as cancellations: see
// cancelscope.Split.
//
// The first failure cancels the other tasks, so their work is cut short and they often
// have no failure of their own. To get the failures of all, set [Config.Supervise]. ForEach
// and its relatives always stop at the first failure: where the others are to continue,
// fn keeps its error and returns nil.
//
// While an error is judged, its methods Unwrap, Is and Cancellation are called. A panic or
// a runtime.Goexit in one of them counts as one of the task.
//
// # Limits
//
// A nursery has no limit to the number of its tasks, because a Go that blocks deadlocks as
// soon as tasks start tasks. ForEach and its relatives bound how many items run at a time.
// For anything else there is golang.org/x/sync/semaphore: acquire it before the call of
// Go, so that the loop waits and not ten thousand goroutines. An Acquire that is canceled
// fails with ctx.Err(), which scopes recognize. TryAcquire before Go turns work away
// instead of letting it wait.
//
// The number of tokens of a semaphore is fixed. For a limit that changes, make the
// semaphore as large as the limit may ever become, and acquire the tokens that tasks must
// not have at present. Tokens have no owner, so a task that acquires twice may wait for
// itself. There are no statistics, but [Nursery.Running] returns how many tasks there
// are.
//
// # Concurrency
//
// All methods may be called by any number of goroutines. What happens before a task is
// started synchronizes before its first statement. The end of every task, with all its
// deferred functions, synchronizes before the return of [Run], and that of a [Task] also
// before the return of Wait with its result. The cancellation by a failing task is
// complete, in all scopes inside, before the task counts as ended.
//
// Do not rely on
//   - any order in which tasks start or run;
//   - a task stopping because it has been canceled: it is asked to, and Run waits for it;
//   - the goroutine of a task that has ended being gone at that instant;
//   - which of two errors at the same time counts as the first.
//
// [Trio]: https://trio.readthedocs.io/en/stable/reference-core.html#nurseries-and-spawning
package nursery
