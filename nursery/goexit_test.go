package nursery_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// exiting is a task that calls runtime.Goexit.
func exiting(context.Context) error {
	runtime.Goexit()
	return nil
}

func TestGoexit(t *testing.T) {
	policies := []struct {
		name   string
		config nursery.Config
		want   func(v victim) string
	}{
		{"propagated", nursery.Config{}, func(victim) string { return "Goexit" }},
		{"crash", nursery.Config{Panics: nursery.CrashOnPanic}, func(victim) string { return "Goexit" }},
		{"supervised", nursery.Config{Supervise: true}, func(victim) string { return "Goexit" }},
		{"converted", nursery.Config{Panics: nursery.ConvertPanics}, func(v victim) string {
			if v.name == "body" {
				return "Goexit" // nothing can stop it
			}
			return "[" + v.name + "=" + nursery.ErrGoexit.Error() + "]"
		}},
	}
	for _, policy := range policies {
		for _, v := range victims {
			bubbletest.Run(t, policy.name+", "+v.name, func(t *testing.T) {
				o := runVictim(t, policy.config, v, exiting)
				if got, want := o.String(), policy.want(v); got != want {
					t.Errorf("Run: %s, want %s", got, want)
				}
				if o.err != nil && !errors.Is(o.err, nursery.ErrGoexit) {
					t.Errorf("errors.Is(%v, ErrGoexit) = false, want true", o.err)
				}
			})
		}
	}
}

func TestGoexitBeforeStarted(t *testing.T) {
	early := func(t *testing.T, c nursery.Config) (start, run outcome) {
		run = outcomeOf(func() error {
			return c.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				start = outcomeOf(func() error {
					_, err := nursery.Start(ctx, n, "", func(ctx context.Context, _ func(int)) error {
						return afterASecond(ctx, exiting)
					})
					return err
				})
				return ctx.Err()
			})
		})
		return start, run
	}
	bubbletest.Run(t, "propagated", func(t *testing.T) {
		if start, run := early(t, nursery.Config{}); !start.exited || run != (outcome{}) {
			t.Errorf("Start of a task that exits: %v, Run: %v, want Goexit, nil", start, run)
		}
	})
	bubbletest.Run(t, "crash", func(t *testing.T) {
		if start, run := early(t, nursery.Config{Panics: nursery.CrashOnPanic}); !start.exited || run != (outcome{}) {
			t.Errorf("Start of a task that exits: %v, Run: %v, want Goexit, nil", start, run)
		}
	})
	bubbletest.Run(t, "converted", func(t *testing.T) {
		if start, run := early(t, nursery.Config{Panics: nursery.ConvertPanics}); start.err != nursery.ErrGoexit || run != (outcome{}) {
			t.Errorf("Start of a task that exits: %v, Run: %v, want %v, nil", start, run, nursery.ErrGoexit)
		}
	})
	bubbletest.Run(t, "ends the body that called Start", func(t *testing.T) {
		start := time.Now()
		ended := false
		o := outcomeOf(func() error {
			return nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error {
					<-ctx.Done()
					time.Sleep(time.Second)
					ended = true
					return nil
				})
				_, err := nursery.Start(ctx, n, "", func(ctx context.Context, _ func(int)) error { return exiting(ctx) })
				t.Errorf("Start of a task that exits = %v, want no return", err)
				return nil
			})
		})
		bubbletest.CheckElapsed(t, "Run", start, time.Second)
		if !o.exited || !ended {
			t.Errorf("Run: %v, the sibling ended: %v, want Goexit, true", o, ended)
		}
	})
}

func TestGoexitInATaskWithAHandle(t *testing.T) {
	bubbletest.Run(t, "is the error of the task", func(t *testing.T) {
		var task *nursery.Task[int]
		o := outcomeOf(func() error {
			return nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
				task = nursery.Spawn(n, "", func(ctx context.Context) (int, error) { return 3, exiting(ctx) })
				return nil
			})
		})
		if v, err := task.Result(); v != 0 || err != nursery.ErrGoexit || !o.exited {
			t.Errorf("Result of a task that exits = %d, %v, Run: %v, want 0, %v, Goexit", v, err, o, nursery.ErrGoexit)
		}
	})
}

func TestPanicIsWorseThanGoexit(t *testing.T) {
	for _, v := range victims {
		bubbletest.Run(t, v.name+" exits", func(t *testing.T) {
			o := outcomeOf(func() error {
				return nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
					n.GoNamed("panics", func(ctx context.Context) error {
						<-ctx.Done()
						panic("bad")
					})
					return v.run(ctx, n, exiting)
				})
			})
			if p, ok := o.panicked.(*nursery.PanicError); !ok || p.Task != "panics" {
				t.Errorf("Run in which %s exits and then a task panics: %v, want the panic", v.name, o)
			}
		})
	}
}

// Goexit is what ends a test at once.
func TestGoexitOfTheTestingPackage(t *testing.T) {
	after := false
	var inner *testing.T
	t.Run("in a task", func(t *testing.T) {
		inner = t
		nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error {
				t.Skip("this is what the test around is about")
				return nil
			})
			return nil
		})
		after = true
	})
	if !inner.Skipped() || after {
		t.Errorf("a test with t.Skip in a task: skipped %v, statements after Run ran: %v, want true, false", inner.Skipped(), after)
	}
}
