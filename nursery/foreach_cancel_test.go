package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

func TestForEachUnderCancellation(t *testing.T) {
	forEach := func(ctx context.Context, s *source, fn func(ctx context.Context, item int) error) error {
		return nursery.ForEach(ctx, 3, s.all(), fn)
	}
	sleep := func(ctx context.Context, _ int) error { return deadline.Sleep(ctx, time.Second) }

	bubbletest.Run(t, "passes up what comes from outside", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(1500*time.Millisecond, cancel)
		s := source{count: -1}
		err := forEach(ctx, &s, sleep)
		bubbletest.CheckCanceled(t, "ForEach", err, cancelscope.ByParent)
		if s.pulled.Load() != 6 || !s.over.Load() {
			t.Errorf("%d items pulled, the sequence was stopped: %t, want 6, true", s.pulled.Load(), s.over.Load())
		}
	})
	bubbletest.Run(t, "also if no item says so", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := source{count: -1}
		err := forEach(ctx, &s, func(_ context.Context, item int) error {
			if item == 10 {
				cancel()
			}
			return nil
		})
		bubbletest.CheckCanceled(t, "ForEach", err, cancelscope.ByParent)
	})
	bubbletest.Run(t, "pulls nothing if it comes before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s := source{count: 3}
		err := forEach(ctx, &s, func(context.Context, int) error { t.Error("an item ran"); return nil })
		bubbletest.CheckCanceled(t, "ForEach", err, cancelscope.ByParent)
		if s.pulled.Load() != 0 {
			t.Errorf("%d items pulled under a context that was done, want 0", s.pulled.Load())
		}
	})
	bubbletest.Run(t, "is a success if all items were done", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := source{count: 2}
		err := forEach(ctx, &s, func(_ context.Context, item int) error {
			time.Sleep(time.Second) // by now the third worker has seen the end
			cancel()
			return nil
		})
		checkShape(t, "ForEach", err, "nil")
	})
	bubbletest.Run(t, "goes up beside failures", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		s := source{count: -1}
		err := forEach(ctx, &s, func(ctx context.Context, _ int) error { return stubborn(errBoom)(ctx) })
		checkShape(t, "ForEach", err, "[item 0=boom item 1=boom item 2=boom canceled]", "[item 0=boom item 2=boom item 1=boom canceled]",
			"[item 1=boom item 0=boom item 2=boom canceled]", "[item 1=boom item 2=boom item 0=boom canceled]",
			"[item 2=boom item 0=boom item 1=boom canceled]", "[item 2=boom item 1=boom item 0=boom canceled]")
	})
	for _, limit := range []time.Duration{0, 1500 * time.Millisecond} {
		bubbletest.Run(t, fmt.Sprintf("in MoveOnAfter %v", limit), func(t *testing.T) {
			start := time.Now()
			s := source{count: -1}
			expired, err := deadline.MoveOnAfter(t.Context(), limit, func(ctx context.Context) error { return forEach(ctx, &s, sleep) })
			if !expired || err != nil {
				t.Errorf("MoveOnAfter(%v, ForEach) = %t, %v, want true, nil", limit, expired, err)
			}
			bubbletest.CheckElapsed(t, "ForEach", start, limit)
		})
	}
	bubbletest.Run(t, "in FailAfter", func(t *testing.T) {
		s := source{count: -1}
		err := deadline.FailAfter(t.Context(), time.Minute, func(ctx context.Context) error { return forEach(ctx, &s, sleep) })
		var slow *deadline.TooSlowError
		if !errors.As(err, &slow) {
			t.Errorf("FailAfter(ForEach) = %v, want a TooSlowError", err)
		}
	})
	bubbletest.Run(t, "behind a shield", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s := source{count: 5}
		err := cancelscope.Shield(ctx, 0, func(ctx context.Context) error { return forEach(ctx, &s, sleep) })
		if _, ok := err.(*cancelscope.TooSlowError); !ok { // the limit of the shield is 0
			t.Errorf("Shield(ForEach) = %v, want a TooSlowError", err)
		}
		s = source{count: 5}
		err = cancelscope.Shield(ctx, time.Minute, func(ctx context.Context) error { return forEach(ctx, &s, sleep) })
		checkShape(t, "Shield(ForEach)", err, "nil")
		if s.pulled.Load() != 5 {
			t.Errorf("%d items pulled behind a shield, want 5", s.pulled.Load())
		}
	})
	bubbletest.Run(t, "shields inside an item hold", func(t *testing.T) {
		start := time.Now()
		cleaned := false
		err := nursery.ForEach(t.Context(), 2, upTo(2), func(ctx context.Context, item int) error {
			if item == 1 {
				return errBoom
			}
			return cancelscope.Shield(ctx, time.Minute, func(ctx context.Context) error {
				err := deadline.Sleep(ctx, time.Second)
				cleaned = err == nil
				return err
			})
		})
		checkShape(t, "ForEach", err, "[item 1=boom]")
		bubbletest.CheckElapsed(t, "ForEach", start, time.Second)
		if !cleaned {
			t.Error("the shield of an item did not protect it from the failure of another")
		}
	})
}

// While the sequence blocks, it is canceled only as far as it looks itself; the items
// are canceled all the same.
func TestForEachWithASequenceThatBlocks(t *testing.T) {
	bubbletest.Run(t, "items are canceled at once", func(t *testing.T) {
		start := time.Now()
		var ended time.Duration
		seq := func(yield func(int) bool) {
			if yield(0) && yield(1) {
				time.Sleep(time.Hour)
				yield(2)
			}
		}
		err := nursery.ForEach(t.Context(), 5, seq, func(ctx context.Context, item int) error {
			switch item {
			case 0:
				err := deadline.Sleep(ctx, forever)
				ended = time.Since(start)
				return err
			case 1:
				return failing(time.Second, errBoom)(ctx)
			}
			return ctx.Err()
		})
		checkShape(t, "ForEach", err, "[item 1=boom]")
		bubbletest.CheckElapsed(t, "ForEach, until the sequence gave something", start, time.Hour)
		if ended != time.Second {
			t.Errorf("the other item was canceled after %v, want 1s", ended)
		}
	})
	bubbletest.Run(t, "the others continue", func(t *testing.T) {
		start := time.Now()
		var last atomic.Int64
		seq := func(yield func(int) bool) {
			for i := range 3 {
				if !yield(i) {
					return
				}
			}
			time.Sleep(time.Hour)
		}
		err := nursery.ForEach(t.Context(), 2, seq, func(context.Context, int) error {
			time.Sleep(time.Second)
			last.Store(int64(time.Since(start)))
			return nil
		})
		checkShape(t, "ForEach", err, "nil")
		if got := time.Duration(last.Load()); got != 2*time.Second {
			t.Errorf("three items of 1s, two at a time, before a sequence that blocks took %v, want 2s", got)
		}
	})
}
