package serve

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// A SignalError is the reason of a drain that a signal began.
type SignalError struct {
	Signal os.Signal
}

func (e *SignalError) Error() string { return e.Signal.String() + " signal received" }

// A CutError is the error of [Program.Run] when the program was canceled before all
// work had ended, and nothing failed. It is also the reason of that cancellation, which
// errors.As finds in context.Cause.
type CutError struct {
	// Signal is the signal that canceled the work, nil if the time was up.
	Signal os.Signal
	// Grace is the time that the work had.
	Grace time.Duration
	// Tasks are the names of what was running, as far as they are known.
	Tasks []string
}

func (e *CutError) Error() string {
	var b strings.Builder
	switch {
	case e.Signal != nil:
		fmt.Fprintf(&b, "canceled by signal: %v", e.Signal)
	case e.Grace <= 0:
		b.WriteString("work was cut off at once, because there is no grace period")
	default:
		fmt.Fprintf(&b, "work was cut off %v after the drain began to wait for it", e.Grace)
	}
	if len(e.Tasks) > 0 {
		b.WriteString(": " + strings.Join(e.Tasks, ", "))
	}
	return b.String()
}

// The exit codes of Main, beside 128 plus the number of a signal.
const (
	exitFailed = 1
	exitCut    = 3
)

// ExitCode returns the code with which [Main] exits when [Program.Run] has returned err:
// 0 for nil; 130, 143 or the like if a signal canceled work; 3 if work was cut off
// because Grace had passed; and 1 for every other error. An error that joins others has the
// code of a [*CutError] only if all of them are such, in programs inside this one.
func ExitCode(err error) int {
	cut := cutOf(err)
	switch {
	case err == nil:
		return 0
	case cut == nil:
		return exitFailed
	case cut.Signal == nil:
		return exitCut
	}
	if number, ok := cut.Signal.(syscall.Signal); ok {
		return 128 + int(number) // what shells report
	}
	return exitFailed
}

// cutOf returns the first CutError of err, if it consists of nothing else.
func cutOf(err error) *CutError {
	switch e := err.(type) {
	case *CutError:
		return e
	case interface{ Unwrap() error }:
		return cutOf(e.Unwrap())
	case interface{ Unwrap() []error }:
		var first *CutError
		for _, member := range e.Unwrap() {
			cut := cutOf(member)
			if cut == nil {
				return nil
			}
			first = cmp.Or(first, cut)
		}
		return first
	}
	return nil
}
