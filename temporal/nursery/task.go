package nursery

import (
	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/wait"
)

// A Task is the handle of a task that has a result. [Spawn], [StartTask], [Nursery.Task] and
// [Nursery.Background] make them; a Task must not be copied. Its methods may be called by any
// coroutine of the workflow.
type Task[T any] struct {
	label   label
	scope   cancelscope.Scope
	ended   workflow.Future   // ready when the task has ended
	settle  workflow.Settable // of ended
	value   T                 // written before ended is set
	err     error             // written before ended is set
	nursery *Nursery
}

func newTask[T any](n *Nursery, w label) *Task[T] {
	t := &Task[T]{label: w, nursery: n}
	t.scope.Name = w.name
	return t
}

// Spawn starts f as a task of the nursery, as [Nursery.Go] does, and returns its handle. The task
// runs in a cancel scope of its own, inside that of the nursery. An error of f is an error of the
// nursery, whether or not any code waits for the task. The name appears in errors; a task without
// one ("") is named after its function.
//
// Spawn panics if n or f is nil, or if the nursery has closed.
func Spawn[T any](n *Nursery, name string, f func(ctx workflow.Context) (T, error)) *Task[T] {
	checkSpawn("Spawn", n, f == nil)
	t := newTask[T](n, label{name: name, task: f})
	t.start(f)
	return t
}

// Task starts f as a task of the nursery, as [Spawn] does, for a function without a result. It
// panics as Spawn does.
func (n *Nursery) Task(name string, f func(ctx workflow.Context) error) *Task[struct{}] {
	checkSpawn("Task", n, f == nil)
	t := newTask[struct{}](n, label{name: name, task: f})
	t.start(withoutResult(f))
	return t
}

// Background starts f as a background task: one that the other tasks need, and that is to end
// after them. It runs in a cancel scope of its own that is shielded from the nursery and from
// everything outside until the body, all ordinary tasks and pending Starts have ended, however
// they ended; then the scope is canceled, and the nursery waits for the task. Outer deadlines do
// not reach it. All background tasks of a nursery are canceled together, once and for good; tasks
// that they start in the nursery are ordinary.
//
// Its failure cancels the nursery like that of any task. Background panics as [Spawn] does.
func (n *Nursery) Background(name string, f func(ctx workflow.Context) error) *Task[struct{}] {
	checkSpawn("Background", n, f == nil)
	t := newTask[struct{}](n, label{name: name, task: f})
	t.ended, t.settle = workflow.NewFuture(n.ctx)
	t.scope.SetShield(true)
	n.addBackground(&t.scope)
	workflow.GoNamed(n.ctx, t.label.String(), func(ctx workflow.Context) {
		t.run(ctx, withoutResult(f))
		n.quitBackground(&t.scope)
	})
	return t
}

func withoutResult(f func(ctx workflow.Context) error) func(ctx workflow.Context) (struct{}, error) {
	return func(ctx workflow.Context) (struct{}, error) { return struct{}{}, f(ctx) }
}

// checkSpawn panics where a task with a handle cannot be started.
func checkSpawn(call string, n *Nursery, noFunction bool) {
	switch {
	case n == nil:
		panic("nursery: " + call + " into a nil nursery: pass the one that the task belongs to")
	case noFunction:
		panic("nursery: " + call + " with a nil function: there is nothing to run")
	case !n.open:
		panic("nursery: " + call + " in a nursery that has closed: call it while the body or a task of the nursery runs")
	}
}

// start runs f as an ordinary task of the nursery, which is open.
func (t *Task[T]) start(f func(ctx workflow.Context) (T, error)) {
	n := t.nursery
	n.join()
	t.ended, t.settle = workflow.NewFuture(n.ctx)
	workflow.GoNamed(n.ctx, t.label.String(), func(ctx workflow.Context) {
		t.run(ctx, f)
		n.quit()
	})
}

// run runs f in the scope of the task.
func (t *Task[T]) run(ctx workflow.Context, f func(ctx workflow.Context) (T, error)) {
	err := t.scope.Run(ctx, func(ctx workflow.Context) error {
		v, err := f(ctx)
		t.value = v
		return err
	})
	if err != nil {
		t.nursery.failed(t.label, err)
	}
	t.finish(err)
}

// finish publishes the result of the task.
func (t *Task[T]) finish(err error) {
	t.err = err
	if err == nil && t.scope.CanceledCaught() {
		t.err = t.scope.Cause()
	}
	if t.err != nil {
		var none T
		t.value = none
	}
	t.settle.Set(nil, nil)
}

// Wait waits for the end of the task and returns its value, or its error. It may be called any
// number of times, also after the end and after the nursery has closed.
//
// The error is the one that the task returned, which the nursery reports as well, or a
// [*cancelscope.Canceled] if the task was canceled through [Task.Cancel] and ended because of
// that. This last one is a real error to the scopes of the code that waits.
//
// A result that is there is returned whatever ctx says. If ctx is canceled before the task has
// ended, Wait returns the cause of ctx.
func (t *Task[T]) Wait(ctx workflow.Context) (T, error) {
	if err := wait.Get(ctx, t.ended, nil); err != nil {
		var none T
		return none, err
	}
	return t.value, t.err
}

// Join is like [Task.Wait] and continues to wait when ctx is canceled. A task that joins itself or
// a task that waits for it, or a body that joins a background task, waits for ever.
func (t *Task[T]) Join(ctx workflow.Context) (T, error) {
	if ctx == nil {
		panic("nursery: Join with a nil context: pass the one of the calling task")
	}
	_ = t.ended.Get(ctx, nil) // never set to an error
	return t.value, t.err
}

// Result returns the value or the error of a task that has ended, as [Task.Wait] does, and
// [ErrNotFinished] if it has not. It does not block; a query handler may call it.
func (t *Task[T]) Result() (T, error) {
	if !t.ended.IsReady() {
		var none T
		return none, ErrNotFinished
	}
	return t.value, t.err
}

// Future returns a future that is ready when the task has ended and its result can be had, for
// a workflow.Selector. Its value and error are nil; [Task.Result] has them.
func (t *Task[T]) Future() workflow.Future { return t.ended }

// Cancel cancels the task alone: its siblings and the nursery take no notice. A task that has not
// run yet runs to its first wait. The reason may be nil; only the first call counts. It does not
// wait for the task to end, and does nothing if it has.
func (t *Task[T]) Cancel(reason error) { t.scope.Cancel(reason) }

// Name returns the name of the task, which is that of its function if it was given none.
func (t *Task[T]) Name() string { return t.label.String() }
