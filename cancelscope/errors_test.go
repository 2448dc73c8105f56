package cancelscope_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// treeOf writes a tree of joined errors in one line, leaves by their text.
func treeOf(err error) string {
	group, ok := err.(interface{ Unwrap() []error })
	if err == nil || !ok {
		return fmt.Sprint(err)
	}
	var parts []string
	for _, err := range group.Unwrap() {
		parts = append(parts, treeOf(err))
	}
	return "[" + strings.Join(parts, " ") + "]"
}

func TestErrorOfAScopeThatIsNotCanceled(t *testing.T) {
	// catalogue: trio/test_run.py::test_initial_task_error
	t.Run("is returned as it is", func(t *testing.T) {
		plain := errors.New("boom")
		for _, want := range []error{
			plain,
			fmt.Errorf("at line %d: %w", 17, plain),
			errors.Join(plain, context.Canceled),
			context.Canceled,
		} {
			var s cancelscope.Scope
			if got := s.Run(t.Context(), func(context.Context) error { return want }); got != want {
				t.Errorf("Scope.Run of a block that returns %v = %T %v, want that very error", want, got, got)
			}
		}
	})
}

func TestGroupMadeByTheUser(t *testing.T) {
	// catalogue: anyio/test_taskgroups.py::test_exception_group_filtering
	t.Run("keeps the real error", func(t *testing.T) {
		cause := errors.New("disk full")
		failure := fmt.Errorf("save: %w", cause)
		for name, cancellation := range map[string]func(context.Context) error{
			"ctx.Err()":          context.Context.Err,
			"context.Cause(ctx)": context.Cause,
		} {
			var s cancelscope.Scope
			err := s.Run(t.Context(), func(ctx context.Context) error {
				s.Cancel(nil)
				return errors.Join(failure, cancellation(ctx))
			})
			group, ok := err.(interface{ Unwrap() []error })
			if !ok || len(group.Unwrap()) != 1 || group.Unwrap()[0] != failure {
				t.Errorf("Scope.Run of a block that joins an error and %s = %s, want [%v], the very error", name, treeOf(err), failure)
			}
			if !errors.Is(err, cause) || errors.Is(err, context.Canceled) || !s.CanceledCaught() {
				t.Errorf("errors.Is finds the cause: %v, context.Canceled: %v, CanceledCaught %v, want true, false, true",
					errors.Is(err, cause), errors.Is(err, context.Canceled), s.CanceledCaught())
			}
		}
	})

	// catalogue: anyio/test_taskgroups.py::test_nested_exception_group_filtering
	t.Run("keeps its nesting", func(t *testing.T) {
		a, b := errors.New("a"), errors.New("b")
		var s cancelscope.Scope
		err := s.Run(t.Context(), func(ctx context.Context) error {
			s.Cancel(nil)
			return errors.Join(a, errors.Join(ctx.Err(), b, context.Cause(ctx)), errors.Join(ctx.Err()))
		})
		if got, want := treeOf(err), "[a [b]]"; got != want {
			t.Errorf("Scope.Run of a block with nested groups = %s, want %s", got, want)
		}
		if !errors.Is(err, a) || !errors.Is(err, b) || !s.CanceledCaught() {
			t.Errorf("errors.Is finds a: %v, b: %v, CanceledCaught %v, want true, true, true", errors.Is(err, a), errors.Is(err, b), s.CanceledCaught())
		}
	})

	// catalogue: anyio/test_taskgroups.py::test_reraise_cancelled_in_excgroup
	t.Run("of cancellations alone disappears", func(t *testing.T) {
		var s cancelscope.Scope
		err := s.Run(t.Context(), func(ctx context.Context) error {
			s.Cancel(nil)
			return errors.Join(deadline.Sleep(ctx, time.Hour))
		})
		if err != nil || !s.CanceledCaught() {
			t.Errorf("Scope.Run of a block that joins its cancellation = %v, CanceledCaught %v, want nil, true", err, s.CanceledCaught())
		}
	})
}

func TestCanceledIsMadeByTheLibraryAlone(t *testing.T) {
	// catalogue: trio/test_cancelled.py::test_Cancelled_init
	t.Run("one without origin is a real error", func(t *testing.T) {
		made := new(cancelscope.Canceled) // there is no way to fill it in
		var s cancelscope.Scope
		err := s.Run(t.Context(), func(ctx context.Context) error {
			s.Cancel(nil)
			if cancelscope.IsCancellation(ctx, made) {
				t.Error("IsCancellation(ctx, new(Canceled)) = true, want false")
			}
			return made
		})
		if err != made || s.CanceledCaught() {
			t.Errorf("Scope.Run of a block that returns new(Canceled) = %v, CanceledCaught %v, want that very error, false", err, s.CanceledCaught())
		}
	})
}

func TestTextOfCanceled(t *testing.T) {
	// catalogue: trio/test_cancelled.py::test_Cancelled_str
	// in gives the cause inside a scope once it is canceled.
	in := func(ctx context.Context, name string, cancel func(*cancelscope.Scope)) error {
		s := cancelscope.Scope{Name: name}
		var cause error
		s.Run(ctx, func(ctx context.Context) error {
			cancel(&s)
			deadline.Sleep(ctx, time.Hour)
			cause = s.Cause()
			return nil
		})
		return cause
	}
	foreign := func(err error) context.Context {
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(err)
		return ctx
	}
	reason := errors.New("enough")
	byHand := func(err error) func(*cancelscope.Scope) {
		return func(s *cancelscope.Scope) { s.Cancel(err) }
	}
	not := func(*cancelscope.Scope) {}
	for _, test := range []struct {
		name  string
		cause func() error
		want  string
	}{
		{"by hand", func() error { return in(context.Background(), "", byHand(nil)) },
			`scope canceled`},
		{"by hand, with a name", func() error { return in(context.Background(), "crawl", byHand(nil)) },
			`scope "crawl" canceled`},
		{"by hand, with a reason", func() error { return in(context.Background(), "crawl", byHand(reason)) },
			`scope "crawl" canceled: enough`},
		{"by a deadline", func() error {
			return in(context.Background(), "crawl", func(s *cancelscope.Scope) { s.SetTimeout(time.Second) })
		}, `scope "crawl" canceled: deadline passed`},
		{"from outside", func() error { return in(foreign(nil), "crawl", not) },
			`scope "crawl" canceled from outside: context canceled`},
		{"from outside, with a reason", func() error { return in(foreign(reason), "crawl", not) },
			`scope "crawl" canceled from outside: context canceled: enough`},
		{"by a task", func() error {
			var cause error
			nursery.Config{Name: "crawl"}.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("fetch", func(context.Context) error { return errors.New("no route") })
				cause = deadline.Sleep(ctx, time.Hour)
				return nil
			})
			return cause
		}, `scope "crawl" canceled: a task failed: fetch: no route`},
		{"after the end", func() error {
			var s cancelscope.Scope
			var kept context.Context
			s.Run(context.Background(), func(ctx context.Context) error { kept = ctx; return nil })
			return context.Cause(kept)
		}, `scope has ended`},
	} {
		bubbletest.Run(t, test.name, func(t *testing.T) {
			if got := fmt.Sprint(test.cause()); got != test.want {
				t.Errorf("Error of the cause = %q, want %q", got, test.want)
			}
		})
	}
}
