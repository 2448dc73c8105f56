package nursery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/tree"
)

var (
	// ErrClosed is returned where a task cannot be started because the nursery has
	// closed: its body and all its tasks have ended.
	ErrClosed = errors.New("nursery has closed")

	// ErrNotStarted is what [errors.Is] finds in the error of [Start] when the task ended
	// without an error and without having called started. The error names the task.
	ErrNotStarted = errors.New("task ended without calling started")

	// ErrNotFinished is returned by [Task.Result] while the task runs.
	ErrNotFinished = errors.New("task has not finished")

	// ErrGoexit is the error of a task that called runtime.Goexit, as t.FailNow does,
	// in a nursery that converts panics.
	ErrGoexit = errors.New("task called runtime.Goexit")
)

// A notStarted is ErrNotStarted with the name of the task.
type notStarted struct{ task string }

func (e *notStarted) Error() string { return "task " + e.task + " ended without calling started" }
func (e *notStarted) Unwrap() error { return ErrNotStarted }

// An Error is what [Run] returns when the body or a task failed: all their errors, each
// in a [*TaskError], the first failure first. If the parent context was canceled as
// well, and a task ended because of that, the cancellation is the last one. To read them
// one by one:
//
//	var all *nursery.Error
//	if errors.As(err, &all) {
//		for _, err := range all.Unwrap() {
//			var failed *nursery.TaskError
//			if errors.As(err, &failed) {
//				log.Println(failed.Task, failed.Err)
//			}
//		}
//	}
//
// An Error does not change, and may be used by any number of goroutines.
type Error struct {
	name    string
	errs    []error
	dropped int
}

// Unwrap returns the errors, each a [*TaskError] or, at the end, a cancellation. The
// caller must not change the slice.
func (e *Error) Unwrap() []error { return e.errs }

// Dropped returns how many failures there were beyond those that Unwrap returns, because
// Config.Keep said so. OnError has been given them.
func (e *Error) Dropped() int { return e.dropped }

// Derive returns an Error that is like e but has other members: see
// [cancelscope.Split].
func (e *Error) Derive(errs []error) error { return &Error{e.name, errs, e.dropped} }

// Error returns the text of the only failure, or a list of several, a line each, indented
// where nurseries are nested. The name of the nursery stands before it, if it was given
// one. The name of a task stands before its error if the task was given one; a list
// always has the names, to distinguish the lines. A long list is cut.
func (e *Error) Error() string {
	prefix := ""
	if e.name != "" {
		prefix = e.name + ": "
	}
	if len(e.errs) == 1 && e.dropped == 0 {
		if t, ok := e.errs[0].(*TaskError); ok && t.madeUp {
			return prefix + text(t.Err)
		}
		return prefix + text(e.errs[0])
	}
	var b strings.Builder
	b.WriteString(prefix + e.summary())
	tasks, passing := e.members()
	list(&b, tasks, e.dropped)
	list(&b, passing, 0)
	return b.String()
}

// summary returns how many tasks failed.
func (e *Error) summary() string {
	tasks, _ := e.members()
	switch failed := len(tasks) + e.dropped; {
	case failed == 1 && e.dropped == 1:
		return "1 task failed" // and there is no list
	case failed == 1:
		return "1 task failed:"
	case len(tasks) == 0:
		return strconv.Itoa(failed) + " tasks failed"
	default:
		return strconv.Itoa(failed) + " tasks failed:"
	}
}

// members returns the failures, and what else there is: the cancellation that is passed
// on.
func (e *Error) members() (tasks, passing []error) {
	for _, err := range e.errs {
		if _, ok := err.(*TaskError); ok {
			tasks = append(tasks, err)
		} else {
			passing = append(passing, err)
		}
	}
	return tasks, passing
}

