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
// The commonest shapes have functions of their own, each of which is a nursery inside.
// [ForEach] calls a function for the items of a slice, a channel, a sequence or a receive
// function, with a limit to how many run at a time, and [ForN] for the numbers below n. [Map]
// also returns the results. [MapSeq] gives the results to a loop in the order of the items,
// and [MapUnordered] in the order in which they come. [Race] returns the first success,
// and [All] all results.
//
// # Limits
//
// A nursery has no limit to the number of its tasks, because a Go that blocks deadlocks
// as soon as tasks start tasks. Choose between two ways to bound how much runs at a time.
//
// Where the work is a list, a channel or a sequence, call [ForEach] or one of its
// relatives with a limit. Items that wait for their turn are not even taken, and cost
// nothing.
//
// Elsewhere acquire a token of a semaphore.Weighted of golang.org/x/sync/semaphore
// before Go, and release it in the task:
//
//	if err := tokens.Acquire(ctx, 1); err != nil {
//		return err
//	}
//	n.Go(func(ctx context.Context) error {
//		defer tokens.Release(1)
//		return work(ctx)
//	})
//
// Do not acquire the token in the task: each of 100,000 tasks that wait for one is a
// goroutine with a stack. A task that holds a token must not wait for another one, or
// all that hold one may wait for ever; if it starts tasks of the same kind, it releases its
// token first. To turn work away instead of letting it wait, call TryAcquire before Go.
//
// A semaphore is first come, first served: while goroutines wait, a token that is released
// goes to the one that has waited longest. An Acquire that is canceled leaves nothing
// behind, and fails with ctx.Err(), which scopes recognize. Do not expect from it what
// limiters elsewhere may have:
//
//   - The number of tokens cannot be set. Make the semaphore as large as the limit may
//     ever become, and hold the difference: Release raises the limit, and wakes just as
//     many as it has room for. Acquire lowers it, takes no token from a task that has
//     one, and returns when enough tokens have come back. It queues like any other
//     Acquire: goroutines that wait already are served before.
//   - Tokens have no owner. A task that acquires twice may wait for itself, any task
//     may release, and a Release too many is only noticed, by a panic, if no task holds a
//     token; the semaphore has one too many then.
//   - There are no statistics. Count beside it what holds a token; [Nursery.Running]
//     returns how many tasks there are.
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
