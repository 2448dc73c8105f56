package nursery

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strconv"
	"strings"

	"github.com/trellis-go/trellis/temporal/cancelscope"
)

var (
	// ErrClosed is returned where a task cannot be started because the nursery has closed.
	ErrClosed = errors.New("nursery has closed")

	// ErrNotStarted is returned by [Start] when the task ended without an error and without
	// having called started.
	ErrNotStarted = errors.New("task ended without calling started")

	// ErrNotFinished is returned by [Task.Result] while the task runs.
	ErrNotFinished = errors.New("task has not finished")
)

// bodyName stands for the body of a nursery where tasks are named.
const bodyName = "body"

// A label is a task for the code that must name it.
type label struct {
	name   string
	task   any  // its function, for the name if it was given none; nil for the body
	madeUp bool // name was not given by the code
}

// unnamed reports whether the code gave the task no name.
func (w label) unnamed() bool { return w.name == "" || w.task == nil || w.madeUp }

func (w label) String() string {
	if w.name != "" || w.task == nil {
		return w.name
	}
	name := runtime.FuncForPC(reflect.ValueOf(w.task).Pointer()).Name()
	name = name[strings.LastIndexByte(name, '/')+1:]
	name = strings.TrimSuffix(name, "-fm") // a method value
	if i := strings.Index(name, "["); i >= 0 {
		name = name[:i] // a generic function
	}
	return name
}

// An Error is what [Run] returns when the body or a task failed: all their errors, each in a
// [*TaskError], the first failure first. If the surroundings of the nursery were canceled and
// the cancellation is returned as well, it is the last one.
type Error struct {
	name string
	errs []error
	more int // failures that are not kept
}

// NewError returns an Error of a nursery of the given name, which may be empty, with the given
// members. It is for code that takes errors apart and puts them together again, as package
// failure does.
func NewError(name string, members ...error) error { return &Error{name: name, errs: members} }

// Name returns the name of the nursery, which may be empty.
func (e *Error) Name() string { return e.name }

// Unwrap returns the errors, each a [*TaskError] or, at the end, a [*cancelscope.Canceled]. The
// caller must not change the slice.
func (e *Error) Unwrap() []error { return e.errs }

// Derive returns an Error that is like e but has other members: see [cancelscope.Split].
func (e *Error) Derive(errs []error) error { return &Error{e.name, errs, e.more} }

// Error gives one failure in one line, and several as a list, a line each, indented where
// nurseries are nested. The name of a task that the code gave stands before its error; a name
// that was made up only stands in lists, where it distinguishes the tasks. A long list is cut.
func (e *Error) Error() string {
	var b strings.Builder
	if e.name != "" {
		b.WriteString(e.name + ": ")
	}
	if len(e.errs) == 1 && e.more == 0 {
		b.WriteString(e.errs[0].Error())
		return b.String()
	}
	var tasks, passing []string
	for _, err := range e.errs {
		switch err := err.(type) {
		case *cancelscope.Canceled:
			passing = append(passing, err.Error())
		case *TaskError:
			tasks = append(tasks, err.Task+": "+err.Err.Error())
		default:
			tasks = append(tasks, err.Error())
		}
	}
	if count := len(tasks) + e.more; count == 1 {
		b.WriteString("1 task failed")
	} else {
		b.WriteString(strconv.Itoa(count) + " tasks failed")
	}
	if len(tasks)+len(passing) > 0 {
		b.WriteByte(':')
	}
	list(&b, tasks)
	if e.more > 0 {
		fmt.Fprintf(&b, "\n\tand %d more that were not kept", e.more)
	}
	list(&b, passing)
	return b.String()
}

// listed is how many errors a text names one by one.
const listed = 10

// list writes each text on a line of its own, indented, with all its lines.
func list(b *strings.Builder, texts []string) {
	for i, text := range texts {
		if i == listed && len(texts) > listed+1 {
			fmt.Fprintf(b, "\n\tand %d more", len(texts)-i)
			return
		}
		b.WriteString("\n\t" + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n\t"))
	}
}

// A TaskError is the error of one task of a nursery.
type TaskError struct {
	Task string // the name of the task, "body" for the body
	Err  error  // what it returned, without cancellations

	unnamed bool // Task was made up
}

// NewTaskError returns the error of a task. madeUp says that the name was not given by the code:
// its text is then that of err alone. It is for code that takes errors apart and puts them
// together again, as package failure does.
func NewTaskError(task string, madeUp bool, err error) error {
	return &TaskError{task, err, madeUp}
}

// MadeUp reports whether Task is not a name that the code gave, but "body", "item 3" or the name
// of a function.
func (e *TaskError) MadeUp() bool { return e.unnamed }

// Error gives the error of the task, after its name if the code gave it one.
func (e *TaskError) Error() string {
	if e.unnamed {
		return e.Err.Error()
	}
	return e.Task + ": " + e.Err.Error()
}

// Unwrap returns Err.
func (e *TaskError) Unwrap() error { return e.Err }

// Derive returns the error of the same task with other members: see [cancelscope.Split].
func (e *TaskError) Derive(errs []error) error {
	if len(errs) == 1 {
		return &TaskError{e.Task, errs[0], e.unnamed}
	}
	return &TaskError{e.Task, errors.Join(errs...), e.unnamed}
}

// First returns the error of the first failure in err, as its task returned it: the Err of the
// first [*TaskError] in the first [*Error] in err, through nested ones. It returns err itself if
// there is none.
func First(err error) error {
	for {
		var e *Error
		if !errors.As(err, &e) || len(e.errs) == 0 {
			return err
		}
		t, ok := e.errs[0].(*TaskError)
		if !ok {
			return err
		}
		err = t.Err
	}
}

// joined makes the error that Run returns. passing is the cancellation that is returned as well,
// nil if there is none.
func (n *Nursery) joined(passing error) error {
	if len(n.failures)+n.more == 0 {
		return passing
	}
	errs := make([]error, 0, len(n.failures)+1)
	for _, f := range n.failures {
		errs = append(errs, f)
	}
	if passing != nil {
		errs = append(errs, passing)
	}
	return &Error{n.scope.Name, errs, n.more}
}
