package deadline

import (
	"context"
	"strconv"
	"time"
)

// A TooSlowError is returned by [FailAfter], [FailAt] and [FailScope] when the time
// limit cut the work short. It is Trio's TooSlowError.
//
// For [errors.Is] it is context.DeadlineExceeded, and for package net a timeout. It
// is a real error to every scope around, also to one that is canceled.
type TooSlowError struct {
	Name     string        // of the scope; may be empty
	Limit    time.Duration // from the entry of the block to Deadline
	Deadline time.Time     // the deadline that passed
}

// Error says which limit was exceeded.
func (e *TooSlowError) Error() string {
	text := "too slow"
	if e.Name != "" {
		text = strconv.Quote(e.Name) + " too slow"
	}
	limit := e.Limit.Round(time.Microsecond)
	if limit > time.Second {
		limit = limit.Round(time.Millisecond) // where it was measured
	}
	return text + ": limit of " + limit.String() + " exceeded"
}

// Timeout reports true, as [net.Error] has it.
func (e *TooSlowError) Timeout() bool { return true }

// Is reports whether target is context.DeadlineExceeded.
func (e *TooSlowError) Is(target error) bool { return target == context.DeadlineExceeded }

// Cancellation reports false: see cancelscope.Split.
func (e *TooSlowError) Cancellation() bool { return false }
