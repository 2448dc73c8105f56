package serve

import (
	"context"
	"errors"
	"sync"
)

// errDrained is the reason of a drain that was begun without one.
var errDrained = errors.New("drain requested")

// drainKey is the key of the *drain in the context of a program. The value is nil where
// WithoutDrain hides it.
type drainKey struct{}

// drainOf returns the drain of the program that ctx belongs to, nil if there is none.
func drainOf(ctx context.Context) *drain {
	d, _ := ctx.Value(drainKey{}).(*drain)
	return d
}

// Drain begins the drain of the program that ctx belongs to, as its first signal does.
// The reason is logged, and may be nil. When Drain returns, the channels of [Draining]
// are closed, also those of programs that run inside this one; a program around it is
// not affected. Shields do not hide a drain.
//
// Drain does not wait for the end of the program. It may be called by any number of
// goroutines; the reason of the first call is kept. It may be called before anything
// has been started: what is started then finds the program draining. After the end of
// the program it does nothing. Drain panics if ctx is nil or does not belong to a
// program.
func Drain(ctx context.Context, reason error) {
	if ctx == nil {
		panic("serve: Drain with a nil context: pass the context of the body of Main or Program.Run, or one inside it")
	}
	d := drainOf(ctx)
	if d == nil {
		panic("serve: Drain with a context that belongs to no program: pass the context of the body of Main or Program.Run, or one inside it")
	}
	d.begin(reason)
}

// Draining returns a channel that is closed when the drain of the program that ctx
// belongs to has begun: by a signal, by [Drain], because the program around it drains,
// or because the program has been canceled or has failed. Work that would take
// long, such as a stream of events or a long poll, should then come to its end. Its
// context is not done: see the package documentation for how long it has.
//
// A scope inside the program may be canceled without a drain, so code that waits for
// the channel should wait for ctx.Done() as well. For a context that belongs to no
// program, and below [WithoutDrain], Draining returns ctx.Done().
func Draining(ctx context.Context) <-chan struct{} {
	if d := drainOf(ctx); d != nil {
		return d.begun
	}
	return ctx.Done()
}

// Closing returns a channel that is closed when the program that ctx belongs to accepts
// nothing new any more: [Program.Linger] after [Draining]. In the meantime a load
// balancer may still send clients here, so what would make a client come back at once,
// such as the end of a stream of events, is better done at this point.
//
// For a context that belongs to no program, and below [WithoutDrain], Closing returns
// ctx.Done().
func Closing(ctx context.Context) <-chan struct{} {
	if d := drainOf(ctx); d != nil {
		return d.closing
	}
	return ctx.Done()
}

// WithoutDrain returns a copy of ctx that hides the drain. [HTTP] and the other
// functions of this package then serve until ctx is done. It is for services that other
// tasks use, and that must be there until those have ended:
//
//	n.Background("metrics", func(ctx context.Context) error {
//		return serve.HTTP(serve.WithoutDrain(ctx), metrics)
//	})
func WithoutDrain(ctx context.Context) context.Context {
	return context.WithValue(ctx, drainKey{}, (*drain)(nil))
}

// A drain is the request to a program to end. It goes through two steps, in this order,
// and never back: it begins, and then nothing new is accepted any more.
//
// Lock order: the mu of a drain before that of a drain inside it.
type drain struct {
	outer    *drain    // of the program around; nil if there is none. Read-only.
	reporter *reporter // of the program. Read-only.

	begun   chan struct{} // closed when the drain begins, under mu
	closing chan struct{} // closed after begun, when nothing new is accepted, under mu

	mu        sync.Mutex
	reason    error            // guarded by mu; not nil once the drain has begun
	lingers   bool             // guarded by mu; nothing new is accepted only after elapsed was called
	closed    bool             // guarded by mu; closing is closed
	byOuter   bool             // guarded by mu; the program around began the drain
	inner     map[*drain]bool  // guarded by mu; of programs that run inside
	listeners map[*func()]bool // guarded by mu; called when closing is closed
	cleanups  []cleanup        // guarded by mu; see cleanup.go
	cleaned   bool             // guarded by mu; the program has ended
}

