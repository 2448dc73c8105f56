// Package trellis is the root of a module for structured concurrency; it has no
// code of its own. Every goroutine has a parent that waits for it, every error has
// a place to go, every wait can be canceled or timed out from outside, and cleaning
// up after a cancellation works.
//
// The semantics are those of Python's Trio, with the task handles of
// asyncio.TaskGroup, in plain Go: contexts, errors and functions, and nothing that
// has to be carried along besides. The project's tests hold it to recordings of both.
//
// # Packages
//
// Package [github.com/trellis-go/trellis/nursery] starts goroutines, waits for all of
// them, and joins their errors. Most programs begin there.
//
// Package [github.com/trellis-go/trellis/cancelscope] has the scopes by which work is
// canceled and protected from it: each nursery has one, and they can be used alone.
//
// Package [github.com/trellis-go/trellis/deadline] has time limits, waiting that can
// be interrupted, and connections and listeners that know contexts.
//
// Package [github.com/trellis-go/trellis/memchan] has channels between tasks whose waits
// end with their contexts, and which are closed from either side.
//
// # The idea
//
// A function that starts goroutines and returns while they run has let something out
// that nobody can see: who waits for them, who hears of their errors, who stops them?
// A nursery is a block, and the goroutines started in it cannot outlive it. So calling
// a function that is concurrent inside is like calling any other: when it has returned,
// it is done.
//
// What ends such a block early is a cancel scope. Scopes form a tree along the contexts.
// Canceling one makes every wait inside it fail, the failures travel up as ordinary
// errors, and at the scope they end: not because an error carries a mark, but because
// the scope knows that it was canceled and that nothing around it was. A real error
// that comes up with them is never lost.
//
// # If you know Trio
//
//	trio.open_nursery()              nursery.Run
//	nursery.start_soon(f)            n.Go(f), n.GoNamed(name, f)
//	await nursery.start(f)           nursery.Start(ctx, n, f)
//	task_status.started(v)           started(v)
//	nursery.cancel_scope             n.Scope()
//	trio.CancelScope()               cancelscope.Scope, its Run
//	scope.cancel(reason=...)         s.Cancel(reason)
//	CancelScope(shield=True)         s.SetShield(true), cancelscope.Shield
//	scope.deadline = t               s.SetDeadline(t), s.SetTimeout(d); see Adjustable
//	scope.cancel_called              s.CancelCalled()
//	scope.cancelled_caught           s.CanceledCaught()
//	move_on_after, move_on_at        deadline.MoveOnAfter, deadline.MoveOnAt
//	fail_after, fail_at              deadline.FailAfter, deadline.FailAt
//	trio.TooSlowError                *deadline.TooSlowError
//	current_effective_deadline()     deadline.Effective(ctx)
//	trio.sleep, trio.sleep_until     deadline.Sleep, deadline.SleepUntil
//	checkpoint_if_cancelled()        context.Cause(ctx), or deadline.Sleep(ctx, 0)
//	trio.Canceled                   ctx.Err(); its story is a *cancelscope.Canceled
//	ExceptionGroup, except*          *nursery.Error, errors.Is and errors.As
//	exception group split            cancelscope.Split(ctx, err)
//	trio.CapacityLimiter             semaphore.NewWeighted of golang.org/x/sync
//	trio.open_memory_channel(n)      memchan.Open[T](n); math.inf: memchan.Unbounded
//	async for value in channel       for value, err := range r.All(ctx)
//	trio.EndOfChannel                memchan.ErrEndOfChannel
//	trio.ClosedResourceError         memchan.ErrClosed
//	trio.BrokenResourceError         memchan.ErrBroken
//	trio.WouldBlock                  memchan.ErrWouldBlock
//
// Three things differ. A shield that is raised over a scope which is canceled already
// does nothing, because a closed channel cannot reopen. A fail-after scope that was
// canceled by hand does not fail. And a wait is only interrupted if it looks at the
// context: Go cannot interrupt a goroutine from outside.
//
// # If you know asyncio
//
//	asyncio.TaskGroup()              nursery.Run
//	tg.create_task(f())              nursery.Spawn(n, f)
//	await task                       task.Wait(ctx)
//	task.result()                    task.Result()
//	task.cancel()                    task.Cancel(reason)
//	asyncio.timeout(d)               deadline.FailAfter
//	timeout.reschedule(t)            deadline.FailScope and s.SetDeadline(t)
//	asyncio.timeout(None)            deadline.FailScope with a scope without deadline
//
// Cancellation is level-triggered, as in Trio: work that swallows it is told again at its
// next wait.
//
// # If you know errgroup
//
//	errgroup.WithContext(ctx)        nursery.Run
//	g.Go(f)                          n.Go(f), where f gets the context
//	g.TryGo(f)                       a semaphore's TryAcquire; n.TryGo asks if n has closed
//	g.SetLimit(k)                    a semaphore acquired in the task
//	g.Wait()                         the return of nursery.Run
//
// All errors are kept, not the first one; what the canceled others return because of it
// is recognized and left out. A panic comes out of Run, and t.FailNow in a task ends the
// test.
package trellis
