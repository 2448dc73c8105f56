package cancelscope

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"
)

// A Kind says what canceled a scope first.
type Kind int

const (
	ByCall     Kind = iota // Cancel was called
	ByDeadline             // its deadline passed
	ByTask                 // a task of the nursery that it belongs to has failed
	ByParent               // a context outside all scopes, or between two, is done
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

// Canceled is the cause of a canceled context: what [context.Cause] returns
// inside a scope that is effectively canceled. Scopes inside a canceled one have
// its very cause. It is Trio's Canceled, which tells the same story.
//
// A Canceled that reaches a scope as an error is judged by its origin, the scope
// that was canceled first, and never by the reason it carries: see [Split].
//
// Only this package makes them; they do not change and may be used by any number
// of goroutines.
type Canceled struct {
	kind     Kind
	err      error     // context.Canceled or context.DeadlineExceeded
	reason   error     // may be nil
	origin   *Scope    // where it began; for ByParent the scope just inside; nil for ByExit
	deadline time.Time // for ByDeadline

	once    sync.Once
	carrier context.Context // set by once; see carry
}

// exited is the cause in a context whose scope has ended without a cancellation.
var exited = &Canceled{kind: ByExit, err: context.Canceled}

// Kind returns what canceled the scope.
func (c *Canceled) Kind() Kind { return c.kind }

// Reason returns what was given to [Scope.Cancel]; for ByTask the task's failure,
// for ByParent the cause of the context outside if it has one. It may be nil.
func (c *Canceled) Reason() error { return c.reason }

// Scope returns the name of the scope where the cancellation began, which may be
// empty.
func (c *Canceled) Scope() string {
	if c.origin == nil {
		return ""
	}
	return c.origin.Name
}

// Error says in one line which scope was canceled, by what, and the reason.
func (c *Canceled) Error() string {
	text := "scope"
	if name := c.Scope(); name != "" {
		text += " " + strconv.Quote(name)
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
	if c.reason != nil {
		text += ": " + c.reason.Error()
	}
	return text
}

// Unwrap returns context.Canceled or context.DeadlineExceeded, exactly what Err of
// the canceled context is, and the reason if there is one, so that [errors.Is]
// and [errors.As] find both. One of kind [ByDeadline] is context.DeadlineExceeded in
// any case, also if Err is context.Canceled because the deadline was set while the
// scope ran.
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

// carry returns a context of the standard library that has c for its cause. The
// library looks for a cause nowhere else.
func (c *Canceled) carry() context.Context {
	c.once.Do(func() {
		carrier, cancel := context.WithCancelCause(context.Background())
		cancel(c.raw())
		c.carrier = carrier
	})
	return c.carrier
}

// standard reduces the error of a foreign context to one of the two that a
// context may have.
func standard(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return context.DeadlineExceeded
	}
	return context.Canceled
}
