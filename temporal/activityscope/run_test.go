package activityscope_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/temporal/activityscope"
	"github.com/trellis-go/trellis/temporal/failure"
)

var errReal = errors.New("real")

// environment returns an environment for activities whose context background is around.
func environment(background context.Context) *testsuite.TestActivityEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(silent{})
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{BackgroundActivityContext: background,
		DefaultHeartbeatThrottleInterval: time.Second, MaxHeartbeatThrottleInterval: time.Second})
	return env
}

type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}

// execute runs fn under activityscope.Run in an activity.
func execute(env *testsuite.TestActivityEnvironment, fn func(ctx context.Context) (string, error)) (string, error) {
	env.RegisterActivityWithOptions(func(ctx context.Context) (string, error) { return activityscope.Run(ctx, fn) },
		activity.RegisterOptions{Name: "work"})
	value, err := env.ExecuteActivity("work")
	if err != nil {
		return "", err
	}
	var s string
	err = value.Get(&s)
	return s, err
}

// beats collects what heartbeats say.
func beats(env *testsuite.TestActivityEnvironment) *[]string {
	var got []string
	env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
		s := "nothing"
		if details.HasValues() {
			_ = details.Get(&s)
		}
		got = append(got, s)
	})
	return &got
}

// Heartbeats are sent while the function runs, with what was last reported, and end with it.
func TestHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := environment(context.Background())
		got := beats(env)
		value, err := execute(env, func(ctx context.Context) (string, error) {
			time.Sleep(15 * time.Second)
			activityscope.Heartbeat(ctx, "half")
			time.Sleep(100 * time.Second)
			return "done", nil
		})
		time.Sleep(time.Hour)
		count := len(*got)
		if value != "done" || err != nil || count < 4 || count > 6 || (*got)[0] != "nothing" || strings.Count(fmt.Sprint(*got), "half") != count-1 {
			t.Errorf("Run = %q, %v with heartbeats %q, want done, nil, and nothing, then half every thirty seconds", value, err, *got)
		}
	})
}

// What an earlier attempt reported is reported again, so that it is not lost.
func TestHeartbeatsOfAnEarlierAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := environment(context.Background())
		env.SetHeartbeatDetails("page 7")
		got := beats(env)
		_, err := execute(env, func(ctx context.Context) (string, error) {
			time.Sleep(5 * time.Second)
			var page string
			return page, activity.GetHeartbeatDetails(ctx, &page)
		})
		if err != nil || fmt.Sprint(*got) != "[page 7]" {
			t.Errorf("heartbeats %q, %v, want that of the earlier attempt", *got, err)
		}
	})
}

// Outside of Run, Heartbeat is the SDK's.
func TestHeartbeatOutside(t *testing.T) {
	env := environment(context.Background())
	got := beats(env)
	env.RegisterActivityWithOptions(func(ctx context.Context) error {
		activityscope.Heartbeat(ctx, "x")
		return nil
	}, activity.RegisterOptions{Name: "plain"})
	if _, err := env.ExecuteActivity("plain"); err != nil || fmt.Sprint(*got) != "[x]" {
		t.Errorf("heartbeats %q, %v, want x", *got, err)
	}
}

// A canceled activity: a result counts, cancellations alone end it as canceled, and real errors are
// kept without the cancellations beside them.
func TestCanceled(t *testing.T) {
	for _, test := range []struct {
		name string
		fn   func(ctx context.Context) (string, error) // ctx is done
		want string
		is   func(err error) bool
	}{
		{"a result", func(context.Context) (string, error) { return "done", nil }, "done", func(err error) bool { return err == nil }},
		{"a cancellation", func(ctx context.Context) (string, error) { return "", ctx.Err() }, "", temporal.IsCanceledError},
		{"the cause", func(ctx context.Context) (string, error) { return "", context.Cause(ctx) }, "", temporal.IsCanceledError},
		{"a failure beside it", func(ctx context.Context) (string, error) {
			return "", nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("undo", func(context.Context) error { return errReal })
				n.GoNamed("copy", func(ctx context.Context) error { return ctx.Err() })
				return ctx.Err()
			})
		}, "", func(err error) bool {
			return !temporal.IsCanceledError(err) && failure.Task(failure.Decode(err), "undo") != nil
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				background, cancel := context.WithCancelCause(context.Background())
				env := environment(background)
				got, err := execute(env, func(ctx context.Context) (string, error) {
					cancel(temporal.NewCanceledError()) // as the answer to a heartbeat does
					<-ctx.Done()
					synctest.Wait() // every goroutine of the activity knows
					return test.fn(ctx)
				})
				if got != test.want || !test.is(err) {
					t.Errorf("Run = %q, %v", got, err)
				}
			})
		})
	}
}

