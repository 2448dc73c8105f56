package nursery

import (
	"context"
	"sync/atomic"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/record"
)

// A Task is the handle of a task: to wait for its result, or to cancel it alone. [Spawn],
// [StartTask], [Nursery.Task] and [Nursery.Background] make them; a Task must not be
// copied, and its methods may be called by any number of goroutines.
type Task[T any] struct {
	label label
	scope cancelscope.Scope

	// fixed is set when value and err have been written, which are read-only from then
	// on. It is set before other tasks are canceled because of this one; done is closed
	// after that, without calling user code in between.
	fixed atomic.Bool
	done  chan struct{} // closed by publish
	value T
	err   error
}

// Spawn starts f as a task of the nursery, as [Nursery.Go] does, and returns its
// handle. The task runs in a cancel scope of its own, inside that of the nursery. An
// error of f is an error of the nursery, whether or not any code waits for the task.
// For a function without a result there is [Nursery.Task].
//
// The name stands before the error of the task; it may be empty, see [Nursery.GoNamed].
//
// Spawn is a function because methods cannot have type parameters. It panics if n or f
// is nil, or if the nursery has closed.
func Spawn[T any](n *Nursery, name string, f func(ctx context.Context) (T, error)) *Task[T] {
	if n == nil {
		panic("nursery: Spawn into a nil nursery: pass the one that the task belongs to")
	}
	if f == nil {
		panic("nursery: Spawn with a nil function: there is nothing to run")
	}
	if !n.enter(taskShare) {
		panic("nursery: Spawn in a nursery that has closed: call it while the body or a task of the nursery runs")
	}
	t := newTask[T](label{name: name, task: f})
	go t.run(n, n.inOwnNode(record.Task, t.label), taskShare, f)
	return t
}

// Task starts f as a task of the nursery, and returns its handle: [Spawn] for a function
// without a result. It panics if f is nil, or if the nursery has closed.
func (n *Nursery) Task(name string, f func(ctx context.Context) error) *Task[struct{}] {
	if f == nil {
		panic("nursery: Task with a nil function: there is nothing to run")
	}
	if !n.enter(taskShare) {
		panic("nursery: Task in a nursery that has closed: call it while the body or a task of the nursery runs")
	}
	t := newTask[struct{}](label{name: name, task: f})
	go t.run(n, n.inOwnNode(record.Task, t.label), taskShare, withoutResult(f))
	return t
}

func newTask[T any](l label) *Task[T] {
	t := &Task[T]{label: l, done: make(chan struct{})}
	t.scope.Name = l.name
	return t
}

// withoutResult makes a function with a result of f.
func withoutResult(f func(ctx context.Context) error) func(ctx context.Context) (struct{}, error) {
	return func(ctx context.Context) (struct{}, error) { return struct{}{}, f(ctx) }
}

// run is the goroutine of a task with a handle, whose scope lies inside ctx, which may be
// the node of the task.
func (t *Task[T]) run(n *Nursery, ctx context.Context, share int64, f func(ctx context.Context) (T, error)) {
	defer n.exitNode(ctx, share) // also after a callback has exited
	returned := false
	defer func() {
		if !returned {
			n.endAbnormally(t.label, recover(), t)
		}
	}()
	record.EnterContext(ctx)
	err := t.scope.Run(ctx, func(ctx context.Context) error {
		v, err := f(ctx)
		t.value = v
		return err
	})
	if err != nil {
		n.endWithError(t.label, err, t)
	} else {
		t.fix(outcome{})
		t.publish()
	}
	returned = true
}

// fix implements [handle].
func (t *Task[T]) fix(o outcome) {
	if t.fixed.Load() {
		return // a callback has panicked or exited: the task has ended before that
	}
	switch {
	case o.panicked != nil:
		t.err = o.panicked
	case o.exited:
		t.err = ErrGoexit
	case o.err != nil:
		t.err = o.err
	case t.scope.CanceledCaught():
		t.err = t.scope.Cause()
	}
	if t.err != nil {
		var none T
		t.value = none
	}
	t.fixed.Store(true)
}

// publish implements [handle].
func (t *Task[T]) publish() {
	select {
	case <-t.done:
	default:
		close(t.done)
	}
}

// Wait waits for the end of the task and returns its value, or its error. It may be
// called any number of times, also after the end and after the nursery has closed.
//
// The error is the one that the task returned, the same value, which the nursery reports
// as well; a [*PanicError] if it panicked; [ErrGoexit] if it called runtime.Goexit; and a
// [*cancelscope.Canceled] if it was canceled through [Task.Cancel] and ended because of
// that. In the goroutine that waits this Canceled is a real error, like the others: the
// scopes there do not remove it.
//
// If ctx is done before the task has ended, Wait returns the cause of ctx. If the result
// is there when Wait looks, it is returned, also if ctx is done: a task whose end
// cancels the goroutine that waits for it does not lose its result.
//
// Wait panics if ctx is nil.
func (t *Task[T]) Wait(ctx context.Context) (T, error) {
	if ctx == nil {
		panic("nursery: Wait with a nil context: pass the context of the calling task")
	}
	select {
	case <-t.done:
		return t.value, t.err
	default:
	}
	select {
	case <-t.done:
		return t.value, t.err
	case <-ctx.Done():
	}
	if t.fixed.Load() {
		<-t.done // it is about to be closed
		return t.value, t.err
	}
	var none T
	return none, context.Cause(ctx)
}

// Join waits for the end of the task, without a context, and returns what [Task.Wait]
// returns then.
//
// It cannot be interrupted, so it deadlocks where the task waits, directly or not, for
// the goroutine that calls Join: in the task itself; in a task or body that the task
// waits for; in the body of the nursery for a background task, which ends only after the
// body. Wait with a context ends when the nursery is canceled, if the context is the
// nursery's.
func (t *Task[T]) Join() (T, error) {
	<-t.done
	return t.value, t.err
}

// Result returns the value or the error of a task that has ended, as [Task.Wait] does,
// and [ErrNotFinished] if it has not. It does not block.
func (t *Task[T]) Result() (T, error) {
	select {
	case <-t.done:
		return t.value, t.err
	default:
		var none T
		return none, ErrNotFinished
	}
}

// Done returns a channel that is closed when the task has ended and its result can be
// read.
func (t *Task[T]) Done() <-chan struct{} { return t.done }

// Cancel cancels the task alone: its siblings and the nursery are not affected. A task
// that has not run yet runs to its first wait. The reason may be nil; only the first
// call counts. It does not wait for the task to end, and does nothing if it has.
func (t *Task[T]) Cancel(reason error) { t.scope.Cancel(reason) }

// Name returns the name of the task, which is that of its function if it was given
// none.
func (t *Task[T]) Name() string { return t.label.String() }
