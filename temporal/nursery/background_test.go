package nursery_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/nursery"
)

// Background tasks end after all others, however those end.
func TestBackgroundEndsLast(t *testing.T) {
	for _, test := range []struct {
		name string
		task func(ctx workflow.Context) error
		end  func(outer *cancelscope.Scope, n *nursery.Nursery) // after a second
		ends time.Duration                                      // of the ordinary task, which cleans up for a minute
		want string
	}{
		{"success", sleeps(time.Hour), func(*cancelscope.Scope, *nursery.Nursery) {}, time.Hour, ""},
		{"failure", fails(time.Hour, errReal), func(*cancelscope.Scope, *nursery.Nursery) {}, time.Hour, "task: real"},
		{"the nursery is canceled", sleeps(time.Hour), func(_ *cancelscope.Scope, n *nursery.Nursery) { n.Scope().Cancel(nil) }, time.Second, ""},
		{"canceled from outside", sleeps(time.Hour), func(outer *cancelscope.Scope, _ *nursery.Nursery) { outer.Cancel(nil) }, time.Second, ""},
		{"a deadline outside", sleeps(time.Hour), func(outer *cancelscope.Scope, _ *nursery.Nursery) { outer.SetTimeout(0) }, time.Second, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			inWorkflow(t, func(ctx workflow.Context) {
				start := workflow.Now(ctx)
				var order []string
				var outer cancelscope.Scope
				err := outer.Run(ctx, func(ctx workflow.Context) error {
					return run(ctx, func(ctx workflow.Context, n *nursery.Nursery) {
						for _, name := range []string{"metrics", "log"} {
							n.Background(name, func(ctx workflow.Context) error {
								err := forever(ctx)
								order = append(order, fmt.Sprint(name, " ", workflow.Now(ctx).Sub(start)))
								return err
							})
						}
						n.GoNamed("task", func(ctx workflow.Context) error {
							err := test.task(ctx)
							stubborn(ctx, time.Minute)
							order = append(order, "task")
							return err
						})
						if got := n.Running(); got != 3 {
							t.Errorf("Running = %d, want 3", got)
						}
						stubborn(ctx, time.Second)
						test.end(&outer, n)
					})
				})
				end := test.ends + time.Minute
				want := fmt.Sprintf("[task metrics %v log %v]", end, end)
				if got := fmt.Sprint(order); got != want {
					t.Errorf("the tasks ended in the order %s, want %s", got, want)
				}
				if text(err) != test.want {
					t.Errorf("Run = %q, want %q", text(err), test.want)
				}
			})
		})
	}
}

// The failure of a background task cancels the nursery.
func TestBackgroundFails(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		start := workflow.Now(ctx)
		err := run(ctx, func(ctx workflow.Context, n *nursery.Nursery) {
			n.Background("lease", fails(time.Second, errReal))
			n.Go(sleeps(time.Hour))
		})
		if text(err) != "lease: real" || workflow.Now(ctx).Sub(start) != time.Second {
			t.Errorf("Run = %q after %v, want the failure after a second", text(err), workflow.Now(ctx).Sub(start))
		}
	})
}

// Tasks that a background task starts are ordinary; once the background tasks have been canceled,
// later ones are canceled from the start.
func TestBackgroundStartsTasks(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		start := workflow.Now(ctx)
		lateRan := false
		err := run(ctx, func(ctx workflow.Context, n *nursery.Nursery) {
			n.Background("a", func(ctx workflow.Context) error {
				err := forever(ctx)
				n.GoNamed("flush", sleeps(time.Minute))
				late := n.Background("late", func(ctx workflow.Context) error {
					lateRan = true
					return forever(ctx)
				})
				_, _ = late.Join(ctx)
				return err
			})
		})
		if d := workflow.Now(ctx).Sub(start); err != nil || d != time.Minute || !lateRan {
			t.Errorf("Run = %v after %v, late has run: %t, want nil, 1m, true", err, d, lateRan)
		}
	})
}

func TestStartBackground(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		start := workflow.Now(ctx)
		var order []string
		err := run(ctx, func(ctx workflow.Context, n *nursery.Nursery) {
			v, err := nursery.StartBackground(ctx, n, "server", func(ctx workflow.Context, started func(int)) error {
				if err := sleeps(time.Second)(ctx); err != nil {
					return err
				}
				started(7)
				err := forever(ctx)
				order = append(order, "server")
				return err
			})
			if v != 7 || err != nil || workflow.Now(ctx).Sub(start) != time.Second {
				t.Errorf("StartBackground = %d, %v, want 7 after a second", v, err)
			}
			n.Go(func(ctx workflow.Context) error {
				stubborn(ctx, time.Minute)
				order = append(order, "client")
				return nil
			})
			n.Scope().Cancel(nil)
		})
		if got := fmt.Sprint(order); err != nil || got != "[client server]" {
			t.Errorf("Run = %v, ended in the order %s, want [client server]", err, got)
		}
	})
}

// Before started a background task is the caller's; it fails like one of Start.
func TestStartBackgroundFails(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		err := run(ctx, func(ctx workflow.Context, n *nursery.Nursery) {
			_, err := nursery.StartBackground(ctx, n, "x", func(workflow.Context, func(int)) error { return errReal })
			if err != errReal {
				t.Errorf("StartBackground = %v, want the error of the task", err)
			}
			var s cancelscope.Scope
			s.SetTimeout(time.Second)
			_ = s.Run(ctx, func(ctx workflow.Context) error {
				_, err := nursery.StartBackground(ctx, n, "y", func(ctx workflow.Context, _ func(int)) error { return forever(ctx) })
				if !errors.Is(err, s.Cause()) {
					t.Errorf("StartBackground under a deadline = %v, want its cancellation", err)
				}
				return err
			})
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
}
