package nursery_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// What a user reads when a nursery fails.
func TestErrorText(t *testing.T) {
	run := nursery.Run
	named := nursery.Config{Name: "crawl"}.Run
	fails := func(context.Context) error { return io.ErrUnexpectedEOF }
	for _, test := range []struct {
		name string
		err  func(ctx context.Context) error
		want string
		slog string
	}{
		{"a task without a name", func(ctx context.Context) error {
			return run(ctx, func(_ context.Context, n *nursery.Nursery) error { n.Go(fails); return nil })
		}, "unexpected EOF", `err="unexpected EOF"`},
		{"the body", func(ctx context.Context) error {
			return run(ctx, func(context.Context, *nursery.Nursery) error { return io.ErrUnexpectedEOF })
		}, "unexpected EOF", `err="unexpected EOF"`},
		{"a task with a name", func(ctx context.Context) error {
			return run(ctx, func(_ context.Context, n *nursery.Nursery) error { n.GoNamed("mirror", fails); return nil })
		}, "mirror: unexpected EOF", `err="mirror: unexpected EOF"`},
		{"a nursery with a name", func(ctx context.Context) error {
			return named(ctx, func(_ context.Context, n *nursery.Nursery) error { n.Go(fails); return nil })
		}, "crawl: unexpected EOF", `err="crawl: unexpected EOF"`},
		{"both", func(ctx context.Context) error {
			return named(ctx, func(_ context.Context, n *nursery.Nursery) error { n.GoNamed("mirror", fails); return nil })
		}, "crawl: mirror: unexpected EOF", `err="crawl: mirror: unexpected EOF"`},
		{"three nurseries deep", func(ctx context.Context) error {
			in := func(f func(context.Context) error) func(context.Context) error {
				return func(ctx context.Context) error {
					return run(ctx, func(_ context.Context, n *nursery.Nursery) error { n.Go(f); return nil })
				}
			}
			return in(in(in(fails)))(ctx)
		}, "unexpected EOF", `err="unexpected EOF"`},
		{"an item", func(ctx context.Context) error {
			return nursery.ForEach(ctx, 1, upTo(3), func(ctx context.Context, i int) error {
				if i == 1 {
					return io.ErrUnexpectedEOF
				}
				return nil
			})
		}, "unexpected EOF", `err="unexpected EOF"`},
		{"several items", func(ctx context.Context) error {
			return nursery.ForEach(ctx, 3, upTo(3), func(ctx context.Context, i int) error {
				if i == 0 {
					return nil
				}
				bubbletest.Linger(time.Duration(i) * time.Second)
				return fmt.Errorf("no page %d", i)
			})
		}, "2 tasks failed:\n\titem 1: no page 1\n\titem 2: no page 2", `err.failed=2 "err.item 1"="no page 1" "err.item 2"="no page 2"`},
		{"two failures", func(ctx context.Context) error {
			return run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				n.GoNamed("late", stubborn(errBang))
				return errBoom
			})
		}, "2 tasks failed:\n\tbody: boom\n\tlate: bang", `err.failed=2 err.body=boom err.late=bang`},
		{"a limit", func(ctx context.Context) error {
			return run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error { return deadline.FailAfter(ctx, time.Second, sleeping(forever)) })
				return nil
			})
		}, "too slow: limit of 1s exceeded", `err="too slow: limit of 1s exceeded"`},
		{"canceled from outside", func(ctx context.Context) error {
			ctx, cancel := context.WithCancelCause(ctx)
			cancel(errors.New("user left"))
			return run(ctx, func(ctx context.Context, n *nursery.Nursery) error { return ctx.Err() })
		}, "scope canceled from outside: context canceled: user left", `err="scope canceled from outside: context canceled: user left"`},
		{"cut short by a cancellation from outside", func(ctx context.Context) error {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				return run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					return fmt.Errorf("reading index.html: %w", ctx.Err())
				})
			})
		}, "reading index.html: context canceled", `err="reading index.html: context canceled"`},
		{"canceled from outside beside a failure", func(ctx context.Context) error {
			ctx, cancel := context.WithCancelCause(ctx)
			cancel(errors.New("user left"))
			return run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("clean-up", stubborn(errBoom))
				return ctx.Err()
			})
		}, "1 task failed:\n\tclean-up: boom\n\tscope canceled from outside: context canceled: user left", ""},
		{"canceled from outside beside two failures", func(ctx context.Context) error {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("a", stubborn(errBoom))
				n.GoNamed("b", func(ctx context.Context) error {
					<-ctx.Done()
					bubbletest.Linger(time.Second)
					return errBang
				})
				return ctx.Err()
			})
		}, "2 tasks failed:\n\ta: boom\n\tb: bang\n\tscope canceled from outside: context canceled",
			`err.failed=2 err.a=boom err.b=bang err.canceled="scope canceled from outside: context canceled"`},
	} {
		bubbletest.Run(t, test.name, func(t *testing.T) {
			err := test.err(t.Context())
			for _, verb := range []string{"%v", "%+v", "%s"} {
				if got := fmt.Sprintf(verb, err); got != test.want {
					t.Errorf("Sprintf(%q) =\n%s\nwant\n%s", verb, got, test.want)
				}
			}
			if got := logged(err); test.slog != "" && got != test.slog {
				t.Errorf("slog writes\n%s\nwant\n%s", got, test.slog)
			}
		})
	}
}

