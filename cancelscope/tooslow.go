package cancelscope

import (
	"context"
	"strconv"
	"time"
)

// A TooSlowError says that a time limit cut work short. [Shield] and [Cleanup] return
// it, and so do the limits of package deadline that fail, where it goes by the name
// deadline.TooSlowError as well.
//
// For [errors.Is] it is context.DeadlineExceeded and the Reason, if there is one, and
// for package net a timeout. It is a real error to every scope around, also to one that
// is canceled.
type TooSlowError struct {
	Name     string        // of the scope; may be empty
	Limit    time.Duration // from the entry of the block to Deadline
	Deadline time.Time     // the deadline that passed
	Reason   error         // of the scope; may be nil

	// Cut is what the limit cut short, in the words of the block: "reading x" if the block
	// returned a cancellation that it had wrapped as fmt.Errorf("reading x: %w", err). It
	// is empty if the block returned the bare cancellation, or several.
	Cut string

	work string // what was too slow, where Name is not what to call it
}

// Error says what was cut short, if that is known, which limit was exceeded, and gives the
// reason if there is one: "reading x: too slow: limit of 1s exceeded". The limit is rounded
// to microseconds, and above a second to milliseconds.
func (e *TooSlowError) Error() string {
	text := "too slow"
	switch {
	case e.work != "":
		text = e.work + " too slow"
	case e.Name != "":
		text = strconv.Quote(e.Name) + " too slow"
	}
	if e.Cut != "" {
		text = e.Cut + ": " + text
	}
	limit := e.Limit.Round(time.Microsecond)
	if limit > time.Second {
		limit = limit.Round(time.Millisecond) // where it was measured
	}
	text += ": limit of " + limit.String() + " exceeded"
	if e.Reason != nil {
		text += ": " + e.Reason.Error()
	}
	return text
}

// Unwrap returns Reason.
func (e *TooSlowError) Unwrap() error { return e.Reason }

// Timeout reports true, as [net.Error] has it.
func (e *TooSlowError) Timeout() bool { return true }

// Is reports whether target is context.DeadlineExceeded.
func (e *TooSlowError) Is(target error) bool { return target == context.DeadlineExceeded }

// Cancellation reports false: see [Split].
func (e *TooSlowError) Cancellation() bool { return false }
