package tasktree_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree"
)

// A shutdown that hangs is watched, because Watch is a background task.
func TestWatchShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer tasktree.Record()()
		var r reports
		ctx, shutDown := context.WithCancel(t.Context())
		err := nursery.Config{Name: "program"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Background("watch", func(ctx context.Context) error {
				return tasktree.Watch(ctx, tasktree.WatchOptions{Report: r.add})
			})
			n.GoNamed("deaf", func(context.Context) error { time.Sleep(time.Minute); return nil })
			shutDown()
			return nil
		})
		if err != nil && !cancelscope.IsCancellation(ctx, err) {
			t.Errorf("the program returned %v", err)
		}
		r.expect(t, "after a shutdown that took a minute", "canceled program")
		if s := r.list()[0]; len(s.Waits) != 1 || s.Waits[0].Name != "deaf" {
			t.Errorf("it waits for %v, want deaf", s)
		}
	})
}

// A stall that ends with the program, between two looks, is reported as over.
func TestWatchEndsWithTheProgram(t *testing.T) {
	var all *reports
	watched(t, tasktree.WatchOptions{Canceled: 10 * time.Second, Every: 25 * time.Minute}, func(t *testing.T, ctx context.Context, n *nursery.Nursery, r *reports) {
		all = r
		task := n.Task("late", func(context.Context) error { time.Sleep(time.Hour); return nil })
		task.Cancel(nil)
		time.Sleep(31 * time.Minute)
		r.expect(t, "while it runs", "canceled late")
	})
	all.expect(t, "in the end", "canceled late", "over canceled late")
	if end := all.list()[1]; end.Lasted != time.Hour {
		t.Errorf("it lasted %v, want an hour", end.Lasted)
	}
}

// Watch returns when its context is done, whatever it was doing, and records only until then.
func TestWatchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error)
		go func() { result <- tasktree.Watch(ctx, tasktree.WatchOptions{}) }()
		time.Sleep(time.Minute)
		if tasktree.Take(tasktree.Options{}).RecordingSince.IsZero() {
			t.Errorf("nothing is recorded while Watch runs")
		}
		cancel()
		if err := <-result; err != context.Canceled {
			t.Errorf("Watch = %v, want the error of its context", err)
		}
		if !tasktree.Take(tasktree.Options{}).RecordingSince.IsZero() {
			t.Errorf("recording is on after Watch")
		}
		if err := tasktree.Watch(ctx, tasktree.WatchOptions{}); err != context.Canceled {
			t.Errorf("Watch with a context that is done = %v", err)
		}
	})
}

// A report begins with a context that is not done, also if Watch ends while a report before it
// runs. If Watch ends at the moment of a look, what is over is reported once; whether the context
// ends during the report is not known then.
func TestWatchReportsWithALivingContext(t *testing.T) {
	for _, c := range []struct {
		name   string
		slow   time.Duration // how long a report takes
		rounds int           // a look and the end are in any order
	}{
		{"at a look", 0, 20},
		{"in a report", time.Minute, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range c.rounds {
				synctest.Test(t, func(t *testing.T) {
					defer tasktree.Record()()
					ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
					defer cancel()
					over := 0
					nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
						for range 2 {
							n.Task("stuck", func(context.Context) error { time.Sleep(29500 * time.Millisecond); return nil }).Cancel(nil)
						}
						tasktree.Watch(ctx, tasktree.WatchOptions{Every: time.Second, Report: func(ctx context.Context, s *tasktree.Stall) {
							if c.slow > 0 && ctx.Err() != nil {
								t.Errorf("a report begins with a context that is done: %v", s)
							}
							if s.Over {
								over++
							}
							time.Sleep(c.slow)
						}})
						return nil
					})
					if over != 2 {
						t.Errorf("%d stalls were reported as over, want 2", over)
					}
				})
			}
		})
	}
}

// A report that takes long does not put off the next look beyond that.
func TestWatchSlowReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer tasktree.Record()()
		begin := time.Now()
		var at []time.Duration
		nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Background("watch", func(ctx context.Context) error {
				return tasktree.Watch(ctx, tasktree.WatchOptions{Every: time.Second, Report: func(context.Context, *tasktree.Stall) {
					at = append(at, time.Since(begin))
					time.Sleep(time.Minute)
				}})
			})
			for range 2 {
				n.Task("stuck", func(context.Context) error { time.Sleep(5 * time.Minute); return nil }).Cancel(nil)
				time.Sleep(5 * time.Second)
			}
			return nil
		})
		if len(at) < 2 || at[0] != 10*time.Second || at[1] != 71*time.Second {
			t.Errorf("the reports were at %v, want the first after 10s, and the second a second after the minute of the first", at)
		}
	})
}

// A scope under a standard context may notice its cancellation long after it. The stall that has
// been reported before is not over then, and is not reported again.
func TestWatchScopeThatNoticesLate(t *testing.T) {
	outside, cancel := context.WithCancel(context.Background())
	defer cancel()
	var all *reports
	watched(t, tasktree.WatchOptions{}, func(t *testing.T, _ context.Context, n *nursery.Nursery, r *reports) {
		all = r
		n.GoNamed("host", func(context.Context) error {
			s := cancelscope.Scope{Name: "deaf"}
			return s.Run(outside, func(ctx context.Context) error {
				time.Sleep(20 * time.Second)
				_ = ctx.Err()
				time.Sleep(20 * time.Second)
				return nil
			})
		})
		time.Sleep(time.Second)
		cancel()
		time.Sleep(34 * time.Second)
		r.expect(t, "when it has noticed", "canceled deaf")
	})
	all.expect(t, "in the end", "canceled deaf", "over canceled deaf")
}
