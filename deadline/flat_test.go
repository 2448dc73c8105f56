package deadline_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// limited is a function with a limit of a second that sleeps for d and fails with clean.
func limited(ctx context.Context, d time.Duration, clean error) (err error) {
	ctx, end := deadline.Limit(ctx, time.Second)
	defer end(&err)
	return errors.Join(deadline.Sleep(ctx, d), clean)
}

func TestLimit(t *testing.T) {
	for _, test := range []struct {
		name  string
		d     time.Duration
		clean error
		want  string
		took  time.Duration
	}{
		{"in time", time.Millisecond, nil, "<nil>", time.Millisecond},
		{"too slow", time.Hour, nil, "too slow: limit of 1s exceeded", time.Second},
		{"too slow, with a real error", time.Hour, io.ErrClosedPipe, "io: read/write on closed pipe", time.Second},
		{"a real error in time", 0, io.ErrClosedPipe, "io: read/write on closed pipe", 0},
	} {
		bubbletest.Run(t, test.name, func(t *testing.T) {
			start := time.Now()
			err := limited(t.Context(), test.d, test.clean)
			got := "<nil>"
			if err != nil {
				got = strings.ReplaceAll(err.Error(), "\n", "|")
			}
			if took := time.Since(start); got != test.want || took != test.took {
				t.Errorf("limited = %q after %v, want %q after %v", got, took, test.want, test.took)
			}
			var slow *deadline.TooSlowError
			if is := errors.As(err, &slow); is != strings.HasPrefix(test.want, "too slow") || is && slow.Limit != time.Second {
				t.Errorf("errors.As of %v finds a TooSlowError: %v (%+v)", err, is, slow)
			}
			if test.clean != nil && !errors.Is(err, test.clean) {
				t.Errorf("limited = %v, want the real error in it", err)
			}
		})
	}

	// One rule for the block and for the flat form.
	for name, fn := range map[string]func(ctx context.Context) error{
		"nil":             func(context.Context) error { return nil },
		"late":            func(ctx context.Context) error { <-ctx.Done(); return nil },
		"cut short":       sleepFor(year),
		"real":            func(context.Context) error { return errBroken },
		"real, late":      func(ctx context.Context) error { <-ctx.Done(); return errBroken },
		"real, cut short": func(ctx context.Context) error { return errors.Join(deadline.Sleep(ctx, year), errBroken) },
		"wrapped":         func(ctx context.Context) error { return fmt.Errorf("reading x: %w", deadline.Sleep(ctx, year)) },
		"its own timeout": func(context.Context) error { return context.DeadlineExceeded },
	} {
		bubbletest.Run(t, "as FailAfter: "+name, func(t *testing.T) {
			want := deadline.FailAfter(t.Context(), time.Second, fn)
			got := func() (err error) {
				ctx, end := deadline.Limit(t.Context(), time.Second)
				defer end(&err)
				return fn(ctx)
			}()
			if fmt.Sprintf("%T %v", got, got) != fmt.Sprintf("%T %v", want, want) || errors.Is(got, errBroken) != errors.Is(want, errBroken) {
				t.Errorf("a function with a Limit = %T %v, want what FailAfter gives, %T %v", got, got, want, want)
			}
		})
	}

	bubbletest.Run(t, "a negative limit lets the function run to its first wait", func(t *testing.T) {
		err := func() (err error) {
			ctx, end := deadline.Limit(t.Context(), -time.Second)
			defer end(&err)
			return deadline.Sleep(ctx, 0)
		}()
		var slow *deadline.TooSlowError
		if !errors.As(err, &slow) || slow.Limit != 0 {
			t.Errorf("a function with a negative limit = %v, want a TooSlowError with the limit 0", err)
		}
	})

	bubbletest.Run(t, "the cancellation from outside is passed on", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := limited(ctx, time.Hour, nil); !cancelscope.IsCancellation(ctx, err) {
			t.Errorf("limited under a canceled context = %v, want the cancellation", err)
		}
	})

	bubbletest.Run(t, "of two limits the outer one has the earlier deadline", func(t *testing.T) {
		expired, err := deadline.MoveOnAfter(t.Context(), time.Millisecond, func(ctx context.Context) error {
			return limited(ctx, time.Hour, nil)
		})
		if !expired || err != nil {
			t.Errorf("MoveOnAfter around limited = %v, %v, want true, nil", expired, err)
		}
	})

	bubbletest.Run(t, "a panic and a Goexit end the limit", func(t *testing.T) {
		bubbletest.Abandon(func(leave func()) {
			var inside context.Context
			defer func() {
				if inside.Err() == nil {
					t.Error("the context of a limit is not done when its function has been left")
				}
			}()
			_ = func() (err error) {
				ctx, end := deadline.Limit(context.Background(), time.Hour)
				defer end(&err)
				inside = ctx
				leave()
				return nil
			}()
		})
	})
}

func TestLimitEnds(t *testing.T) {
	bubbletest.Run(t, "twice", func(t *testing.T) {
		ctx, end := deadline.Limit(t.Context(), time.Second)
		err := deadline.Sleep(ctx, time.Hour)
		end(&err)
		first := err
		end(&err)
		err2 := io.EOF
		end(&err2)
		if err != first || err2 != io.EOF {
			t.Errorf("after the second end: %v and %v, want the errors unchanged: %v, EOF", err, err2, first)
		}
	})
	bubbletest.Run(t, "the outer one first", func(t *testing.T) {
		outer, endOuter := deadline.Limit(t.Context(), time.Hour)
		inner, endInner := deadline.Limit(outer, time.Hour)
		var err error
		endOuter(&err)
		if inner.Err() == nil {
			t.Error("the context of the inner limit is not done after the end of the outer one")
		}
		endInner(&err)
		if err != nil {
			t.Errorf("errors after both ends: %v, want nil", err)
		}
	})
	t.Run("misuse", func(t *testing.T) {
		bubbletest.CheckPanics(t, "Limit(nil, 1s)", "deadline: Limit with a nil context", func() { deadline.Limit(noContext, time.Second) })
		_, end := deadline.Limit(t.Context(), time.Hour)
		bubbletest.CheckPanics(t, "end(nil)", "deadline: end of a Limit with a nil pointer", func() { end(nil) })
		var err error
		end(&err)
	})
}

// Limit the rest of a function, as context.WithTimeout and defer cancel do.
func ExampleLimit() {
	fetch := func(ctx context.Context) (err error) {
		ctx, end := deadline.Limit(ctx, time.Millisecond)
		defer end(&err)
		return deadline.Sleep(ctx, time.Hour) // the work
	}
	fmt.Println(fetch(context.Background()))
	// Output: too slow: limit of 1ms exceeded
}
