package cancelscope_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// canceledBecause returns the cause of a scope that was canceled by hand.
func canceledBecause(name string, reason error) *cancelscope.Canceled {
	s := cancelscope.Scope{Name: name}
	s.Cancel(reason)
	return s.Cause().(*cancelscope.Canceled)
}

// A reason is kept as the same value, with all that errors.Is and errors.As find in it.
func TestReasonsAreKept(t *testing.T) {
	canceled := (*cancelscope.Canceled)(nil)
	task := (*nursery.TaskError)(nil)
	loop := &looped{}
	loop.inner = loop
	for _, reason := range []error{
		errBoom,
		fmt.Errorf("wrapped: %w", errBoom),
		errors.Join(errBoom, errBang),
		&nursery.TaskError{Task: "fetch", Err: errBoom},
		&nursery.TaskError{Task: "fetch"},
		incomparableError{[]string{"incomparable"}},
		context.Canceled,
		canceled,
		task,
		loop,
		deep(1_000_000, errBoom),
	} {
		c := canceledBecause("s", reason)
		if !identical(c.Reason(), reason) {
			t.Errorf("Reason() = %#v, want the same value %#v", c.Reason(), reason)
		}
	}
	c := canceledBecause("s", fmt.Errorf("wrapped: %w", &nursery.TaskError{Task: "fetch", Err: errBoom}))
	if found, ok := errors.AsType[*nursery.TaskError](c); !errors.Is(c, errBoom) || !ok || found.Task != "fetch" {
		t.Errorf("errors.Is and errors.As do not find what the reason wraps in %v", c)
	}
}

// No method of a reason is called for keeping it.
func TestReasonsAreNotAsked(t *testing.T) {
	for method, reason := range methodErrors(func() { panic("called") }) {
		c := canceledBecause("s", reason)
		if got := c.Reason(); got != reason {
			t.Errorf("%s: Reason() = %v, want the same value", method, got)
		}
	}
}

func TestCanceledInsideAReason(t *testing.T) {
	inner := func() error { return canceledBecause("inner", errors.New("enough")) }
	for _, test := range []struct {
		name   string
		reason error
		text   string
	}{
		{"bare", inner(), `scope "inner" canceled: enough`},
		{"bare, without a reason", canceledBecause("inner", nil), `scope "inner" canceled`},
		{"of another", canceledBecause("middle", inner()), `scope "middle" canceled: enough`},
		{"of another, without a reason", canceledBecause("middle", canceledBecause("inner", nil)), `scope "middle" canceled: scope "inner" canceled`},
		{"of three more", canceledBecause("a", canceledBecause("b", canceledBecause("c", inner()))), `scope "a" canceled: enough`},
		{"wrapped", fmt.Errorf("restart: %w", inner()), `restart: scope "inner" canceled: enough`},
		{"wrapped with another", fmt.Errorf("%w (%w)", errBoom, inner()), `boom (scope "inner" canceled: enough)`},
		{"joined", errors.Join(errBoom, inner()), "boom\nscope \"inner\" canceled: enough"},
		{"of a task", &nursery.TaskError{Task: "fetch", Err: inner()}, `fetch: scope "inner" canceled: enough`},
		{"of a task, wrapped", fmt.Errorf("wrapped: %w", &nursery.TaskError{Task: "fetch", Err: errors.Join(inner(), errBoom)}), "wrapped: fetch: scope \"inner\" canceled: enough\nboom"},
		{"whose reason wraps another", canceledBecause("middle", fmt.Errorf("restart: %w", inner())), `scope "middle" canceled: restart: scope "inner" canceled: enough`},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := canceledBecause("outer", test.reason)
			if got := fmt.Sprint(c.Reason()); got != test.text {
				t.Errorf("Reason() = %q, want %q", got, test.text)
			}
			if got, want := c.Error(), `scope "outer" canceled: `+test.text; got != want {
				t.Errorf("Error() = %q, want %q", got, want)
			}
			if again := c.Reason(); again != c.Reason() || !errors.Is(c, again) {
				t.Errorf("Reason() is not the same value each time")
			}
			if found, ok := errors.AsType[*cancelscope.Canceled](c.Reason()); ok {
				t.Errorf("errors.As finds the Canceled %v in the reason, want none", found)
			}
			if got, want := errors.Is(c, errBoom), errors.Is(test.reason, errBoom); got != want {
				t.Errorf("errors.Is finds what else is in the reason: %v, want %v", got, want)
			}
			_, want := errors.AsType[*nursery.TaskError](test.reason)
			if _, got := errors.AsType[*nursery.TaskError](c); got != want {
				t.Errorf("errors.As finds the error of the task in the reason: %v, want %v", got, want)
			}
		})
	}
}

