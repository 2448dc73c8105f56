package nursery

import (
	"context"
	"runtime"
	"sync"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/record"
	"github.com/trellis-go/trellis/internal/tree"
)

// Start starts task and waits until the task reports that it is ready, by calling
// started, or has ended. It is for servers that must be listening before the caller
// continues.
//
// Until then the task belongs to the caller. It is canceled with ctx, and not with the
// nursery. Start returns its error, the same value, which does not affect the nursery;
// after a panic Start panics (or what the nursery's [PanicPolicy] says), after a
// runtime.Goexit it calls runtime.Goexit. If the task ends without error and without
// having called started, Start returns [ErrNotStarted], or, if ctx is done then, the
// cancellation.
//
// When it calls started, the task with all scopes in it moves into the nursery, and Start
// returns the value given to started. From then on it is a task like any other there; if
// the nursery is canceled, so is the task when started returns. The values of its context
// are those of ctx, also after the move. If ctx is done already when started is called,
// the task does not move: it ends under the caller, and if it then returns nil, Start
// returns the value.
//
// The context of the task does not report a deadline of ctx by its Deadline method, since
// that will not apply after the move; it is canceled by it all the same.
//
// A pending Start keeps the nursery open. If the nursery has closed, Start returns
// [ErrClosed] and does not run the task. Start does not return early when ctx is done;
// it waits for the task, which is canceled. started does not block; it panics when
// called a second time, or after the task has ended.
//
// The name stands before the error of the task once it has moved; it may be empty, see
// [Nursery.GoNamed]. Start panics if ctx, n or task is nil.
func Start[T any](ctx context.Context, n *Nursery, name string, task func(ctx context.Context, started func(T)) error) (T, error) {
	if task == nil {
		panic("nursery: Start with a nil function: there is nothing to run")
	}
	return start(ctx, n, &cancelscope.Scope{Name: name}, label{name: name, task: task}, task, nil)
}

// StartTask is like [Start] for a task that also has a result, and returns a handle of
// the task beside the value given to started. The handle is nil if the error is not.
func StartTask[S, T any](ctx context.Context, n *Nursery, name string, task func(ctx context.Context, started func(S)) (T, error)) (S, *Task[T], error) {
	if task == nil {
		panic("nursery: StartTask with a nil function: there is nothing to run")
	}
	t := newTask[T](label{name: name, task: task})
	value, err := start(ctx, n, &t.scope, t.label, func(ctx context.Context, started func(S)) error {
		v, err := task(ctx, started)
		t.value = v
		return err
	}, t)
	if err != nil {
		return value, nil, err
	}
	return value, t, nil
}

// A starting is a task between the call of Start and its end.
type starting[T any] struct {
	nursery *Nursery
	label   label
	handle  handle    // nil if the task has none
	node    tree.Node // the context of the task; written before the task runs

	mu    sync.Mutex
	said  bool // guarded by mu; started was called
	moved bool // guarded by mu; the task is the nursery's
	ended bool // guarded by mu; the task has returned and cannot move any more
	value T    // guarded by mu; given to started

	ready   chan struct{} // closed when the task has moved, else when it has ended
	outcome outcome       // written before ready is closed, if the task has not moved
}

func start[T any](ctx context.Context, n *Nursery, scope *cancelscope.Scope, l label, task func(ctx context.Context, started func(T)) error, h handle) (value T, err error) {
	if ctx == nil {
		panic("nursery: Start with a nil context: pass the context of the calling task")
	}
	if n == nil {
		panic("nursery: Start into a nil nursery: pass the one that the task is to move to")
	}
	if !n.enter(taskShare) {
		return value, ErrClosed
	}
	s := &starting[T]{nursery: n, label: l, handle: h, ready: make(chan struct{})}
	go s.run(n.inPendingNode(ctx, l), scope, task)
	<-s.ready
	s.mu.Lock()
	said, moved, value := s.said, s.moved, s.value
	s.mu.Unlock()
	switch {
	case moved:
		return value, nil
	case s.outcome.panicked != nil:
		panic(s.outcome.panicked)
	case s.outcome.exited:
		runtime.Goexit()
	case s.outcome.err == nil && said:
		return value, nil
	case s.outcome.err == nil:
		s.outcome.err = ErrNotStarted
	}
	var none T
	return none, s.outcome.err
}

// run is the goroutine of the task. ctx is that of the caller, or the node of the task.
func (s *starting[T]) run(ctx context.Context, scope *cancelscope.Scope, task func(ctx context.Context, started func(T)) error) {
	defer s.exit(ctx) // also after a callback has exited
	returned := false
	defer func() {
		if !returned {
			s.endAbnormally(recover())
		}
	}()
	record.EnterContext(ctx)
	err := scope.Run(ctx, func(ctx context.Context) error {
		s.node = ctx.(tree.Node)
		s.node.Movable()
		defer s.stay()
		err := task(ctx, s.started)
		if err == nil && !s.said && ctx.Err() != nil {
			return causeOf(ctx, scope) // the task has ended because the caller is canceled
		}
		return err
	})
	s.end(err)
	returned = true
}

// end takes an error of the task, or nil.
func (s *starting[T]) end(err error) {
	switch {
	case !s.moved: // which is not written any more
		s.outcome = outcome{err: err}
	case err != nil:
		s.nursery.endWithError(s.label, err, s.handle)
	}
	if s.handle != nil {
		s.handle.fix(s.outcome)
		s.handle.publish()
	}
}

// endAbnormally takes a panic of the task, or a Goexit if value is nil, on top of the
// stack of the panic.
func (s *starting[T]) endAbnormally(value any) {
	if s.moved {
		s.nursery.endAbnormally(s.label, value, s.handle)
		return
	}
	// It belongs to the caller, and the nursery records nothing but what OnPanic does.
	var p *PanicError
	s.outcome, p = s.nursery.abnormal(s.label, value)
	if p != nil {
		s.nursery.reportPanic(s.label, p)
	}
}

// exit gives back the share in the nursery, and releases the caller if the task has not
// moved.
func (s *starting[T]) exit(ctx context.Context) {
	record.EndContext(ctx)
	if s.moved && s.label.kind == backgroundTask {
		s.nursery.exit(backgroundShare)
		return
	}
	s.nursery.exit(taskShare)
	if !s.moved {
		close(s.ready)
	}
}

// started is what the task calls.
func (s *starting[T]) started(value T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		panic("nursery: started called after its task has ended: call it from the task before it returns")
	}
	if s.said {
		panic("nursery: started called twice: call it once, when the task is ready")
	}
	s.said, s.value = true, value
	if s.move() {
		s.nursery.moveNode(s.node, s.label)
		s.moved = true
		close(s.ready)
	}
}

// move moves the task into the nursery, and reports whether it has.
func (s *starting[T]) move() bool {
	n := s.nursery
	if s.label.kind != backgroundTask {
		return s.node.Move(n.ctx.(tree.Node))
	}
	n.enter(backgroundShare) // succeeds, because of the share that the task has
	if !s.node.Move(n.backgroundContext().(tree.Node)) {
		n.exit(backgroundShare)
		return false
	}
	n.exit(taskShare)
	return true
}

// stay ends the time in which the task can move.
func (s *starting[T]) stay() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
}
