package nursery

import (
	"context"
	"errors"
	"sync"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/record"
	"github.com/trellis-go/trellis/internal/tree"
)

// errBackgroundOver is the reason for which background tasks are canceled.
var errBackgroundOver = errors.New("the body and all other tasks of the nursery have ended")

// A background is the scope of the background tasks of a nursery. It lies inside that of
// the nursery, has its values, and is shielded from it.
type background struct {
	scope cancelscope.Scope

	once sync.Once
	ctx  context.Context // of scope; written by once
	end  func(*error)    // leaves scope; written by once
}

// Background starts f as a background task: one that the other tasks use, such as a
// heartbeat, a cache that refreshes itself, or a metrics page. It may run for ever: when
// the body, all ordinary tasks and all pending [Start] calls of the nursery have ended,
// its context is canceled, once and for good, and Run waits for it as for every task.
//
// Until then its context is not canceled, neither with the nursery nor from outside,
// and outer deadlines do not reach it: other tasks may use it for their clean-up. All
// background tasks of a nursery end together. Tasks that a background task starts are
// ordinary. If f returns an error while it is not canceled, or a real error at any time,
// that is a failure of the nursery like that of every task, and cancels the others.
//
// A background task counts in [Nursery.Running]. The handle cancels it alone. The name
// may be empty, see [Nursery.GoNamed].
//
// Background does not block. It panics if f is nil or if the nursery has closed. A task
// that is started when the background tasks have been canceled is canceled from the
// start.
func (n *Nursery) Background(name string, f func(ctx context.Context) error) *Task[struct{}] {
	if f == nil {
		panic("nursery: Background with a nil function: there is nothing to run")
	}
	if !n.enter(backgroundShare) {
		panic("nursery: Background in a nursery that has closed: call it while the body or a task of the nursery runs")
	}
	t := newTask[struct{}](label{name: name, task: f, kind: backgroundTask})
	ctx := n.backgroundContext()
	if record.Active() {
		ctx = n.ownNode(record.Background, t.label, ctx)
	}
	go t.run(n, ctx, backgroundShare, withoutResult(f))
	return t
}

// StartBackground starts a background task and waits until it calls started, or has
// ended: [Start] for a task that then runs as [Nursery.Background] describes. Until it
// calls started, the task belongs to the caller and is canceled with ctx.
//
// StartBackground panics if ctx, n or task is nil.
func StartBackground[T any](ctx context.Context, n *Nursery, name string, task func(ctx context.Context, started func(T)) error) (T, error) {
	if task == nil {
		panic("nursery: StartBackground with a nil function: there is nothing to run")
	}
	l := label{name: name, task: task, kind: backgroundTask}
	return start(ctx, n, &cancelscope.Scope{Name: name}, l, task, nil)
}

// backgroundScope returns the background of the nursery, and makes it if there is none.
func (n *Nursery) backgroundScope() *background {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.ledgerLocked()
	if r.background == nil {
		r.background = new(background)
		r.background.scope.Name = "background"
		r.background.scope.SetShield(true)
	}
	return r.background
}

// backgroundContext returns the context of the background scope, and enters it if that
// has not been done. The caller has a share in the nursery.
func (n *Nursery) backgroundContext() context.Context {
	b := n.backgroundScope()
	b.once.Do(func() {
		b.ctx, b.end = b.scope.Enter(n.ctx)
		b.ctx.(tree.Node).Internal()
	})
	return b.ctx
}

// cancelBackground cancels the background tasks, also those that are just being started.
// It is called when only background tasks are left, and may be called again.
func (n *Nursery) cancelBackground() { n.backgroundScope().scope.Cancel(errBackgroundOver) }

// closeBackground leaves the background scope. It is called when the nursery has closed.
func (n *Nursery) closeBackground() {
	if b := n.closed().background; b != nil && b.end != nil {
		var err error
		b.end(&err)
	}
}
