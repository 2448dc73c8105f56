package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
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

// inBubble runs f as a subtest whose time is fake.
func inBubble(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

// sleeping is a task that sleeps for d, and returns the cause if it is canceled.
func sleeping(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error { return deadline.Sleep(ctx, d) }
}

// linger lets time pass in a bubble, whatever is canceled meanwhile.
func linger(d time.Duration) { _ = deadline.Sleep(context.Background(), d) }

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

// checkCanceled checks that err, which call gave, is a *Canceled of that kind, by
// itself.
func checkCanceled(t *testing.T, call string, err error, kind cancelscope.Kind) *cancelscope.Canceled {
	t.Helper()
	c, ok := err.(*cancelscope.Canceled)
	if !ok {
		t.Errorf("%s = %T %v, want a *Canceled of kind %v", call, err, err, kind)
		return new(cancelscope.Canceled)
	}
	if c.Kind() != kind {
		t.Errorf("%s = *Canceled of kind %v (%v), want kind %v", call, c.Kind(), c, kind)
	}
	return c
}

// checkElapsed checks, in a bubble, how much time a call took.
func checkElapsed(t *testing.T, call string, start time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(start); got != want {
		t.Errorf("%s took %v, want %v", call, got, want)
	}
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

// checkPanics checks that call panics with a text that begins with want, which says
// what to do instead.
func checkPanics(t *testing.T, call, want string, f func()) {
	t.Helper()
	o := outcomeOf(func() error { f(); return nil })
	if text, ok := o.panicked.(string); !ok || !strings.HasPrefix(text, want) {
		t.Errorf("%s: %v, want a panic with %q", call, o, want)
	}
}
