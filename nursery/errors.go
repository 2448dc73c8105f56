package nursery

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/trellis-go/trellis/cancelscope"
)

var (
	// ErrClosed is returned where a task cannot be started because the nursery has
	// closed.
	ErrClosed = errors.New("nursery has closed")

	// ErrNotStarted is returned by [Start] when the task ended without an error and
	// without having called started.
	ErrNotStarted = errors.New("task ended without calling started")

	// ErrNotFinished is returned by [Task.Result] while the task runs.
	ErrNotFinished = errors.New("task has not finished")

	// ErrGoexit is the error of a task that called runtime.Goexit, as t.FailNow does,
	// in a nursery that converts panics.
	ErrGoexit = errors.New("task called runtime.Goexit")
)

// An Error is what [Run] returns when the body or a task failed: all their errors, each
// in a [*TaskError], the first failure first. If the surroundings of the nursery were
// canceled and that goes on up, the cancellation is the last one. It is Trio's
// exception group.
type Error struct {
	name string
	errs []error // at least one
}

// Unwrap returns the errors, each a [*TaskError] or, at the end, a
// [*cancelscope.Canceled]. The caller must not change the slice.
func (e *Error) Unwrap() []error { return e.errs }

// Derive returns an Error that is like e but has other members: see
// [cancelscope.Split].
func (e *Error) Derive(errs []error) error { return &Error{e.name, errs} }

// Error gives one failure in one line, with the name of its task, and several as a
// list, a line each, indented where nurseries are nested. A long list is cut.
func (e *Error) Error() string {
	var b strings.Builder
	if e.name != "" {
		b.WriteString(e.name + ": ")
	}
	if len(e.errs) == 1 {
		b.WriteString(e.errs[0].Error())
		return b.String()
	}
	var tasks, passing []error
	for _, err := range e.errs {
		if _, ok := err.(*cancelscope.Canceled); ok {
			passing = append(passing, err)
		} else {
			tasks = append(tasks, err)
		}
	}
	if len(tasks) == 1 {
		b.WriteString("1 task failed:")
	} else {
		b.WriteString(strconv.Itoa(len(tasks)) + " tasks failed:")
	}
	list(&b, tasks)
	list(&b, passing)
	return b.String()
}

// listed is how many errors a text names one by one.
const listed = 10

// list writes each error on a line of its own, indented, with all its lines.
func list(b *strings.Builder, errs []error) {
	for i, err := range errs {
		if i == listed && len(errs) > listed+1 {
			fmt.Fprintf(b, "\n\tand %d more", len(errs)-i)
			return
		}
		b.WriteString("\n\t")
		b.WriteString(strings.ReplaceAll(strings.TrimRight(err.Error(), "\n"), "\n", "\n\t"))
	}
}

// A TaskError is the error of one task of a nursery.
type TaskError struct {
	Task string // the name of the task, "body" for the body
	Err  error  // what it returned, without cancellations
}

// Error gives the name of the task and its error.
func (e *TaskError) Error() string {
	if p, ok := e.Err.(*PanicError); ok && p.Task == e.Task {
		return p.Error() // which begins with the name
	}
	return e.Task + ": " + e.Err.Error()
}

// Unwrap returns Err.
func (e *TaskError) Unwrap() error { return e.Err }

// Derive returns the error of the same task with other members: see
// [cancelscope.Split].
func (e *TaskError) Derive(errs []error) error {
	if len(errs) == 1 {
		return &TaskError{e.Task, errs[0]}
	}
	return &TaskError{e.Task, errors.Join(errs...)}
}

// joined makes the error that Run returns. passing is the cancellation that goes on up,
// nil if there is none.
func (n *Nursery) joined(passing error) error {
	failures := n.ended().failures
	if len(failures) == 0 {
		return passing
	}
	errs := make([]error, 0, len(failures)+1)
	for _, f := range failures {
		errs = append(errs, f)
	}
	if passing != nil {
		errs = append(errs, passing)
	}
	return &Error{n.scope.Name, errs}
}
