package deadline

import (
	"context"
	"errors"
	"os"
	"reflect"
	"sync"
	"time"
)

// A Deadliner has operations that block and that a deadline ends: a connection, a packet
// connection, a listener, or an *os.File that is a pipe, a terminal or the like. When the
// deadline passes, or is set into the past, operations that are blocked return an error that
// wraps os.ErrDeadlineExceeded. The zero time means that there is no deadline.
//
// SetDeadline must not block, and must be safe to call while the operations run.
type Deadliner interface {
	SetDeadline(t time.Time) error
}

// Interrupt runs op, which blocks in operations of d, and interrupts it when ctx is done, by
// a deadline of d in the past. Use it for what [Conn] and [Accept] do not cover: a pipe, a
// packet connection, a function that reads and writes many times.
//
//	err := deadline.Interrupt(ctx, pipe, func() (err error) {
//		text, err = io.ReadAll(pipe)
//		return err
//	})
//
// Interrupt calls op in the caller's goroutine and returns when op has returned. If ctx is
// done already it does not call op, and returns the cause of ctx (see [context.Cause]).
// Otherwise it returns the error of op, with one exception: if ctx is done, and the error
// says that a deadline of I/O has passed, it returns the cause of ctx. An error says so if
// it wraps os.ErrDeadlineExceeded, as the errors of packages net and os do; a joined error
// says so if all its parts do. If op returns nil, so does Interrupt, also if ctx is done.
// Every other error is returned unchanged, for example the deadline of another context. A
// panic or runtime.Goexit of op ends Interrupt in the same way.
//
// Interrupt sets the deadline of d only if ctx is done while op runs. Afterwards d has no
// deadline, even if it had one before, which Interrupt cannot know. Only a connection from
// [Conn] gets its own deadlines back. When Interrupt has returned it does not touch d any
// more. While op runs, do not set deadlines of d unless d comes from Conn: a deadline that
// is set after the interruption would undo it.
//
// A deadline ends all operations of d, not only those of op. Calls of Interrupt on one d
// under different contexts may overlap, and each of them is interrupted reliably; but a call
// whose own context is not done may get the timeout that was meant for another, and returns
// it unchanged. Calls on a d that cannot be compared with == or is not equal to itself, such
// as a struct with a slice or a NaN in it, must not overlap. If SetDeadline returns an error,
// as it does for files on disk, op is not interrupted.
//
// While nothing is canceled Interrupt costs no goroutine, except for a context from another
// package without a method AfterFunc. Interrupt panics if ctx, d or op is nil.
func Interrupt(ctx context.Context, d Deadliner, op func() error) error {
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
	if ctx.Done() == nil { // nothing to watch, so that no other call has to be known
		return unlessInterrupted(ctx, op())
	}
	if c, ok := d.(*conn); ok {
		defer c.read.observe(ctx).cease()
		defer c.write.observe(ctx).cease()
	} else {
		u := uses.begin(d)
		defer uses.end(u)
		defer u.gate.observe(ctx).cease()
	}
	return unlessInterrupted(ctx, op())
}

// unlessInterrupted returns err, or the cause of ctx if err comes from an interruption.
func unlessInterrupted(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && exceeded(err) {
		return context.Cause(ctx)
	}
	return err
}

// exceeded reports whether err says nothing but that deadlines of I/O have passed. It is
// stricter than timedOut, because op may do anything: an error with a method Timeout may
// be a TooSlowError, or come from an HTTP client. An error that contains itself, or more
// than maxLooks others, says no such thing.
func exceeded(err error) bool {
	looks := maxLooks
	return exceededWithin(err, &looks)
}

const maxLooks = 10_000

func exceededWithin(err error, looks *int) bool {
	if *looks == 0 {
		return false
	}
	*looks--
	if c, ok := err.(interface{ Cancellation() bool }); ok && !c.Cancellation() {
		return false // a panic, for example; see cancelscope.Split
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		if inner := errors.Unwrap(err); inner != nil {
			return exceededWithin(inner, looks)
		}
		return errors.Is(err, os.ErrDeadlineExceeded)
	}
	some := false
	for _, err := range joined.Unwrap() {
		if err == nil {
			continue
		}
		if !exceededWithin(err, looks) {
			return false
		}
		some = true
	}
	return some
}

// uses has the values on which calls of Interrupt and Accept are in progress. Calls on one
// value must share a gate: if each had its own, a call that ends would restore the deadline
// before another call, which is interrupted at the same time, has woken up; and that call
// would wait forever. The registry is empty while there are no calls.
var uses registry

type registry struct {
	mu sync.Mutex
	m  map[Deadliner]*use // guarded by mu
}

// A use is a value on which calls are in progress.
type use struct {
	gate  gate
	key   Deadliner // nil if the use is not in the registry; read-only
	calls int       // guarded by the mu of the registry
}

// begin returns the use of d, which the caller must end.
func (r *registry) begin(d Deadliner) *use {
	if !isKey(d) {
		return &use{gate: newGate(d.SetDeadline)}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	u := r.m[d]
	if u == nil {
		u = &use{key: d, gate: newGate(d.SetDeadline)}
		if r.m == nil {
			r.m = make(map[Deadliner]*use)
		}
		r.m[d] = u
	}
	u.calls++
	return u
}

func (r *registry) end(u *use) {
	if u.key == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if u.calls--; u.calls == 0 {
		delete(r.m, u.key)
	}
}

// isKey reports whether d can be the key of a map and be found again. A slice inside d
// makes the map panic. A NaN inside d makes d unequal to itself, so that an entry for it
// could never be found, nor deleted.
func isKey(d Deadliner) bool {
	same := d
	return reflect.ValueOf(d).Comparable() && d == same
}
