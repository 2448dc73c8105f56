package cancelscope

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"time"

	"go.temporal.io/sdk/workflow"
)

// A TooSlowError is returned by [Shield] and by the functions of package deadline when a time
// limit cut the work short.
//
// For errors.Is it is context.DeadlineExceeded. It is a real error to every scope around,
// also to one that is canceled.
type TooSlowError struct {
	Name     string        // of the scope; may be empty
	Limit    time.Duration // from the entry of the block to Deadline
	Deadline time.Time     // the deadline that passed
	Reason   error         // the Reason of the scope; may be nil
}

// Error says which limit was exceeded.
func (e *TooSlowError) Error() string {
	text := "too slow"
	if e.Name != "" {
		text = strconv.Quote(e.Name) + " too slow"
	}
	text += ": limit of " + e.Limit.Round(time.Millisecond).String() + " exceeded"
	if e.Reason != nil {
		text += ": " + e.Reason.Error()
	}
	return text
}

// Timeout reports true.
func (e *TooSlowError) Timeout() bool { return true }

// Is reports whether target is context.DeadlineExceeded.
func (e *TooSlowError) Is(target error) bool { return target == context.DeadlineExceeded }

// Unwrap returns Reason.
func (e *TooSlowError) Unwrap() error { return e.Reason }

// Cancellation reports false: see [Split].
func (e *TooSlowError) Cancellation() bool { return false }

// Shield runs fn inside a shielded scope that ends limit after its entry: the way to clean up
// in a workflow or a task that is being canceled. fn gets a context that is not canceled
// although ctx is, and no deadline but its own. A negative limit is taken as zero.
//
// It returns the error of fn. If the limit cut fn short, so that fn returned a cancellation,
// Shield returns a [*TooSlowError].
//
// Shield blocks until fn has returned, and panics as [Scope.Run] does.
func Shield(ctx workflow.Context, limit time.Duration, fn func(ctx workflow.Context) error) error {
	s := Scope{Name: "shield", shield: true}
	s.SetTimeout(limit)
	err := s.Run(ctx, fn)
	if err == nil && s.CanceledCaught() {
		return &TooSlowError{Name: s.Name, Limit: max(limit, 0), Deadline: s.limit.deadline}
	}
	return err
}

// Cleanup runs fn as [Shield] does and joins its error to *err. It is to be deferred, with a
// named result:
//
//	func trip(ctx workflow.Context) (err error) {
//		defer cancelscope.Cleanup(ctx, &err, time.Minute, undo)
//
// It does nothing where waiting is impossible: while a panic passes, because the workflow
// task will be tried again; and when the worker lets go of the workflow, which runs deferred
// functions although the workflow continues elsewhere. In both cases fn runs in a later
// execution of the same code, unless the worker has the policy worker.FailWorkflow, with
// which a panic ends the workflow. Other deferred functions must not wait or give commands.
//
// Nor does it run fn in a coroutine that still runs when the function of the workflow
// returns, such as the handler of an update, or one of workflow.Go. Wait for handlers
// first, with workflow.AllHandlersFinished as the condition.
//
// A deferred function that recovers a panic is a part of the panic until it returns: in it,
// and in what it calls, Cleanup does nothing. Return first, and call [Shield].
//
// Cleanup panics if err or fn is nil.
func Cleanup(ctx workflow.Context, err *error, limit time.Duration, fn func(ctx workflow.Context) error) {
	if err == nil {
		panic("cancelscope: Cleanup with a nil error pointer: pass the address of the named result")
	}
	if fn == nil {
		panic("cancelscope: Cleanup with a nil function: there is nothing to run")
	}
	if unwinding() {
		return
	}
	if failed := Shield(ctx, limit, fn); failed != nil {
		*err = errors.Join(*err, failed)
	}
}

// unwinding reports whether the calling coroutine is on its way out, by a panic or by
// runtime.Goexit. The SDK looks for a panic in the same way.
func unwinding() bool {
	var pcs [64]uintptr
	for _, pc := range pcs[:runtime.Callers(2, pcs[:])] {
		// The place of the call is before the address to which it returns.
		if f := runtime.FuncForPC(pc - 1); f != nil && (f.Name() == "runtime.gopanic" || f.Name() == "runtime.Goexit") {
			return true
		}
	}
	return false
}
