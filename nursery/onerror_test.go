package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// OnError is called for each failure, in the goroutine of the task, when the others have
// been canceled.
func TestOnError(t *testing.T) {
	for _, kind := range kinds {
		if kind.name == "Start, before started" {
			continue // its error is the caller's
		}
		for _, supervise := range []bool{false, true} {
			bubbletest.Run(t, fmt.Sprintf("%s, supervise %v", kind.name, supervise), func(t *testing.T) {
				var inside context.Context
				calls := 0
				c := nursery.Config{Supervise: supervise, OnError: func(e *nursery.TaskError) {
					calls++
					if e.Err != errBoom || e.Task == "" {
						t.Errorf("OnError(%v of %q), want boom and the name of the task", e.Err, e.Task)
					}
					canceled := !supervise || kind.name == "body"
					if got := inside.Err() != nil; got != canceled {
						t.Errorf("the nursery is canceled when OnError is called: %v, want %v", got, canceled)
					}
				}}
				err := c.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
					inside = ctx
					return kind.run(ctx, n, with(errBoom))
				})
				if calls != 1 || !errors.Is(err, errBoom) {
					t.Errorf("OnError was called %d times, Run = %v; want once, and the failure", calls, err)
				}
			})
		}
	}

	bubbletest.Run(t, "gets what is left without the cancellations", func(t *testing.T) {
		var got []error
		c := nursery.Config{OnError: func(e *nursery.TaskError) { got = append(got, e.Err) }}
		err := c.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				<-ctx.Done()
				return errors.Join(ctx.Err(), errBang)
			})
			n.Go(sleeping(forever))
			n.Scope().Cancel(nil)
			return nil
		})
		if len(got) != 1 || shape(got[0]) != "join(bang)" || err == nil {
			t.Errorf("OnError was called with %v, Run = %v; want the real error once", got, err)
		}
	})

	bubbletest.Run(t, "is not called for a pending Start", func(t *testing.T) {
		c := nursery.Config{OnError: func(e *nursery.TaskError) { t.Errorf("OnError(%v), want no call", e) }}
		err := c.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			_, err := nursery.Start(ctx, n, "", func(context.Context, func(int)) error { return errBoom })
			if err != errBoom {
				t.Errorf("Start = %v, want boom", err)
			}
			return nil
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
}

// Keep bounds what a nursery remembers, and nothing is dropped that OnError has not been
// given.
func TestKeep(t *testing.T) {
	const tasks = 5
	for _, test := range []struct {
		keep, kept int
		text       string
	}{
		{0, 5, "5 tasks failed:\n\ttask 0: error 0\n\ttask 1: error 1\n\ttask 2: error 2\n\ttask 3: error 3\n\ttask 4: error 4"},
		{2, 2, "5 tasks failed:\n\ttask 0: error 0\n\ttask 1: error 1\n\tand 3 more"},
		{-1, 0, "5 tasks failed"},
		{9, 5, "5 tasks failed:\n\ttask 0: error 0\n\ttask 1: error 1\n\ttask 2: error 2\n\ttask 3: error 3\n\ttask 4: error 4"},
	} {
		bubbletest.Run(t, fmt.Sprintf("Keep %d", test.keep), func(t *testing.T) {
			var given atomic.Int64
			c := nursery.Config{Supervise: true, Keep: test.keep, OnError: func(*nursery.TaskError) { given.Add(1) }}
			err := c.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
				for i := range tasks {
					n.GoNamed(fmt.Sprintf("task %d", i), failing(time.Duration(i)*time.Second, fmt.Errorf("error %d", i)))
				}
				return nil
			})
			var all *nursery.Error
			if !errors.As(err, &all) || len(all.Unwrap()) != test.kept || all.Dropped() != tasks-test.kept || given.Load() != tasks {
				t.Fatalf("Run = %v (%T), OnError was given %d; want %d failures kept, %d dropped, %d given",
					err, err, given.Load(), test.kept, tasks-test.kept, tasks)
			}
			if got := err.Error(); got != test.text {
				t.Errorf("Error() =\n%s\nwant\n%s", got, test.text)
			}
		})
	}

	bubbletest.Run(t, "one failure that is not kept", func(t *testing.T) {
		c := nursery.Config{Keep: -1, OnError: func(*nursery.TaskError) {}}
		err := c.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.Go(with(errBoom))
			return nil
		})
		if err == nil || err.Error() != "1 task failed" || nursery.First(err) != err {
			t.Errorf("Run = %v, First = %v, want an error that only counts", err, nursery.First(err))
		}
		// It is real to the scopes around it.
		s := new(cancelscope.Scope)
		err = s.Run(t.Context(), func(context.Context) error { s.Cancel(nil); return err })
		if err == nil || s.CanceledCaught() {
			t.Errorf("canceled scope around an error without members = %v, CanceledCaught %v; want the error, false", err, s.CanceledCaught())
		}
	})

	for _, c := range []nursery.Config{{Keep: -1}, {Keep: 3}} {
		bubbletest.CheckPanics(t, fmt.Sprintf("Config{Keep: %d}.Run", c.Keep), "nursery: Config.Keep without OnError would lose failures: ", func() {
			c.Run(t.Context(), func(context.Context, *nursery.Nursery) error { return nil })
		})
	}
	bubbletest.CheckPanics(t, "Config{Keep: -2}.Run", "nursery: Config.Keep is -2: ", func() {
		nursery.Config{Keep: -2, OnError: func(*nursery.TaskError) {}}.Run(t.Context(), func(context.Context, *nursery.Nursery) error { return nil })
	})
}

// A supervised nursery with OnError and Keep -1 does not grow while its tasks fail.
func TestKeepNoneIsConstantMemory(t *testing.T) {
	given := 0
	var mu sync.Mutex
	c := nursery.Config{Supervise: true, Keep: -1, Panics: nursery.ConvertPanics, OnError: func(*nursery.TaskError) {
		mu.Lock()
		given++
		mu.Unlock()
	}}
	err := c.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
		// All tasks of a round run at once, so that the goroutines, whose memory the
		// runtime keeps, are the same number in each.
		round := func(tasks int) {
			var started sync.WaitGroup
			started.Add(tasks)
			for range tasks {
				n.Go(func(context.Context) error {
					started.Done()
					started.Wait()
					return fmt.Errorf("error: %s", strings.Repeat("x", 1000))
				})
			}
			for n.Running() > 0 {
				runtime.Gosched()
			}
		}
		heap := func() uint64 {
			var m runtime.MemStats
			for range 2 {
				runtime.GC()
			}
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		round(5000)
		before := heap()
		round(5000) // 5 MB of texts
		if after := heap(); after > before+1<<20 {
			t.Errorf("heap before 5000 failures: %d bytes, after: %d; want as before", before, after)
		}
		return nil
	})
	var all *nursery.Error
	if !errors.As(err, &all) || all.Dropped() != 10_000 || given != 10_000 {
		t.Errorf("Run = %v, given %d, want 10000 dropped and given", err, given)
	}
}