// LogValue implements [slog.LogValuer]: the text of a single failure; for several, a
// group with their number and the text of each by the name of its task.
func (e *Error) LogValue() slog.Value {
	tasks, passing := e.members()
	if len(tasks)+e.dropped < 2 {
		return slog.StringValue(e.Error())
	}
	attrs := []slog.Attr{slog.Int("failed", len(tasks)+e.dropped)}
	for _, err := range tasks[:min(len(tasks), listed)] {
		t := err.(*TaskError)
		attrs = append(attrs, slog.String(t.Task, text(t.Err)))
	}
	for _, err := range passing {
		attrs = append(attrs, slog.String("canceled", text(err)))
	}
	return slog.GroupValue(attrs...)
}

// listed is how many errors a text names one by one.
const listed = 10

// list writes each error on a line of its own, indented, with all its lines, and how
// many more there were.
func list(b *strings.Builder, errs []error, more int) {
	if len(errs) > listed+1 {
		more += len(errs) - listed
		errs = errs[:listed]
	}
	for _, err := range errs {
		b.WriteString("\n\t")
		b.WriteString(strings.ReplaceAll(strings.TrimRight(text(err), "\n"), "\n", "\n\t"))
	}
	if more > 0 && len(errs) > 0 {
		fmt.Fprintf(b, "\n\tand %d more", more)
	}
}

// text returns the text of an error. A panic in its Error method becomes part of the
// text, as in package fmt, because the texts of the other errors would be lost otherwise.
func text(err error) (s string) {
	defer func() {
		if r := recover(); r != nil {
			s = fmt.Sprintf("%%!v(PANIC=Error method of %T: %v)", err, r)
		}
	}()
	return err.Error()
}

// First returns the first failure in an error of [Run], as the task returned it: the
// innermost one where nurseries are nested. It is what errgroup's Wait would have
// returned, unless a cancellation from outside came before. Any other error, such as this
// cancellation or nil, is returned as it is.
func First(err error) error {
	for range maxNesting {
		switch e := err.(type) {
		case *Error:
			if e == nil || len(e.errs) == 0 {
				return err
			}
			err = e.errs[0]
		case *TaskError:
			if e == nil || e.Err == nil {
				return err
			}
			err = e.Err
		default:
			return err
		}
	}
	return err
}

// maxNesting ends the search of First in a TaskError that was made to wrap itself.
const maxNesting = 1 << 16

// A TaskError is the error of one task of a nursery.
type TaskError struct {
	Task string // the name of the task, "body" for the body
	Err  error  // what it returned, without cancellations

	madeUp bool // the name was not given by the user
}

// Error returns the name of the task and its error.
func (e *TaskError) Error() string {
	if p, ok := e.Err.(*PanicError); ok && p != nil && p.Task == e.Task {
		return p.Error() // which begins with the name
	}
	return e.Task + ": " + text(e.Err)
}

// Unwrap returns Err.
func (e *TaskError) Unwrap() error { return e.Err }

// Derive returns the error of the same task with other members: see
// [cancelscope.Split].
func (e *TaskError) Derive(errs []error) error {
	if len(errs) == 1 {
		return &TaskError{e.Task, errs[0], e.madeUp}
	}
	return &TaskError{e.Task, errors.Join(errs...), e.madeUp}
}

// joined makes the error that Run returns. passing is the cancellation of ctx, the
// parent, that is passed on to it, nil if there is none.
func (n *Nursery) joined(ctx context.Context, passing error) error {
	r := n.recorded()
	if len(r.failures)+r.dropped == 0 {
		if passing != nil && saysMore(r.cut) {
			return cancelscope.AsCancellation(ctx, r.cut)
		}
		return passing
	}
	errs := make([]error, 0, len(r.failures)+1)
	for _, f := range r.failures {
		errs = append(errs, f)
	}
	if passing != nil {
		errs = append(errs, passing)
	}
	return &Error{n.scope.Name, errs, r.dropped}
}

// saysMore reports whether the text of a cancellation that a task returned says what was
// cut short, as "reading x: context canceled" does.
func saysMore(cut error) bool {
	switch cut.(type) {
	case *cancelscope.Canceled:
		return false
	case interface{ Unwrap() error }, tree.Disguised:
		return true
	}
	return false
}
