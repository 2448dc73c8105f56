// Package nursery provides nurseries: blocks that start goroutines and do not end
// before all of them have. It brings the nurseries of Python's Trio, and the task
// handles of asyncio.TaskGroup, to plain functions, contexts and errors.
//
//	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
//		for _, url := range urls {
//			n.GoNamed(url, func(ctx context.Context) error { return fetch(ctx, url) })
//		}
//		return nil
//	})
//	// No fetch runs any more. err has every failure, by name.
//
// Every goroutine has somebody who waits for it, every error a place to go. The first
// failure cancels the others; what they then return because of it is recognized as
// cancellation and left out, by the rules of package cancelscope. Panics and
// runtime.Goexit take the same way as errors.
//
// [Nursery.Go] starts a task that has no result. [Spawn] gives a handle with one.
// [Start] waits until the task says that it is ready, and leaves it running. [Config]
// has what is seldom needed: names, supervision, panic policies.
//
// The commonest shapes have functions of their own, which are nurseries inside:
// [ForEach] and [Map] for the items of a sequence, at most so many at a time, [MapSeq]
// for results that a loop uses as they come, [Race] for the first success, [All] for
// all results.
//
// # Limits
//
// A nursery has no limit to the number of its tasks, because a Go that blocks deadlocks
// as soon as tasks start tasks. [ForEach] and its relatives bound how many items run at a
// time. For the rest of what Trio's CapacityLimiter is used for, there is
// semaphore.Weighted of golang.org/x/sync/semaphore, acquired inside the task. It is first
// come, first served: a token that is released while somebody waits belongs to him at
// once. An Acquire that is canceled leaves nothing behind, and fails with ctx.Err(), which
// scopes recognize. A TryAcquire before Go turns work away instead of letting it wait.
//
// It is less than a CapacityLimiter in this:
//
//   - The number of tokens cannot be set. Make the semaphore as large as the limit may
//     ever become, and hold the difference: Release raises the limit, and wakes just as
//     many as it has room for; Acquire lowers it, takes away from nobody, and returns when
//     enough tokens have come back. It queues with everybody else: those who wait already
//     are served before, where Trio would hold them back.
//   - Tokens have no borrower. A task that acquires twice may wait for itself, any task
//     may release, and a Release too many is only noticed, by a panic, if nobody holds a
//     token; the semaphore has one too many then.
//   - There are no statistics. Count beside it what holds a token; [Nursery.Running]
//     tells how many tasks there are.
//   - An Acquire of more tokens than there are waits until it is canceled.
//
// # Concurrency
//
// Guaranteed: all methods may be called by any number of goroutines. What happens
// before a task is started synchronizes before its first statement. The end of every
// task, with all its deferred functions, synchronizes before the return of [Run], and
// that of a [Task] also before the return of Wait with its result. The cancellation by
// a failing task is complete, in all scopes inside, before the task counts as ended.
//
// Not to be assumed: any order in which tasks start or run; that a task stops because
// it has been canceled; that a task which has ended has also left the list of
// goroutines at that instant; which of two errors at the same time counts as the first.
package nursery
