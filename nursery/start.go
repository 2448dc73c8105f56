package nursery

import (
	"context"
	"runtime"
	"sync"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/tree"
)

// Start starts task and waits until it says that it is ready, by calling started, or
// has ended. It is Trio's nursery.start: for servers that must be listening before the
// caller goes on. The name appears in errors; a task without one ("") is named after its
// function.
//
// Until then the task belongs to the caller. It is canceled with ctx, and not with the
// nursery; its error comes out of Start, the same value, and does not touch the nursery,
// and so do a panic (as the nursery's policy says) and a Goexit. If it ends without
// error and without having called started, Start returns [ErrNotStarted].
//
// When it calls started, the task with all scopes in it moves into the nursery, and
// Start returns the value given to started. From then on it is a task like any other
// there; if the nursery is canceled, so is the task when started returns. The values
// of its context are those of ctx for good. If ctx is done already when started is
// called, the task does not move: it ends under the caller, and if it then returns nil,
// Start returns the value.
//
// The context of the task tells no deadline of ctx by its Deadline method, since that
// will not apply after the move; it is canceled by it all the same.
//
// A pending Start keeps the nursery open. If the nursery has closed, Start returns
// [ErrClosed] and does not run the task. Start does not return early when ctx is done;
// it waits for the task, which is canceled. started does not block; it panics when
// called a second time, or after the task has ended.
//
// Start panics if ctx, n or task is nil.
func Start[T any](ctx context.Context, n *Nursery, name string, task func(ctx context.Context, started func(T)) error) (T, error) {
	if task == nil {
		panic("nursery: Start with a nil function: there is nothing to run")
	}
	return start(ctx, n, &cancelscope.Scope{Name: name}, who{name, task}, task, func(ending) {})
}

// StartTask is like [Start] for a task that also has a result, and returns a handle of
// the task beside the value given to started. The handle is nil if the error is not.
func StartTask[S, T any](ctx context.Context, n *Nursery, name string, task func(ctx context.Context, started func(S)) (T, error)) (S, *Task[T], error) {
	if task == nil {
		panic("nursery: StartTask with a nil function: there is nothing to run")
	}
	t := &Task[T]{who: who{name, task}, done: make(chan struct{})}
	t.scope.Name = name
	value, err := start(ctx, n, &t.scope, t.who, func(ctx context.Context, started func(S)) error {
		v, err := task(ctx, started)
		t.value = v
		return err
	}, t.finish)
	if err != nil {
		return value, nil, err
	}
	return value, t, nil
}

// A starting is a task between the call of Start and its end.
type starting[T any] struct {
	nursery *Nursery
	who     who
	node    tree.Node // the context of the task; written before the task runs

	mu    sync.Mutex
	said  bool // guarded by mu; started was called
	moved bool // guarded by mu; the task is the nursery's
	ended bool // guarded by mu; the task has returned and cannot move any more
	value T    // guarded by mu; given to started

	ready chan struct{} // closed when the task has moved, else when it has ended
	end   ending        // written before ready is closed, if the task has not moved
}

func start[T any](ctx context.Context, n *Nursery, scope *cancelscope.Scope, w who, task func(ctx context.Context, started func(T)) error, finish func(ending)) (value T, err error) {
	if ctx == nil {
		panic("nursery: Start with a nil context: pass the context of the calling task")
	}
	if n == nil {
		panic("nursery: Start into a nil nursery: pass the one that the task is to move to")
	}
	if !n.join() {
		return value, ErrClosed
	}
	s := &starting[T]{nursery: n, who: w, ready: make(chan struct{})}
	go s.run(ctx, scope, task, finish)
	<-s.ready
	s.mu.Lock()
	said, moved, value := s.said, s.moved, s.value
	s.mu.Unlock()
	switch {
	case moved:
		return value, nil
	case s.end.panicked != nil:
		panic(s.end.panicked)
	case s.end.exited:
		runtime.Goexit()
	case s.end.err == nil && said:
		return value, nil
	case s.end.err == nil:
		s.end.err = ErrNotStarted
	}
	var none T
	return none, s.end.err
}

// run is the goroutine of the task.
func (s *starting[T]) run(ctx context.Context, scope *cancelscope.Scope, task func(ctx context.Context, started func(T)) error, finish func(ending)) {
	n := s.nursery
	var end ending
	defer func() {
		finish(end)
		if s.moved { // nobody writes it any more
			n.quit()
			return
		}
		s.end = end
		n.quit()
		close(s.ready)
	}()
	returned := false
	defer func() {
		switch {
		case returned:
		case s.moved:
			end = n.broken(s.who, recover())
		default:
			end = n.ending(s.who, recover())
		}
	}()
	end.err = scope.Run(ctx, func(ctx context.Context) error {
		s.node = ctx.(tree.Node)
		s.node.Movable()
		defer s.stay()
		return task(ctx, s.started)
	})
	returned = true
	if s.moved && end.err != nil {
		n.failed(s.who, end.err)
		n.told()
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
	if s.node.Move(s.nursery.ctx.(tree.Node)) {
		s.moved = true
		close(s.ready)
	}
}

// stay ends the time in which the task can move.
func (s *starting[T]) stay() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
}
