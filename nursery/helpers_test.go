package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

// Real errors for tasks to fail with.
var (
	errBoom  = errors.New("boom")
	errBang  = errors.New("bang")
	errCrash = errors.New("crash")
)

// forever is longer than any test lets pass.
const forever = 1000 * time.Hour

// sleeping is a task that sleeps for d, and returns the cause if it is canceled.
func sleeping(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error { return deadline.Sleep(ctx, d) }
}

// failing is a task that fails after d.
func failing(d time.Duration, err error) func(context.Context) error {
	return func(ctx context.Context) error {
		if cause := deadline.Sleep(ctx, d); cause != nil {
			return cause
		}
		return err
	}
}

// stubborn is a task that answers its cancellation with an error of its own.
func stubborn(err error) func(context.Context) error {
	return func(ctx context.Context) error {
		<-ctx.Done()
		return err
	}
}

// shape writes the tree of a nursery's errors in one line: what an Error joins in
// brackets, each with the name of its task, "canceled" for a *Canceled.
func shape(err error) string {
	all := func(errs []error) string {
		parts := make([]string, len(errs))
		for i, err := range errs {
			parts[i] = shape(err)
		}
		return strings.Join(parts, " ")
	}
	switch e := err.(type) {
	case nil:
		return "nil"
	case *nursery.Error:
		return "[" + all(e.Unwrap()) + "]"
	case *nursery.TaskError:
		return e.Task + "=" + shape(e.Err)
	case *nursery.PanicError:
		return fmt.Sprintf("panic(%v)", e.Value)
	case *cancelscope.Canceled:
		return "canceled"
	case interface{ Unwrap() []error }:
		return "join(" + all(e.Unwrap()) + ")"
	}
	return err.Error()
}

// checkShape compares the tree of err, which call gave. Where either order of failures
// is right, there are several wants.
func checkShape(t *testing.T, call string, err error, want ...string) {
	t.Helper()
	if got := shape(err); !slices.Contains(want, got) {
		t.Errorf("%s = %s, want %s", call, got, strings.Join(want, " or "))
	}
}

// leaves returns what the tasks returned, the nurseries' own wrapping taken off.
func leaves(err error) []error {
	switch e := err.(type) {
	case nil:
		return nil
	case *nursery.Error:
		var all []error
		for _, err := range e.Unwrap() {
			all = append(all, leaves(err)...)
		}
		return all
	case *nursery.TaskError:
		return leaves(e.Err)
	}
	return []error{err}
}

// An outcome is how a call ended: it returned err, panicked or called runtime.Goexit.
type outcome struct {
	err      error
	panicked any
	exited   bool
}

func (o outcome) String() string {
	switch {
	case o.exited:
		return "Goexit"
	case o.panicked != nil:
		if err, ok := o.panicked.(error); ok {
			return "panic: " + shape(err)
		}
		return fmt.Sprintf("panic: %v", o.panicked)
	}
	return shape(o.err)
}

// outcomeOf calls f in a goroutine of its own and waits for it.
func outcomeOf(f func() error) outcome {
	ended := make(chan outcome, 1)
	go func() {
		o := outcome{exited: true}
		defer func() { ended <- o }()
		defer func() {
			if v := recover(); v != nil {
				o = outcome{panicked: v}
			}
		}()
		o = outcome{err: f()}
	}()
	return <-ended
}