// logged returns what a text handler writes for the error.
func logged(err error) string {
	var b bytes.Buffer
	h := slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
			return slog.Attr{}
		}
		return a
	}})
	slog.New(h).Info("", "err", err)
	return strings.TrimSpace(b.String())
}

// A panic in an Error method hides one text, and not those of the others.
func TestErrorMethodThatPanics(t *testing.T) {
	bubbletest.Run(t, "text", func(t *testing.T) {
		err := nursery.Config{Supervise: true}.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.GoNamed("a", with((*url.Error)(nil)))
			n.GoNamed("b", failing(time.Second, errBoom))
			return nil
		})
		got := err.Error()
		if !strings.HasPrefix(got, "2 tasks failed:\n\ta: %!v(PANIC=Error method of *url.Error: ") || !strings.HasSuffix(got, "\n\tb: boom") {
			t.Errorf("Error() =\n%s\nwant the text of b, and in place of that of a that it panics", got)
		}
	})
}

// First finds what the task returned, and errors.Is and errors.As find everything.
func TestFirst(t *testing.T) {
	bubbletest.Run(t, "through nested nurseries", func(t *testing.T) {
		first := &url.Error{Op: "get", URL: "/x", Err: errBoom}
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("late", stubborn(errBang))
			n.Go(func(ctx context.Context) error {
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					n.Go(with(first))
					return nil
				})
			})
			return nil
		})
		if got := nursery.First(err); got != error(first) {
			t.Errorf("First(%v) = %v, want the very error of the task", err, got)
		}
		var u *url.Error
		if !errors.As(err, &u) || u != first || !errors.Is(err, errBoom) || !errors.Is(err, errBang) {
			t.Errorf("errors.As and errors.Is of %v do not find all errors", err)
		}
	})
	cyclic := &nursery.TaskError{Task: "cyclic"}
	cyclic.Err = cyclic
	for _, err := range []error{nil, errBoom, fmt.Errorf("wrapped: %w", errBoom), &nursery.TaskError{Task: "a"}, (*nursery.TaskError)(nil), (*nursery.Error)(nil), cyclic} {
		if got := nursery.First(err); got != err {
			t.Errorf("First(%T) = %v, want it back", err, got)
		}
	}
}

// The names of functions, where tasks have no others.
func TestNamesOfFunctions(t *testing.T) {
	bubbletest.Run(t, "names", func(t *testing.T) {
		n := names(t, (new(server)).serve, generic[int], generic[struct{ a int }])
		want := []string{"nursery_test.(*server).serve", "nursery_test.generic", "nursery_test.generic"}
		if !slices.Equal(n, want) {
			t.Errorf("names = %q, want %q", n, want)
		}
		made := reflect.MakeFunc(reflect.TypeFor[func(context.Context) error](), func([]reflect.Value) []reflect.Value {
			return []reflect.Value{reflect.ValueOf(&errBoom).Elem()}
		}).Interface().(func(context.Context) error)
		if n := names(t, made); n[0] == "" {
			t.Error("a function made by package reflect has no name")
		}
	})
}

// names returns the names of tasks that run those functions, in the handle and in the
// error.
func names(t *testing.T, fns ...func(context.Context) error) (names []string) {
	for _, f := range fns {
		var task *nursery.Task[struct{}]
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			task = n.Task("", f)
			return nil
		})
		var e *nursery.TaskError
		if !errors.As(err, &e) || e.Task != task.Name() {
			t.Errorf("Run = %v, the name in the handle is %q; want an error with that name", err, task.Name())
		}
		names = append(names, task.Name())
	}
	return names
}

func generic[T any](context.Context) error { return errBoom }

// A panic is logged with its task, its value, its stack, and what else went wrong.
func TestPanicErrorInALog(t *testing.T) {
	bubbletest.Run(t, "slog", func(t *testing.T) {
		p := panicBesideFailure(t)
		p.Stack = []byte("STACK")
		if got, want := logged(p), `err.task=fetch err.panic=bad err.stack=STACK err.other="a: boom"`; got != want {
			t.Errorf("slog writes\n%s\nwant\n%s", got, want)
		}
	})
}
