package errgroup

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/trellis-go/trellis/internal/record"
)

// A Group is a set of goroutines, called tasks, that work on parts of one job.
//
// The zero value is ready for use: it has no limit, and no context that the first error
// cancels. A Group must not be copied after first use. Use a new one for each job: the
// error of a Group stays, and its context is done after the first Wait.
type Group struct {
	cancel context.CancelCauseFunc // set before the first task, nil for a zero Group

	tasks sync.WaitGroup
	slots chan struct{} // one element for each task under a limit; nil without one; never closed; replaced by SetLimit only

	mu  sync.Mutex
	err error // guarded by mu until tasks.Wait has returned

	node atomic.Pointer[record.Node] // see record.go; nil until it is made
}

// WithContext returns a new Group, and a context derived from ctx. The context is done
// when a task has returned an error that is not nil, when Wait has returned, or when ctx
// is done, whichever comes first. context.Cause gives the error of that task.
//
// WithContext does not block. It panics if ctx is nil. A group that is never waited for
// and has no failing task keeps the context registered with ctx until ctx is done.
func WithContext(ctx context.Context) (*Group, context.Context) {
	inner, cancel := context.WithCancelCause(ctx)
	g := &Group{cancel: cancel}
	if record.On() {
		return g, g.newNode(ctx, inner)
	}
	return g, inner
}

// Go starts a task: it calls f in a new goroutine. While the group has as many tasks as
// its limit allows, Go blocks first, without regard to any context, so with a limit of
// zero it blocks forever. Without a limit it does not block.
//
// If f returns an error that is not nil and is the first of the group, the context of the
// group is canceled, and Wait returns this error. A panic in f ends the program.
//
// Go may be called by several goroutines, and by tasks; under a limit a task that calls
// Go may wait for itself. If the group has no running task, a call must not be concurrent
// with a call of Wait.
func (g *Group) Go(f func() error) {
	if g.slots != nil {
		g.slots <- struct{}{}
	}
	g.tasks.Add(1)
	if record.Active() {
		go g.runRecorded(g.task(f), f)
		return
	}
	go g.run(f)
}

// TryGo starts a task as Go does, unless the group has as many tasks as its limit allows.
// It does not block, and reports whether the task was started. It may be called when Go
// may be called.
func (g *Group) TryGo(f func() error) bool {
	if g.slots != nil {
		select {
		case g.slots <- struct{}{}:
		default:
			return false
		}
	}
	g.tasks.Add(1)
	if record.Active() {
		go g.runRecorded(g.task(f), f)
		return true
	}
	go g.run(f) // not by a call of Go, so that the stack trace of the task says TryGo
	return true
}

// run is the whole of the goroutine of a task that is not recorded.
func (g *Group) run(f func() error) {
	// Not recovered: a panic that is carried to Wait arrives late or never, and without
	// the stack that crash reports need (golang/go#53757, #74275, #74304).
	defer g.end()
	if err := f(); err != nil {
		g.fail(err)
	}
}

// fail records the error of a task, and cancels the context of the group, if the error
// is the first. If another is just being recorded, fail waits until that is done, so that
// no failing task ends before the context is canceled.
func (g *Group) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return
	}
	g.err = err
	if g.cancel != nil {
		g.cancel(err)
	}
}

// end runs when f has returned, has panicked or has called runtime.Goexit. The slot comes
// first: when Wait returns, all slots are free, and SetLimit may be called.
func (g *Group) end() {
	if g.slots != nil {
		<-g.slots
	}
	g.tasks.Done()
}

// Wait blocks until all tasks have ended, and returns the first error that one of them
// returned, or nil. Before it returns, it cancels the context of the group.
//
// Wait may be called by several goroutines, and again: a later call waits for tasks that
// were started since, and returns the first error of all of them. A task must not call
// it, because it would wait for itself.
func (g *Group) Wait() error {
	g.tasks.Wait()
	if g.cancel != nil {
		g.cancel(g.err)
	}
	return g.err
}

// SetLimit limits how many tasks of the group run at a time to n. A negative n removes
// the limit. With a limit of zero, TryGo starts nothing and Go blocks forever.
//
// SetLimit does not block. It must not be called while tasks run, or by several
// goroutines at a time. It panics if tasks that were started under a limit still run and
// n is not negative.
func (g *Group) SetLimit(n int) {
	if n < 0 {
		g.slots = nil
		return
	}
	if running := len(g.slots); running > 0 {
		panic(fmt.Errorf("errgroup: modify limit while %v goroutines in the group are still active", running))
	}
	g.slots = make(chan struct{}, n)
}