// newDrain returns the drain of a program that runs inside the one that outer belongs
// to, if that is not nil. It must be left in the end.
func newDrain(outer *drain, r *reporter, lingers bool) *drain {
	d := &drain{outer: outer, reporter: r, begun: make(chan struct{}), closing: make(chan struct{}), lingers: lingers}
	if outer == nil {
		return d
	}
	outer.mu.Lock()
	defer outer.mu.Unlock()
	if outer.inner == nil {
		outer.inner = make(map[*drain]bool)
	}
	outer.inner[d] = true
	if outer.reason != nil {
		d.beginBy(outer.reason, !outer.closed)
	}
	return d
}

// leave is called when the program has ended.
func (d *drain) leave() {
	if d.outer != nil {
		d.outer.mu.Lock()
		delete(d.outer.inner, d)
		d.outer.mu.Unlock()
	}
}

// begin begins the drain, here and in the programs inside.
func (d *drain) begin(reason error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.reason != nil {
		return
	}
	d.beginLocked(reason)
	if !d.lingers {
		d.closeLocked()
	}
}

// beginBy is begin by the program around, with the mu of its drain held. With outerLingers,
// the call of closeBy follows.
func (d *drain) beginBy(reason error, outerLingers bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.reason == nil {
		d.byOuter = true
	}
	d.beginLocked(reason)
	if !d.lingers && !outerLingers {
		d.closeLocked()
	}
}

func (d *drain) beginLocked(reason error) {
	if d.reason != nil {
		return
	}
	if reason == nil {
		reason = errDrained
	}
	d.reason = reason
	close(d.begun)
	for inner := range d.inner {
		inner.beginBy(reason, true)
	}
}

// elapsed is called when the program has lingered for long enough. If the program around
// still lingers, so does this one.
func (d *drain) elapsed() {
	var outerLingers bool
	if d.outer != nil {
		d.outer.mu.Lock()
		defer d.outer.mu.Unlock()
		outerLingers = d.outer.reason != nil && !d.outer.closed
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lingers = false
	if !outerLingers {
		d.closeLocked()
	}
}

// closeBy is called when the program around accepts nothing new any more. The mu of its
// drain is held.
func (d *drain) closeBy() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.lingers {
		d.closeLocked()
	}
}

// cut ends the lingering: everything has been canceled.
func (d *drain) cut(reason error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lingers = false
	d.beginLocked(reason)
	d.closeLocked()
}

// closeLocked closes closing. The drain has begun.
func (d *drain) closeLocked() {
	if d.closed {
		return
	}
	d.closed = true
	close(d.closing)
	for f := range d.listeners {
		(*f)()
	}
	d.listeners = nil
	for inner := range d.inner {
		inner.closeBy()
	}
}

// onClosing calls f when nothing new is accepted any more, or at once if that is so
// already. f must not block and must not use the drain. The function that it returns
// takes f back. A nil drain never calls f.
func (d *drain) onClosing(f func()) (stop func()) {
	if d == nil {
		return func() {}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		f()
		return func() {}
	}
	if d.listeners == nil {
		d.listeners = make(map[*func()]bool)
	}
	d.listeners[&f] = true
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.listeners, &f)
	}
}

// isBegun reports whether the drain has begun. A nil drain never begins.
func (d *drain) isBegun() bool {
	return d != nil && isClosed(d.begun)
}

// why returns the reason of a drain that has begun, and whether the program around began
// it.
func (d *drain) why() (reason error, byOuter bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.reason, d.byOuter
}

// closes returns the channel that is closed when nothing new is accepted any more, nil
// for a nil drain.
func (d *drain) closes() <-chan struct{} {
	if d == nil {
		return nil
	}
	return d.closing
}