// The cause inside is the reason that Temporal gives, and Why names it.
func TestWhy(t *testing.T) {
	for _, test := range []struct {
		cause error
		want  activityscope.Reason
		text  string
	}{
		{temporal.NewCanceledError(), activityscope.ByWorkflow, "workflow"},
		{activity.ErrActivityPaused, activityscope.ByPause, "pause"},
		{activity.ErrActivityReset, activityscope.ByReset, "reset"},
		{worker.ErrWorkerShutdown, activityscope.ByWorker, "worker"},
		{context.DeadlineExceeded, activityscope.ByTimeout, "timeout"},
		{errReal, activityscope.ByClose, "close"},
	} {
		t.Run(test.text, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				background, cancel := context.WithCancelCause(context.Background())
				env := environment(background)
				_, _ = execute(env, func(ctx context.Context) (string, error) {
					if got := activityscope.Why(ctx); got != activityscope.NotStopped || got.String() != "not stopped" {
						t.Errorf("Why of a running activity = %v", got)
					}
					_, _ = deadline.MoveOnAfter(ctx, 0, func(ctx context.Context) error {
						if got := activityscope.Why(ctx); got != activityscope.ByScope || got.String() != "scope" {
							t.Errorf("Why in a canceled scope = %v", got)
						}
						return nil
					})
					cancel(test.cause)
					<-ctx.Done()
					if got := activityscope.Why(ctx); got != test.want || got.String() != test.text {
						t.Errorf("Why = %v, want %v", got, test.want)
					}
					if cause := context.Cause(ctx); !errors.Is(cause, test.cause) {
						t.Errorf("context.Cause = %v, want %v in it", cause, test.cause)
					}
					return "", nil
				})
			})
		})
	}
	if got := activityscope.Reason(99).String(); got != "Reason(99)" {
		t.Errorf("Reason(99).String() = %q", got)
	}
}

// Inside, scopes and nurseries work as usual, and absorb what is theirs.
func TestScopesInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := environment(context.Background())
		got, err := execute(env, func(ctx context.Context) (string, error) {
			var s cancelscope.Scope
			s.SetTimeout(time.Minute)
			err := s.Run(ctx, func(ctx context.Context) error { return deadline.Sleep(ctx, time.Hour) })
			return fmt.Sprint(s.CanceledCaught()), err
		})
		if got != "true" || err != nil {
			t.Errorf("Run = %q, %v, want true, nil", got, err)
		}
	})
}

// A panic of the function passes with its value, and the heartbeats end.
func TestPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := environment(context.Background())
		_, err := execute(env, func(context.Context) (string, error) { panic("boom") })
		var p *temporal.PanicError
		if !errors.As(err, &p) || !strings.Contains(p.Error(), "boom") {
			t.Errorf("Run = %v, want the panic", err)
		}
	})
}

func TestMisuse(t *testing.T) {
	for want, f := range map[string]func(ctx context.Context){
		"activityscope: Run outside of an activity: pass the context that the activity was given": func(context.Context) {
			_, _ = activityscope.Run(context.Background(), func(context.Context) (int, error) { return 0, nil })
		},
		"activityscope: Run with a nil function: there is nothing to run": func(ctx context.Context) {
			_, _ = activityscope.Run[int](ctx, nil)
		},
	} {
		env := environment(context.Background())
		env.RegisterActivityWithOptions(func(ctx context.Context) error {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("panic with %v, want %q", got, want)
				}
			}()
			f(ctx)
			return nil
		}, activity.RegisterOptions{Name: "misuse"})
		if _, err := env.ExecuteActivity("misuse"); err != nil {
			t.Error(err)
		}
	}
}

// An activity that can be canceled, and reports how far it has come.
func ExampleRun() {
	env := environment(context.Background())
	env.RegisterActivityWithOptions(func(ctx context.Context, pages int) (int, error) {
		return activityscope.Run(ctx, func(ctx context.Context) (int, error) {
			for page := range pages {
				if err := ctx.Err(); err != nil {
					return page, err
				}
				activityscope.Heartbeat(ctx, page)
			}
			return pages, nil
		})
	}, activity.RegisterOptions{Name: "copy"})
	value, err := env.ExecuteActivity("copy", 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	var pages int
	fmt.Println(value.Get(&pages), pages)
	// Output: <nil> 3
}

// Progress, for the next attempt.
func ExampleHeartbeat() {
	env := environment(context.Background())
	env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
		var page int
		if details.HasValues() && details.Get(&page) == nil {
			fmt.Println("page", page)
		}
	})
	env.RegisterActivityWithOptions(func(ctx context.Context) error {
		activityscope.Heartbeat(ctx, 1)
		return nil
	}, activity.RegisterOptions{Name: "copy"})
	_, err := env.ExecuteActivity("copy")
	fmt.Println(err)
	// Output:
	// page 1
	// <nil>
}

// Clean-up that depends on whether the activity will be tried again.
func ExampleWhy() {
	cleanUp := func(ctx context.Context) string {
		switch activityscope.Why(ctx) {
		case activityscope.ByWorker, activityscope.ByPause, activityscope.ByReset:
			return "keep what is done for the next attempt"
		default:
			return "undo what is done"
		}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(worker.ErrWorkerShutdown)
	fmt.Println(cleanUp(ctx))
	// Output: keep what is done for the next attempt
}
