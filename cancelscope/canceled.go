package cancelscope

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"
	"weak"

	"github.com/trellis-go/trellis/internal/record"
)

// A Kind says what canceled a scope first.
type Kind int

const (
	ByCall     Kind = iota // Cancel was called
	ByDeadline             // its deadline passed
	ByTask                 // a task of the nursery that it belongs to has failed
	ByParent               // a context not made by this package, outside all scopes or between two, is done
	ByExit                 // its block had ended
)

// String returns "call", "deadline", "task", "parent" or "exit".
func (k Kind) String() string {
	switch k {
	case ByCall:
		return "call"
	case ByDeadline:
		return "deadline"
	case ByTask:
		return "task"
	case ByParent:
		return "parent"
	case ByExit:
		return "exit"
	}
	return "Kind(" + strconv.Itoa(int(k)) + ")"
}

// A Canceled is the cause of a canceled context: what [context.Cause] returns
// inside a scope that is effectively canceled. Scopes inside a canceled one have
// the same cause, the same value.
//
// A Canceled that reaches a scope as an error is judged by its origin, the scope
// that was canceled first, and never by its reason: see [Split].
//
// A Canceled may be kept for as long as you like, in a log for instance. It keeps
// its reason alive and nothing else: no scope, no context or value of a context, no
// result, and no failure but the one that is its reason.
//
// Only this package makes them. They do not change, and any number of goroutines may
// use them.
type Canceled struct {
	// Read-only. Programs keep these in logs for months, so there is nothing here
	// that leads to a scope, or to a context and its values: see origin.go.
	kind     Kind
	err      error                 // context.Canceled or context.DeadlineExceeded
	reason   error                 // may be nil
	scope    string                // the name of the scope where it began
	deadline time.Time             // for ByDeadline
	within   []weak.Pointer[Scope] // for ByParent: the scope just inside, and those around it, innermost first
	at       int64                 // when it was made, on the clock of package record; zero if recording was off

	// live is the cause of the context outside where reason is not that but a reduced
	// form of it, and carrier is what carry returns. Both are let go of when the scope
	// where the cancellation came in has ended: see release.
	live    atomic.Pointer[error]
	carrier atomic.Pointer[context.Context]
}

// exited is the cause in a context whose scope has ended without a cancellation.
var exited = &Canceled{kind: ByExit, err: context.Canceled}

// Kind returns what canceled the scope.
func (c *Canceled) Kind() Kind { return c.kind }

// Reason returns why the scope was canceled: what was given to [Scope.Cancel]; for
// ByDeadline the Reason of the scope, for ByTask the task's failure, for ByParent the
// cause of the context outside if it has one. It may be nil.
//
// A Canceled inside the reason is replaced by its text, so that a program which is
// restarted, and cancels each round with the cause of the round before, builds no
// chain: of several texts in a row the first and the last remain. The errors around a
// Canceled stay what they are if they come from package nursery or [errors.Join].
// Those of fmt.Errorf keep their text, of at most 4 KiB, and [errors.Is] finds what
// else they wrap. Errors of other types are not looked into, and stay as they are
// with all they hold.
func (c *Canceled) Reason() error { return c.reason }

// Scope returns the name of the scope where the cancellation began, which may be
// empty.
func (c *Canceled) Scope() string { return c.scope }

// Error returns a text with the scope that was canceled, what canceled it, and the reason.
func (c *Canceled) Error() string {
	if c.reason != nil {
		return c.head() + ": " + c.reason.Error()
	}
	return c.head()
}

// head is the text without the reason.
func (c *Canceled) head() string {
	text := "scope"
	if c.scope != "" {
		text += " " + strconv.Quote(c.scope)
	}
	switch c.kind {
	case ByDeadline:
		text += " canceled: deadline passed"
	case ByTask:
		text += " canceled: a task failed"
	case ByParent:
		text += " canceled from outside: " + c.err.Error()
	case ByExit:
		text += " has ended"
	default:
		text += " canceled"
	}
	return text
}

// Unwrap returns context.Canceled or context.DeadlineExceeded, exactly what Err of
// the canceled context is, and the reason if there is one, so that [errors.Is]
// and [errors.As] find both. They go through the reason as they do through any error.
// One of kind [ByDeadline] is context.DeadlineExceeded in any case, also if Err is
// context.Canceled because the deadline was set while the scope ran.
func (c *Canceled) Unwrap() []error {
	errs := make([]error, 0, 3)
	errs = append(errs, c.err)
	if c.kind == ByDeadline && c.err != context.DeadlineExceeded {
		errs = append(errs, context.DeadlineExceeded)
	}
	if c.reason != nil {
		errs = append(errs, c.reason)
	}
	return errs
}

// settle makes the reason of a cancellation by a deadline or from outside final: such a
// Canceled may have been made with locks held. It must be called without locks.
func (c *Canceled) settle() {
	if c != nil && (c.kind == ByDeadline || c.kind == ByParent) {
		settle(c.reason)
	}
}

// raw is what context.Cause says below a scope with the cause c: the cause of a context
// outside, as everywhere in the standard library.
func (c *Canceled) raw() error {
	switch live := c.live.Load(); {
	case c.kind != ByParent:
		return c
	case live != nil:
		return *live
	case c.reason != nil:
		return c.reason
	}
	return c.err
}

// carry returns a context of the standard library that has c, or what is to be seen in
// its place, for its cause. The library looks for a cause nowhere else.
func (c *Canceled) carry() context.Context {
	if carrier := c.carrier.Load(); carrier != nil {
		return *carrier
	}
	carrier, cancel := context.WithCancelCause(context.Background())
	cancel(c.raw())
	c.carrier.Store(&carrier)
	return carrier
}

// release lets go of what a cancellation that came in at s needed while s ran.
func (c *Canceled) release(s *Scope) {
	if c != nil && c.cameInAt(s) {
		c.live.Store(nil)
		c.carrier.Store(nil)
	}
}

// fromOutside returns the cancellation of a context outside of s with that Err and cause.
// It may be called with locks held; changed reports that settle must be called, without
// locks.
func (s *Scope) fromOutside(end, cause error) (c *Canceled, changed bool) {
	if cause == end {
		cause = nil
	}
	reason, changed := reduce(cause)
	c = &Canceled{kind: ByParent, err: end, reason: reason, scope: s.Name, within: s.placed(), at: record.Now()}
	if changed {
		c.live.Store(&cause)
	}
	return c, changed
}

// maxSought is how many errors standard looks at.
const maxSought = 1_000

// standard reduces the error of a foreign context to one of the two that a
// context may have: context.DeadlineExceeded if that is found in it as errors.Is would
// find it, but with bounded work.
func standard(err error) error {
	if err == context.Canceled || err == context.DeadlineExceeded {
		return err
	}
	todo := []error{err}
	for looks := 0; len(todo) > 0 && looks < maxSought; looks++ {
		err := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if err == context.DeadlineExceeded {
			return err
		}
		if e, ok := err.(interface{ Is(error) bool }); ok && e.Is(context.DeadlineExceeded) {
			return context.DeadlineExceeded
		}
		switch e := err.(type) {
		case interface{ Unwrap() error }:
			todo = append(todo, e.Unwrap())
		case interface{ Unwrap() []error }:
			inner := e.Unwrap()
			todo = append(todo, inner[:min(len(inner), maxSought-len(todo))]...)
		}
	}
	return context.Canceled
}
