package nursery

import (
	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/internal/tree"
)

// Start starts task and waits until it reports that it is ready, by calling started, or has
// ended. The name appears in errors; a task without one ("") is named after its function.
//
// Until then the task belongs to the caller. It is canceled with ctx, and not with the nursery.
// Its error is returned by Start, the same value, and does not touch the nursery. If it ends
// without an error and without having called started, Start returns [ErrNotStarted], or the
// cancellation if the task was canceled and a wait of this module, or cancelscope.Cause, reported that
// to it.
//
// When it calls started, the task with all scopes in it moves into the nursery, and Start returns
// the value given to started. From then on it is a task like any other there; if the nursery is
// canceled, so is the task when started returns. The values of its context are those of ctx for
// good. If ctx is canceled already when started is called, the task does not move: it ends under
// the caller, and if it then returns nil, Start returns the value.
//
// A pending Start keeps the nursery open. If the nursery has closed, Start returns [ErrClosed] and
// does not run the task. Start does not return early when ctx is canceled; it waits for the task,
// which is canceled. started does not block; it panics when called a second time, or after the
// task has ended.
//
// Start panics if ctx, n or task is nil.
func Start[T any](ctx workflow.Context, n *Nursery, name string, task func(ctx workflow.Context, started func(T)) error) (T, error) {
	checkStart("Start", ctx, n, task == nil)
	s := &starting[T]{nursery: n, label: label{name: name, task: task}, scope: &cancelscope.Scope{Name: name}}
	return s.start(ctx, task, func(error) {})
}

// StartTask is like [Start] for a task that also has a result, and returns a handle of the task
// beside the value given to started. The handle is nil if the error is not.
func StartTask[S, T any](ctx workflow.Context, n *Nursery, name string, task func(ctx workflow.Context, started func(S)) (T, error)) (S, *Task[T], error) {
	checkStart("StartTask", ctx, n, task == nil)
	t := newTask[T](n, label{name: name, task: task})
	t.ended, t.settle = workflow.NewFuture(ctx)
	s := &starting[S]{nursery: n, label: t.label, scope: &t.scope}
	value, err := s.start(ctx, func(ctx workflow.Context, started func(S)) error {
		v, err := task(ctx, started)
		t.value = v
		return err
	}, t.finish)
	if err != nil {
		return value, nil, err
	}
	return value, t, nil
}

// StartBackground is like [Start] for a background task: when task calls started, it becomes one,
// as if it had been started by [Nursery.Background].
func StartBackground[T any](ctx workflow.Context, n *Nursery, name string, task func(ctx workflow.Context, started func(T)) error) (T, error) {
	checkStart("StartBackground", ctx, n, task == nil)
	s := &starting[T]{nursery: n, label: label{name: name, task: task}, scope: &cancelscope.Scope{Name: name}, background: true}
	return s.start(ctx, task, func(error) {})
}

func checkStart(call string, ctx workflow.Context, n *Nursery, noTask bool) {
	switch {
	case ctx == nil:
		panic("nursery: " + call + " with a nil context: pass the one of the calling task")
	case n == nil:
		panic("nursery: " + call + " into a nil nursery: pass the one that the task is to move to")
	case noTask:
		panic("nursery: " + call + " with a nil function: there is nothing to run")
	}
}

// A starting is a task between the call of Start and its end.
type starting[T any] struct {
	nursery    *Nursery
	label      label
	scope      *cancelscope.Scope
	background bool

	node  tree.Node         // of scope; written before the task runs
	ready workflow.Settable // set when the task has moved, else when it has ended
	said  bool              // started was called
	moved bool              // the task is the nursery's
	ended bool              // the task has returned and cannot move any more
	value T                 // given to started
	err   error             // of a task that has not moved; written before ready is set
}

func (s *starting[T]) start(ctx workflow.Context, task func(ctx workflow.Context, started func(T)) error, finish func(error)) (T, error) {
	var none T
	if !s.nursery.join() {
		return none, ErrClosed
	}
	var ready workflow.Future
	ready, s.ready = workflow.NewFuture(ctx)
	workflow.GoNamed(ctx, s.label.String(), func(ctx workflow.Context) { s.run(ctx, task, finish) })
	_ = ready.Get(ctx, nil) // never set to an error
	switch {
	case s.moved, s.err == nil && s.said:
		return s.value, nil
	case s.err != nil:
		return none, s.err
	case s.node.Noticed():
		if cause := s.scope.Cause(); cause != nil {
			return none, cause
		}
	}
	return none, ErrNotStarted
}

// run is the coroutine of the task.
func (s *starting[T]) run(ctx workflow.Context, task func(ctx workflow.Context, started func(T)) error, finish func(error)) {
	n := s.nursery
	err := s.scope.Run(ctx, func(ctx workflow.Context) error {
		s.node = tree.Of(ctx)
		err := task(ctx, s.started)
		s.ended = true
		return err
	})
	if s.moved && err != nil {
		n.failed(s.label, err)
	}
	finish(err)
	switch {
	case s.moved && s.background:
		n.quitBackground(s.scope)
	case s.moved:
		n.quit()
	default:
		s.err = err
		n.quit()
		s.ready.Set(nil, nil)
	}
}

// started is what the task calls.
func (s *starting[T]) started(value T) {
	switch {
	case s.ended:
		panic("nursery: started called after its task has ended: call it from the task before it returns")
	case s.said:
		panic("nursery: started called twice: call it once, when the task is ready")
	}
	s.said, s.value = true, value
	if s.background && s.scope.Cause() == nil {
		s.scope.SetShield(true) // before the move, or a canceled nursery would cancel it
	}
	if !s.node.Move(s.nursery.node()) {
		return
	}
	s.moved = true
	if s.background {
		s.nursery.addBackground(s.scope)
		s.nursery.quit()
	}
	s.ready.Set(nil, nil)
}
