package nursery_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/nursery"
)

func failReal(workflow.Context) error { return errReal }

type service struct{}

func (service) Serve(workflow.Context) error { return errReal }

// A name that the code gave stands before the error; one that was made up does not, except in lists.
//
// catalogue: trio/test_run.py::test_spawn_name
// catalogue: anyio/test_taskgroups.py::test_task_name_custom_name
// catalogue: anyio/test_taskgroups.py::test_task_name_default
func TestTexts(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		one := func(name string, start func(n *nursery.Nursery)) string {
			return text(nursery.Config{Name: name}.Run(ctx, func(_ workflow.Context, n *nursery.Nursery) error {
				start(n)
				return nil
			}))
		}
		for _, test := range []struct{ got, want string }{
			{one("", func(n *nursery.Nursery) { n.Go(failReal) }), "real"},
			{one("trip", func(n *nursery.Nursery) { n.Go(failReal) }), "trip: real"},
			{one("", func(n *nursery.Nursery) { n.GoNamed("hotel", failReal) }), "hotel: real"},
			{one("trip", func(n *nursery.Nursery) { n.GoNamed("hotel", failReal) }), "trip: hotel: real"},
			{one("", func(n *nursery.Nursery) {
				n.Go(func(ctx workflow.Context) error {
					return run(ctx, func(_ workflow.Context, n *nursery.Nursery) {
						n.Go(func(ctx workflow.Context) error {
							return run(ctx, func(_ workflow.Context, n *nursery.Nursery) { n.Go(failReal) })
						})
					})
				})
			}), "real"},
			{one("", func(n *nursery.Nursery) {
				n.Go(failReal)
				n.Go(service{}.Serve)
				nursery.Spawn(n, "", generic[int])
			}), "3 tasks failed:\n\tnursery_test.failReal: real\n\tnursery_test.service.Serve: real\n\tnursery_test.generic: real"},
			{one("", func(n *nursery.Nursery) {
				n.GoNamed("a", failReal)
				n.GoNamed("b", func(ctx workflow.Context) error {
					return run(ctx, func(_ workflow.Context, n *nursery.Nursery) {
						n.GoNamed("c", failReal)
						n.GoNamed("d", failReal)
					})
				})
			}), "2 tasks failed:\n\ta: real\n\tb: 2 tasks failed:\n\t\tc: real\n\t\td: real"},
		} {
			if test.got != test.want {
				t.Errorf("text %q, want %q", test.got, test.want)
			}
		}
	})
}

func generic[T any](workflow.Context) (T, error) {
	var none T
	return none, errReal
}

// A long list is cut.
func TestLongList(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		err := run(ctx, func(_ workflow.Context, n *nursery.Nursery) {
			for i := range 20 {
				n.GoNamed(fmt.Sprint("task", i), failReal)
			}
		})
		lines := strings.Split(text(err), "\n")
		if lines[0] != "20 tasks failed:" || len(lines) != 12 || lines[11] != "\tand 10 more" {
			t.Errorf("text of 20 failures: %q", lines)
		}
	})
}

func TestFirst(t *testing.T) {
	inner := nursery.NewError("", nursery.NewTaskError("x", false, errReal), nursery.NewTaskError("y", false, errOther))
	outer := nursery.NewError("", nursery.NewTaskError("a", true, fmt.Errorf("wrapped: %w", inner)))
	for _, test := range []struct{ err, want error }{
		{nil, nil},
		{errReal, errReal},
		{inner, errReal},
		{outer, errReal},
		{fmt.Errorf("more: %w", outer), errReal},
	} {
		if got := nursery.First(test.err); got != test.want {
			t.Errorf("First(%v) = %v, want %v", test.err, got, test.want)
		}
	}
	only := nursery.NewError("n")
	if got := nursery.First(only); got != only {
		t.Errorf("First of an Error without members = %v, want it", got)
	}
}

func TestErrorParts(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		err := nursery.Config{Name: "n"}.Run(ctx, func(_ workflow.Context, n *nursery.Nursery) error {
			n.GoNamed("a", failReal)
			return nil
		})
		var e *nursery.Error
		var task *nursery.TaskError
		if !errors.As(err, &e) || e.Name() != "n" || len(e.Unwrap()) != 1 || !errors.As(err, &task) || task.Task != "a" || task.Err != errReal || task.MadeUp() {
			t.Errorf("Run = %#v, want an Error of n with the TaskError of a", err)
		}
		if got := text(e.Derive([]error{errOther, errReal})); got != "n: 2 tasks failed:\n\tother\n\treal" {
			t.Errorf("Derive = %q", got)
		}
		if got := text(task.Derive([]error{errOther, errReal})); got != "a: other\nreal" {
			t.Errorf("Derive of a TaskError = %q", got)
		}
	})
}
