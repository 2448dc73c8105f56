package nursery_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

func TestFromChan(t *testing.T) {
	filled := func(count int) chan int {
		c := make(chan int, count)
		for i := range count {
			c <- i
		}
		return c
	}
	inBubble(t, "ends when the channel is closed", func(t *testing.T) {
		c := filled(3)
		close(c)
		if got := slices.Collect(nursery.FromChan(t.Context(), c)); !slices.Equal(got, []int{0, 1, 2}) {
			t.Errorf("FromChan = %v, want [0 1 2]", got)
		}
	})
	inBubble(t, "ends when the context is done", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if got := slices.Collect(nursery.FromChan(ctx, filled(3))); !slices.Equal(got, []int{0, 1, 2}) {
			t.Errorf("FromChan = %v, want [0 1 2]", got)
		}
		checkElapsed(t, "FromChan", start, time.Second)
	})
	inBubble(t, "takes nothing once the context is done", func(t *testing.T) {
		for range 50 { // a select takes either of two that are ready
			ctx, cancel := context.WithCancel(t.Context())
			c := filled(5)
			for range nursery.FromChan(ctx, c) {
				cancel()
			}
			if len(c) != 4 {
				t.Errorf("%d elements are left after a cancellation with the first of 5, want 4", len(c))
			}
			cancel() // which vet does not see above
		}
	})
	inBubble(t, "takes no more than it gives", func(t *testing.T) {
		c := filled(5)
		for range nursery.FromChan(t.Context(), c) {
			break
		}
		if len(c) != 4 {
			t.Errorf("%d elements are left after one of 5, want 4", len(c))
		}
	})
}

func TestFromChanInForEach(t *testing.T) {
	inBubble(t, "closed", func(t *testing.T) {
		c := make(chan int)
		var sum int
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				defer close(c)
				for i := range 10 {
					c <- i
				}
				return nil
			})
			return nursery.ForEach(ctx, 1, nursery.FromChan(ctx, c), func(_ context.Context, item int) error {
				sum += item
				return nil
			})
		})
		checkShape(t, "Run", err, "nil")
		if sum != 45 {
			t.Errorf("sum of what was received: %d, want 45", sum)
		}
	})
	inBubble(t, "canceled", func(t *testing.T) {
		expired, err := deadline.MoveOnAfter(t.Context(), time.Second, func(ctx context.Context) error {
			err := nursery.ForEach(ctx, 3, nursery.FromChan(ctx, make(chan int)), func(context.Context, int) error { return nil })
			checkCanceled(t, "ForEach", err, cancelscope.ByDeadline)
			return err
		})
		if !expired || err != nil {
			t.Errorf("MoveOnAfter(ForEach) = %t, %v, want true, nil", expired, err)
		}
	})
	inBubble(t, "a context of its own", func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		c := make(chan int)
		go func() {
			c <- 1
			synctest.Wait() // ForEach waits for the next element
			stop()
		}()
		done := 0
		err := nursery.ForEach(t.Context(), 3, nursery.FromChan(ctx, c), func(context.Context, int) error { done++; return nil })
		checkShape(t, "ForEach over what ends by itself", err, "nil")
		if done != 1 {
			t.Errorf("%d items done, want 1", done)
		}
	})
	inBubble(t, "a failure waits for the next element", func(t *testing.T) {
		start := time.Now()
		c := make(chan int)
		go func() {
			c <- 1
			time.Sleep(time.Minute)
			close(c)
		}()
		err := nursery.ForEach(t.Context(), 3, nursery.FromChan(t.Context(), c), func(context.Context, int) error { return errBoom })
		checkShape(t, "ForEach", err, "[item 0=boom]")
		checkElapsed(t, "ForEach", start, time.Minute)
	})
}

func TestMisuseOfCombinators(t *testing.T) {
	ctx := t.Context()
	fn := func(context.Context, int) error { return nil }
	fnr := func(context.Context, int) (int, error) { return 0, nil }
	f := func(context.Context) (int, error) { return 0, nil }
	for _, c := range []struct {
		call, want string
		f          func()
	}{
		{"ForEach(nil, 1, seq, fn)", "nursery: ForEach with a nil context: pass ", func() { _ = nursery.ForEach(noContext, 1, upTo(0), fn) }},
		{"ForEach(ctx, 1, nil, fn)", "nursery: ForEach with a nil sequence: pass ", func() { _ = nursery.ForEach(ctx, 1, nil, fn) }},
		{"ForEach(ctx, 1, seq, nil)", "nursery: ForEach with a nil function: ", func() { _ = nursery.ForEach(ctx, 1, upTo(0), nil) }},
		{"ForEach(ctx, 0, seq, fn)", "nursery: ForEach with a limit of 0: pass ", func() { _ = nursery.ForEach(ctx, 0, upTo(0), fn) }},
		{"ForEach(ctx, -7, seq, fn)", "nursery: ForEach with a limit of -7: pass ", func() { _ = nursery.ForEach(ctx, -7, upTo(0), fn) }},
		{"Map(nil, 1, seq, fn)", "nursery: Map with a nil context: pass ", func() { _, _ = nursery.Map(noContext, 1, upTo(0), fnr) }},
		{"Map(ctx, 1, nil, fn)", "nursery: Map with a nil sequence: pass ", func() { _, _ = nursery.Map(ctx, 1, nil, fnr) }},
		{"Map(ctx, 1, seq, nil)", "nursery: Map with a nil function: ", func() { _, _ = nursery.Map[int, int](ctx, 1, upTo(0), nil) }},
		{"Map(ctx, 0, seq, fn)", "nursery: Map with a limit of 0: pass ", func() { _, _ = nursery.Map(ctx, 0, upTo(0), fnr) }},
		{"MapSeq(nil, 1, seq, fn)", "nursery: MapSeq with a nil context: pass ", func() { nursery.MapSeq(noContext, 1, upTo(0), fnr) }},
		{"MapSeq(ctx, 1, nil, fn)", "nursery: MapSeq with a nil sequence: pass ", func() { nursery.MapSeq(ctx, 1, nil, fnr) }},
		{"MapSeq(ctx, 1, seq, nil)", "nursery: MapSeq with a nil function: ", func() { nursery.MapSeq[int, int](ctx, 1, upTo(0), nil) }},
		{"MapSeq(ctx, 0, seq, fn)", "nursery: MapSeq with a limit of 0: pass ", func() { nursery.MapSeq(ctx, 0, upTo(0), fnr) }},
		{"Race(nil, f)", "nursery: Race with a nil context: pass ", func() { _, _ = nursery.Race(noContext, f) }},
		{"Race(ctx, f, nil)", "nursery: Race with a nil function: ", func() { _, _ = nursery.Race(ctx, f, nil) }},
		{"All(nil, f)", "nursery: All with a nil context: pass ", func() { _, _ = nursery.All(noContext, f) }},
		{"All(ctx, f, nil)", "nursery: All with a nil function: ", func() { _, _ = nursery.All(ctx, f, nil) }},
		{"FromChan(nil, c)", "nursery: FromChan with a nil context: range ", func() { nursery.FromChan(noContext, make(chan int)) }},
	} {
		checkPanics(t, c.call, c.want, c.f)
	}
}
