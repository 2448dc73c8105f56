package nursery_test

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

// failed runs a nursery of that name whose tasks, called a, b, c and so on, fail one
// after another.
func failed(ctx context.Context, name string, failures ...func(ctx context.Context) error) error {
	return nursery.Config{Name: name, Supervise: true}.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
		for i, failure := range failures {
			n.GoNamed(string(rune('a'+i)), func(ctx context.Context) error {
				if err := deadline.Sleep(ctx, time.Duration(i)*time.Second); err != nil {
					return err
				}
				return failure(ctx)
			})
		}
		return nil
	})
}

// with is a task that returns err.
func with(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

// nested is a task that is itself a nursery of tasks that fail.
func nested(name string, failures ...func(ctx context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error { return failed(ctx, name, failures...) }
}

func TestTextOfError(t *testing.T) {
	for _, test := range []struct {
		name     string
		nursery  string
		failures []func(context.Context) error
		want     []string // lines
	}{
		{"one failure is one line", "", []func(context.Context) error{with(errBoom)},
			[]string{"a: boom"}},
		{"and says the name of the nursery", "crawl", []func(context.Context) error{with(errBoom)},
			[]string{"crawl: a: boom"}},
		{"also in nested nurseries", "crawl", []func(context.Context) error{nested("", nested("host", with(errBoom)))},
			[]string{"crawl: a: a: host: a: boom"}},
		{"several are a list", "", []func(context.Context) error{with(errBoom), with(errBang)},
			[]string{
				"2 tasks failed:",
				"\ta: boom",
				"\tb: bang",
			}},
		{"under the name of the nursery", "crawl", []func(context.Context) error{with(errBoom), with(errBang), with(errCrash)},
			[]string{
				"crawl: 3 tasks failed:",
				"\ta: boom",
				"\tb: bang",
				"\tc: crash",
			}},
		{"an error of several lines keeps them", "", []func(context.Context) error{with(errBoom), with(errors.Join(errBang, errCrash)), with(errors.New("end\n"))},
			[]string{
				"3 tasks failed:",
				"\ta: boom",
				"\tb: bang",
				"\tcrash",
				"\tc: end",
			}},
		{"a tree is indented", "site", []func(context.Context) error{
			with(errBoom),
			nested("host", with(errBang), nested("page", with(errCrash), with(errBoom))),
			nested("", with(errCrash)),
		},
			[]string{
				"site: 3 tasks failed:",
				"\ta: boom",
				"\tc: a: crash",
				"\tb: host: 2 tasks failed:",
				"\t\ta: bang",
				"\t\tb: page: 2 tasks failed:",
				"\t\t\ta: crash",
				"\t\t\tb: boom",
			}},
	} {
		bubbletest.Run(t, test.name, func(t *testing.T) {
			want := strings.Join(test.want, "\n")
			if got := fmt.Sprint(failed(t.Context(), test.nursery, test.failures...)); got != want {
				t.Errorf("Error() =\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestTextOfErrorWithACancellation(t *testing.T) {
	bubbletest.Run(t, "that propagates to the parent, at the end and not counted", func(t *testing.T) {
		s := cancelscope.Scope{Name: "job"}
		var got string
		s.Run(t.Context(), func(ctx context.Context) error {
			err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("cleaner", stubborn(errBoom))
				s.Cancel(errBang)
				return context.Cause(ctx)
			})
			got = err.Error()
			return err
		})
		want := "1 task failed:\n\tcleaner: boom\n\tscope \"job\" canceled: bang"
		if got != want {
			t.Errorf("Error() =\n%s\nwant\n%s", got, want)
		}
	})
}

func TestTextOfManyErrors(t *testing.T) {
	// text returns the lines of the error of a nursery with that many failing tasks.
	text := func(t *testing.T, tasks int) []string {
		err := nursery.Config{Supervise: true}.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			for i := range tasks {
				n.GoNamed(fmt.Sprintf("task-%d", i), failing(time.Duration(i)*time.Second, fmt.Errorf("error %d", i)))
			}
			return nil
		})
		return strings.Split(err.Error(), "\n")
	}

	bubbletest.Run(t, "a short list is whole", func(t *testing.T) {
		lines := text(t, 11)
		if len(lines) != 12 || lines[0] != "11 tasks failed:" || lines[11] != "\ttask-10: error 10" {
			t.Errorf("lines of an error with 11 failures = %q, want a heading and all of them", lines)
		}
	})

	bubbletest.Run(t, "a long one is cut", func(t *testing.T) {
		lines := text(t, 10000)
		if len(lines) != 12 || lines[0] != "10000 tasks failed:" || lines[1] != "\ttask-0: error 0" ||
			lines[10] != "\ttask-9: error 9" || lines[11] != "\tand 9990 more" {
			t.Errorf("lines of an error with 10000 failures = %q, want a heading, the first 10 and \"and 9990 more\"", lines)
		}
	})
}

func TestTextOfTaskError(t *testing.T) {
	err := &nursery.TaskError{Task: "fetch", Err: errBoom}
	if got, want := err.Error(), "fetch: boom"; got != want {
		t.Errorf("TaskError.Error() = %q, want %q", got, want)
	}
	if err.Unwrap() != errBoom {
		t.Errorf("TaskError.Unwrap() = %v, want %v", err.Unwrap(), errBoom)
	}
}

func TestTextOfPanicError(t *testing.T) {
	t.Run("alone", func(t *testing.T) {
		p := &nursery.PanicError{Task: "fetch", Value: 42, Stack: []byte("goroutine 7 [running]:\nmain.fetch()\n")}
		want := "task fetch panicked: 42\n\ngoroutine 7 [running]:\nmain.fetch()\n"
		if got := p.Error(); got != want {
			t.Errorf("PanicError.Error() = %q, want %q", got, want)
		}
	})

	bubbletest.Run(t, "with the other errors of the nursery", func(t *testing.T) {
		p := panicBesideFailure(t)
		if stack := string(p.Stack); !strings.HasPrefix(stack, "goroutine ") || !strings.Contains(stack, "nursery_test.panicking(") {
			t.Errorf("Stack = %s\nwant that of the goroutine that panicked", stack)
		}
		got := strings.Replace(p.Error(), string(p.Stack), "STACK\n", 1)
		want := "task fetch panicked: bad\n\nSTACK\n\nother errors of the nursery:\n\ta: boom"
		if got != want {
			t.Errorf("PanicError.Error(), less the stack = %q, want %q", got, want)
		}
	})
}

// panicking is a task that panics in a function with a name.
func panicking(context.Context) error { panic("bad") }

// panicBesideFailure returns the panic of a nursery with a task fetch, which panics, and a
// task a, which fails with errBoom then.
func panicBesideFailure(t *testing.T) *nursery.PanicError {
	t.Helper()
	o := outcomeOf(func() error {
		return nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.GoNamed("fetch", panicking)
			n.GoNamed("a", stubborn(errBoom))
			return nil
		})
	})
	p, ok := o.panicked.(*nursery.PanicError)
	if !ok {
		t.Fatalf("Run with a task that panics: %v, want a panic with its *PanicError", o)
	}
	return p
}
