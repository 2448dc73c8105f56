package deadline

import (
	"context"
	"errors"
	"os"
	"reflect"
	"sync"
	"time"
)

// Interrupt runs op, which is to block in reads, writes or the like on d, and
// interrupts them once ctx is done, by setting the deadline of d into the past. It is
// for what [Conn] and [Accept] do not cover: a pipe, a packet connection, a call that
// reads and writes many times.
//
//	err := deadline.Interrupt(ctx, pipe, func() (err error) {
//		text, err = io.ReadAll(pipe)
//		return err
//	})
//
// Interrupt calls op in its own goroutine and returns when op has returned. If ctx
// is done already it does not call op, and returns the cause of ctx (see
// [context.Cause]). Otherwise it returns what op did, with one exception: if ctx is
// done and the error of op says that a deadline has passed, it returns the cause.
// Such an error wraps os.ErrDeadlineExceeded, as those of packages net and os do; one
// that joins several does so in all of them. A success is a success, also if ctx is
// done, and everything else, such as the deadline of another context, is a real
// error. If op panics or calls runtime.Goexit, that goes on.
//
// The deadline of d is touched only if ctx is done while op runs. After that there
// is none, also where there was one before, which Interrupt cannot know; only that of
// a connection from [Conn] is restored. When Interrupt has returned it does not touch
// d any more. While op runs nobody should set deadlines of d, unless d comes from
// Conn: one that is set after the interruption would end it.
//
// The deadline hits whoever uses d at that time. Calls of Interrupt on one d under
// different contexts may overlap, and each is interrupted reliably, but one whose
// own context is not done may get the timeout of the other, which it returns as it
// is. Methods of d must be safe to call while op runs. If SetDeadline returns an
// error, as it does for files on disk, op is not interrupted.
//
// While nothing is canceled Interrupt costs no goroutine, as [Conn]. It panics if ctx, d or op
// is nil.
func Interrupt(ctx context.Context, d interface{ SetDeadline(time.Time) error }, op func() error) error {
	if ctx == nil {
		panic("deadline: Interrupt with a nil context: pass context.Background(), or call op")
	}
	if d == nil {
		panic("deadline: Interrupt with nothing to set a deadline of: pass what op blocks on")
	}
	if op == nil {
		panic("deadline: Interrupt with a nil function: there is nothing to run")
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if c, ok := d.(*conn); ok {
		defer c.read.watch(ctx).end()
		defer c.write.watch(ctx).end()
	} else {
		u := uses.begin(d)
		defer uses.end(u)
		defer u.gate.watch(ctx).end()
	}
	err := op()
	if err != nil && exceeded(err) && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// exceeded reports whether err is nothing but deadlines of I/O that have passed. It
// is stricter than timedOut, because op may have done anything: a Timeout method
// alone may be that of a TooSlowError or of an HTTP client.
func exceeded(err error) bool {
	if c, ok := err.(interface{ Cancellation() bool }); ok && !c.Cancellation() {
		return false // a panic, say; see cancelscope.Split
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		if inner := errors.Unwrap(err); inner != nil {
			return exceeded(inner)
		}
		return errors.Is(err, os.ErrDeadlineExceeded)
	}
	some := false
	for _, err := range joined.Unwrap() {
		if err == nil {
			continue
		}
		if !exceeded(err) {
			return false
		}
		some = true
	}
	return some
}

// uses has the values on which calls of Interrupt and Accept are under way. Those of
// one value must share its gate: otherwise one that ends puts the deadline back
// before another that is interrupted at the same time has woken up, and that one
// waits for ever. It is empty while there are none.
var uses registry

type registry struct {
	mu sync.Mutex
	m  map[any]*use // guarded by mu
}

// A use is a value on which calls are under way.
type use struct {
	key   any // nil if it is not in the registry
	gate  *gate
	calls int // guarded by the mu of the registry
}

// begin returns the use of d, which the caller must end.
func (r *registry) begin(d interface{ SetDeadline(time.Time) error }) *use {
	if !reflect.ValueOf(d).Comparable() {
		return &use{gate: newGate(d.SetDeadline)} // nothing can be found to be the same
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	u := r.m[d]
	if u == nil {
		u = &use{key: d, gate: newGate(d.SetDeadline)}
		if r.m == nil {
			r.m = make(map[any]*use)
		}
		r.m[d] = u
	}
	u.calls++
	return u
}

func (r *registry) end(u *use) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if u.calls--; u.calls == 0 {
		delete(r.m, u.key)
	}
}
