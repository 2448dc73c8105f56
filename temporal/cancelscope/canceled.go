package cancelscope

import (
	"context"
	"strconv"
	"time"

	"go.temporal.io/sdk/workflow"
)

// A Kind says what canceled a scope first.
type Kind int

const (
	ByCall     Kind = iota // Cancel was called
	ByDeadline             // its deadline passed
	ByTask                 // a task of the nursery that it belongs to has failed
	ByParent               // the workflow, or a context between two scopes, was canceled
)

// String returns "call", "deadline", "task" or "parent".
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
	}
	return "Kind(" + strconv.Itoa(int(k)) + ")"
}

// Canceled is the cause of a canceled context: what [Cause] returns inside a scope that is
// effectively canceled, and what the waits of this module return there. Scopes inside a
// canceled one have its very cause.
//
// A Canceled that reaches a scope as an error is judged by its origin, the scope that was
// canceled first, and never by the reason it carries: see [Split].
//
// Only this package makes them, and they do not change. A workflow that returns one closes
// as canceled.
type Canceled struct {
	kind     Kind
	reason   error     // may be nil
	origin   *Scope    // where it began; for ByParent the scope just inside
	deadline time.Time // for ByDeadline
}

// Kind returns what canceled the scope.
func (c *Canceled) Kind() Kind { return c.kind }

// Reason returns what was given to [Scope.Cancel]; for ByTask the task's failure, for
// ByDeadline the Reason of the scope. It may be nil.
func (c *Canceled) Reason() error { return c.reason }

// Scope returns the name of the scope where the cancellation began, which may be empty.
func (c *Canceled) Scope() string { return c.origin.Name }

// Deadline returns the deadline that passed, for ByDeadline; the zero time otherwise.
func (c *Canceled) Deadline() time.Time { return c.deadline }

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
		text += " canceled from outside"
	default:
		text += " canceled"
	}
	if c.reason != nil {
		text += ": " + c.reason.Error()
	}
	return text
}

// Unwrap returns workflow.ErrCanceled, which is a *temporal.CanceledError, and the reason if
// there is one, so that errors.Is and errors.As find both.
func (c *Canceled) Unwrap() []error {
	if c.reason == nil {
		return []error{workflow.ErrCanceled}
	}
	return []error{workflow.ErrCanceled, c.reason}
}

// Is reports whether target is the error that a context.Context would have:
// context.DeadlineExceeded for ByDeadline, context.Canceled otherwise.
func (c *Canceled) Is(target error) bool {
	if c.kind == ByDeadline {
		return target == context.DeadlineExceeded
	}
	return target == context.Canceled
}
