package nursery

import (
	"fmt"
	"strings"
)

// A PanicPolicy says what a nursery does when one of its tasks, or the body, panics.
//
// The closure form of [Run] makes the default possible. errgroup tried to let panics
// of its goroutines out of Wait and gave it up (golang.org/issue/53757, 74275, 74304,
// 74306), because Wait may be called late or never, and the panic stays hidden until
// then. Run always gets to its end when the tasks do, and what a task that does not
// end would hide, Config.OnPanic and CrashOnPanic show at once.
type PanicPolicy int

const (
	// PropagatePanics cancels the other tasks, waits for them, and then panics in the
	// goroutine of Run, with a [*PanicError]. Errors of the other tasks are found in
	// the PanicError. A runtime.Goexit likewise goes on in the goroutine of Run, where
	// it leaves no way for errors of the other tasks: what a test must know of them
	// before t.FailNow or t.SkipNow has to be logged.
	PropagatePanics PanicPolicy = iota

	// CrashOnPanic ends the process at once, without waiting for anybody, and with a
	// message that has the stack of the panicking task. A runtime.Goexit is treated as
	// under PropagatePanics.
	CrashOnPanic

	// ConvertPanics makes an error of a panic: the [*PanicError] is the error of the
	// task. A runtime.Goexit in a task becomes [ErrGoexit]; in the body it cannot be
	// stopped and goes on as it does under PropagatePanics.
	ConvertPanics
)

// A PanicError is what becomes of a panic in a task or in the body of a nursery.
type PanicError struct {
	Value any    // what panic was called with
	Task  string // the name of the task, "body" for the body
	Stack []byte // of the panicking goroutine, as [runtime/debug.Stack] gives it

	others []error // the other errors and panics of the nursery
}

// Error gives the task, the value, the stack and the other errors, in many lines.
func (p *PanicError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "task %s panicked: %v\n\n%s", p.Task, p.Value, p.Stack)
	if len(p.others) > 0 {
		b.WriteString("\nother errors of the nursery:")
		list(&b, p.others)
	}
	return b.String()
}

// Unwrap returns the value of the panic, if that is an error, and the other errors of
// the nursery.
func (p *PanicError) Unwrap() []error {
	var errs []error
	if err, ok := p.Value.(error); ok {
		errs = append(errs, err)
	}
	return append(errs, p.others...)
}

// Cancellation reports false: see [cancelscope.Split]. A panic is never taken for a
// cancellation, also if its value is one.
func (p *PanicError) Cancellation() bool { return false }

// raised returns what Run panics with: the first panic with all other errors.
func (n *Nursery) raised(passing error) *PanicError {
	first := n.ends.panics[0]
	var others []error
	for _, p := range n.ends.panics[1:] {
		others = append(others, p)
	}
	for _, f := range n.ends.failures {
		others = append(others, f)
	}
	if passing != nil {
		others = append(others, passing)
	}
	if others == nil {
		return first
	}
	p := *first // OnPanic may have kept the first one
	p.others = append(p.others[:len(p.others):len(p.others)], others...)
	return &p
}
