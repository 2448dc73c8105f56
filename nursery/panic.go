package nursery

import (
	"fmt"
	"log/slog"
	"strings"
)

// A PanicPolicy says what a nursery does when one of its tasks, or the body, panics.
//
// A version of errgroup propagated panics of its goroutines from Wait. It was reverted
// (golang.org/issue/53757, 74275, 74304, 74306), because Wait may be called late or
// never, and the panic stays hidden until then. Run always waits for its tasks, so it can
// propagate their panics. If a task does not end, the panic of another one is passed to
// Config.OnPanic at once, or ends the process under CrashOnPanic.
type PanicPolicy int

const (
	// PropagatePanics cancels the other tasks, waits for them, and then panics in the
	// goroutine of Run. After a panic of a task the value is a [*PanicError], in which
	// errors of the other tasks are found. After a panic of the body it is the body's
	// own value, because the body runs in the goroutine of the caller anyway. A
	// runtime.Goexit likewise continues in the goroutine of Run, and errors of the other
	// tasks are then passed to Config.OnError only.
	PropagatePanics PanicPolicy = iota

	// CrashOnPanic ends the process when Config.OnPanic has returned, without waiting
	// for any task, and with a message that has the stack of the panicking task. A
	// runtime.Goexit is treated as under PropagatePanics.
	CrashOnPanic

	// ConvertPanics makes an error of a panic: the [*PanicError] is the error of the
	// task. A runtime.Goexit in a task becomes [ErrGoexit]; in the body it cannot be
	// stopped and continues as it does under PropagatePanics.
	ConvertPanics
)

// A PanicError is a panic of a task, or of the body, of a nursery.
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
		list(&b, p.others, 0)
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

// LogValue implements [slog.LogValuer]: a group with the task, the value, the stack, and
// the other errors.
func (p *PanicError) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("task", p.Task),
		slog.String("panic", fmt.Sprint(p.Value)),
		slog.String("stack", string(p.Stack)),
	}
	for _, err := range p.others[:min(len(p.others), listed)] {
		attrs = append(attrs, slog.String("other", text(err)))
	}
	return slog.GroupValue(attrs...)
}

// joinedPanics returns what Run panics with: the first panic of a task with all other
// errors.
func (n *Nursery) joinedPanics(passing error) *PanicError {
	r := n.recorded()
	first := r.panics[0]
	var others []error
	for _, p := range r.panics[1:] {
		others = append(others, p)
	}
	for _, f := range r.failures {
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