// A reason that was reduced once serves again as it is.
func TestReasonOfAnotherCanceled(t *testing.T) {
	reason := canceledBecause("middle", canceledBecause("inner", errBoom)).Reason()
	for _, reason := range []error{reason, fmt.Errorf("again: %w", reason)} {
		if got := canceledBecause("outer", reason).Reason(); got != reason {
			t.Errorf("Reason() = %#v, want the same value %#v", got, reason)
		}
	}
}

// What cannot be opened without calling a user's method stays as it is.
func TestCanceledInsideAReasonOfAnotherType(t *testing.T) {
	inner := canceledBecause("inner", nil)
	for _, reason := range []error{&looped{inner}, &manyErrors{[]error{inner}}, &derivingTask{inner}, deepWrapped(1_000, inner)} {
		if got := canceledBecause("outer", reason).Reason(); got != reason || !errors.Is(got, inner) {
			t.Errorf("Reason() = %#v, want the same value with all that is in it", got)
		}
	}
}

// deepWrapped returns err in that many errors of package fmt.
func deepWrapped(levels int, err error) error {
	for range levels {
		err = fmt.Errorf("%w", err)
	}
	return err
}

func TestLongTextsInsideAReason(t *testing.T) {
	long := errors.New(strings.Repeat("ä", 5_000))
	for name, reason := range map[string]error{
		"of a Canceled": canceledBecause("inner", long),
		"of a wrapper":  fmt.Errorf("%w: %w", long, canceledBecause("inner", nil)),
	} {
		text := canceledBecause("outer", reason).Error()
		if !strings.HasSuffix(text, "ää…") || len(text) < 4_000 || len(text) > 4_200 {
			t.Errorf("%s: text of %d bytes that ends in %q, want about 4 KiB that end in ää…", name, len(text), text[len(text)-5:])
		}
	}
}

// A textError runs do for its text.
type textError struct{ do func() string }

func (e *textError) Error() string { return e.do() }

// The text of a Canceled inside a reason is taken when everything is canceled, and
// whatever happens then does not undo that.
func TestTextsInsideAReasonThatMisbehave(t *testing.T) {
	t.Run("panic", func(t *testing.T) {
		reason := canceledBecause("inner", &textError{func() string { panic("no text") }})
		if got, want := canceledBecause("outer", reason).Error(), `scope "outer" canceled: scope "inner" canceled: *cancelscope_test.textError (Error panicked: string)`; got != want {
			t.Errorf("Error() = %q, want %q", got, want)
		}
	})
	t.Run("exit", func(t *testing.T) {
		exit := true
		reason := canceledBecause("inner", &textError{func() string {
			if exit {
				runtime.Goexit()
			}
			return "text"
		}})
		s := cancelscope.Scope{Name: "s"}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.Cancel(reason)
		}()
		<-ended
		exit = false
		if got, want := fmt.Sprint(s.Cause()), `scope "s" canceled: scope "inner" canceled: text`; got != want {
			t.Errorf("Cause() = %q, want %q", got, want)
		}
	})
	bubbletest.Run(t, "wait", func(t *testing.T) {
		release := make(chan struct{})
		reason := canceledBecause("inner", &textError{func() string { <-release; return "text" }})
		s := cancelscope.Scope{Name: "s"}
		err := s.Run(t.Context(), func(ctx context.Context) error {
			go s.Cancel(reason)
			synctest.Wait() // Cancel waits for the text
			checkDone(t, "ctx", ctx, context.Canceled)
			s.SetTimeout(0) // takes the lock
			return ctx.Err()
		})
		bubbletest.CheckError(t, "Run", err, nil)
		bubbletest.CheckScope(t, "s", &s, true, true)
		close(release)
		synctest.Wait() // Cancel has returned
		if got, want := fmt.Sprint(s.Cause()), `scope "s" canceled: scope "inner" canceled: text`; got != want {
			t.Errorf("Cause() = %q, want %q", got, want)
		}
	})
}
