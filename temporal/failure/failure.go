package failure

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	scopes "github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/nursery"
)

// A Converter encodes and decodes errors. The zero value is what [Encode] and [Decode] use.
type Converter struct {
	// Failures converts the errors that are not made by this module. If it is nil, the
	// SDK's default is used. Set it to the one of the client where details of errors are
	// encoded by a data converter other than the default.
	Failures converter.FailureConverter
}

func (c Converter) failures() converter.FailureConverter {
	if c.Failures == nil {
		return temporal.GetDefaultFailureConverter()
	}
	return c.Failures
}

// Encode returns err in a form that a workflow or an activity can return: see the comment of the
// package. An error that crosses as it is, because it is a chain with no cancellation in it, is
// returned as it is, and so is nil. A *workflow.ContinueAsNewError in err is returned alone if
// nothing in err failed; otherwise it is dropped, and the workflow fails.
func Encode(err error) error { return Converter{}.Encode(err) }

// Encode is like the function [Encode].
func (c Converter) Encode(err error) error {
	if err == nil {
		return nil
	}
	again, first := firstReal(err, maxDepth)
	switch {
	case first == nil && again != nil:
		return again
	case first == nil:
		return temporal.NewCanceledError(cut(err.Error()))
	case !structured(err) && again == nil && !errors.As(err, new(*temporal.CanceledError)):
		return err
	}
	e := &encoder{converter: c, left: maxErrors}
	options := temporal.ApplicationErrorOptions{
		Cause:   bare(first),
		Details: []any{details{Trellis: version, Error: e.tree(err, 0)}},
	}
	errType := typeName(first)
	if app := new(temporal.ApplicationError); errors.As(first, &app) {
		errType = app.Type()
		options.NonRetryable, options.Category = app.NonRetryable(), app.Category()
		options.NextRetryDelay = app.NextRetryDelay()
	}
	return temporal.NewApplicationErrorWithOptions(cut(err.Error()), errType, options)
}

// firstReal returns the first leaf of err that is no cancellation, nil if there is none, and a
// continue-as-new that is in err.
func firstReal(err error, depth int) (again *workflow.ContinueAsNewError, first error) {
	switch {
	case err == nil || canceled(err):
		return nil, nil
	case depth == 0:
		return nil, err
	case !structured(err):
		if errors.As(err, &again) {
			return again, nil
		}
		return nil, err
	}
	if _, ok := err.(*cancelscope.TooSlowError); ok {
		return nil, err
	}
	members := joined(err)
	if members == nil {
		members = []error{errors.Unwrap(err)}
	}
	for _, member := range members {
		a, f := firstReal(member, depth-1)
		if first == nil {
			first = f
		}
		if again == nil {
			again = a
		}
	}
	return again, first
}

// bare returns err without what the SDK would take for a cancellation of the workflow.
func bare(err error) error {
	if errors.As(err, new(*temporal.CanceledError)) {
		return errors.New(cut(err.Error()))
	}
	return err
}

// typeName returns the name that the SDK gives to the type of an error.
func typeName(err error) string {
	t := reflect.TypeOf(err)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

// EncodeActivity is [Encode] for what an activity returns. If ctx, the context of the activity, is
// canceled, the cancellations in err are separated from real errors by the rules of package
// github.com/trellis-go/trellis/cancelscope: real errors are encoded without them, and an error that
// is nothing but cancellations is returned as it is, so that the activity ends as canceled.
func EncodeActivity(ctx context.Context, err error) error {
	return Converter{}.EncodeActivity(ctx, err)
}

// EncodeActivity is like the function [EncodeActivity].
func (c Converter) EncodeActivity(ctx context.Context, err error) error {
	switch canceled, rest := scopes.Split(ctx, err); {
	case canceled != nil && rest == nil:
		return err
	default:
		return c.Encode(rest)
	}
}

// Decode returns err with the errors of nurseries in it restored, if it has crossed the network in
// the form that [Encode] gives, and err as it is otherwise. errors.Is and errors.As look into the
// restored errors first, and then into err. The text is that of the error which was encoded.
func Decode(err error) error { return Converter{}.Decode(err) }

// Decode is like the function [Decode].
func (c Converter) Decode(err error) error {
	for at := err; at != nil; at = errors.Unwrap(at) {
		app, ok := at.(*temporal.ApplicationError)
		if !ok || !app.HasDetails() {
			continue
		}
		if restored := detailsOf(app).error(c); restored != nil {
			text := app.Message()
			if len(text) >= maxText { // it was cut, and the list of restored says where
				text = restored.Error()
			}
			return &decoded{text, restored, err}
		}
	}
	return err
}

// detailsOf returns the tree in the details of app, nil if there is none.
func detailsOf(app *temporal.ApplicationError) (t *tree) {
	// Details panics where the error has not crossed the network and its details are of
	// another type.
	defer func() {
		if recover() != nil {
			t = nil
		}
	}()
	var d details
	if app.Details(&d) != nil || d.Trellis != version {
		return nil
	}
	return d.Error
}

// A decoded error is one that has crossed the network.
type decoded struct {
	text     string // of what was encoded
	restored error
	whole    error // what came
}

// Error gives the text of what was encoded: that of restored has the types of its members.
func (d *decoded) Error() string { return d.text }

// Unwrap returns what was encoded and what came.
func (d *decoded) Unwrap() []error { return []error{d.restored, d.whole} }

// Tasks returns the errors of all tasks in err, also in nested nurseries, in the order in which
// they stand there: a task before the tasks of nurseries in it.
func Tasks(err error) []*nursery.TaskError {
	var tasks []*nursery.TaskError
	var walk func(err error, depth int)
	walk = func(err error, depth int) {
		if err == nil || depth == 0 || len(tasks) > 100_000 {
			return
		}
		if t, ok := err.(*nursery.TaskError); ok {
			tasks = append(tasks, t)
		}
		for _, member := range joined(err) {
			walk(member, depth-1)
		}
		if joined(err) == nil {
			walk(errors.Unwrap(err), depth-1)
		}
	}
	walk(err, 2*maxDepth)
	return tasks
}

// Task returns what the task of that name returned, if an error of it is in err, and nil
// otherwise. Of several with one name it is the first.
func Task(err error, name string) error {
	for _, t := range Tasks(err) {
		if t.Task == name {
			return t.Err
		}
	}
	return nil
}

// leftOut stands for errors that were not kept.
type leftOut int

func (n leftOut) Error() string { return fmt.Sprintf("and %d more that were not kept", int(n)) }
