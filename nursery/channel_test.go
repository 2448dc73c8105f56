package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// filled is a channel with the numbers from 0 to before count in it.
func filled(count int) chan int {
	c := make(chan int, count)
	for i := range count {
		c <- i
	}
	return c
}

func TestForEachOverAChannel(t *testing.T) {
	bubbletest.Run(t, "ends when the channel is closed", func(t *testing.T) {
		c := filled(30)
		close(c)
		var sum atomic.Int64
		err := nursery.ForEach(t.Context(), 3, c, func(_ context.Context, item int) error {
			sum.Add(int64(item))
			return nil
		})
		checkShape(t, "ForEach", err, "nil")
		if sum.Load() != 435 {
			t.Errorf("sum of what was received: %d, want 435", sum.Load())
		}
	})
	bubbletest.Run(t, "is canceled when the context is done", func(t *testing.T) {
		for _, c := range []chan int{filled(3), nil} { // from a nil channel nothing comes, and no end
			start := time.Now()
			expired, err := deadline.MoveOnAfter(t.Context(), time.Second, func(ctx context.Context) error {
				err := nursery.ForEach(ctx, 3, c, func(context.Context, int) error { return nil })
				bubbletest.CheckCanceled(t, "ForEach", err, cancelscope.ByDeadline)
				return err
			})
			if !expired || err != nil {
				t.Errorf("MoveOnAfter(ForEach) = %t, %v, want true, nil", expired, err)
			}
			bubbletest.CheckElapsed(t, "ForEach", start, time.Second)
			if len(c) != 0 {
				t.Errorf("%d elements have not been received, want 0", len(c))
			}
		}
	})
	bubbletest.Run(t, "takes nothing once the context is done", func(t *testing.T) {
		for range 50 { // a select takes either of two that are ready
			ctx, cancel := context.WithCancel(t.Context())
			c := filled(5)
			err := nursery.ForEach(ctx, 1, c, func(context.Context, int) error { cancel(); return nil })
			bubbletest.CheckCanceled(t, "ForEach", err, cancelscope.ByParent)
			if len(c) != 4 {
				t.Errorf("%d elements are left after a cancellation with the first of 5, want 4", len(c))
			}
			cancel() // which vet does not see above
		}
	})
	bubbletest.Run(t, "takes nothing once the loop has canceled", func(t *testing.T) {
		// With one processor what has been admitted does not run before the loop waits.
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		for range 50 {
			var s cancelscope.Scope
			c := filled(5)
			given, left := 0, 0
			err := s.Run(t.Context(), func(ctx context.Context) error {
				for _, err := range nursery.MapSeq(ctx, 1, c, identity[int]) {
					if err != nil {
						return err
					}
					if given++; given == 1 {
						s.Cancel(nil)
						left = len(c)
					}
				}
				return nil
			})
			checkShape(t, "Run", err, "nil")
			if len(c) != left {
				t.Fatalf("%d elements are left, and there were %d when the loop canceled, want the same", len(c), left)
			}
		}
	})
	bubbletest.Run(t, "takes no more than it gives", func(t *testing.T) {
		c := filled(5)
		err := nursery.ForEach(t.Context(), 2, c, func(ctx context.Context, item int) error {
			if item == 0 {
				return sleeping(forever)(ctx)
			}
			synctest.Wait() // item 0 sleeps
			return errBoom
		})
		checkShape(t, "ForEach", err, "[item 1=boom]")
		if len(c) != 3 {
			t.Errorf("%d elements are left after two of 5, want 3", len(c))
		}
	})
	bubbletest.Run(t, "gives what it has received to the function", func(t *testing.T) {
		for range 50 {
			var s cancelscope.Scope
			c := make(chan int)
			got := 0
			sent := 0
			go func() {
				defer close(c)
				for i := range 3 {
					if i == 2 {
						s.Cancel(nil) // while the receiver waits
					}
					select {
					case c <- i:
						sent++
					case <-time.After(time.Second):
					}
				}
			}()
			err := s.Run(t.Context(), func(ctx context.Context) error {
				return nursery.ForEach(ctx, 1, c, func(context.Context, int) error { got++; return nil })
			})
			checkShape(t, "Run", err, "nil")
			synctest.Wait() // the sender waits for its time to pass, or has ended
			if got != sent {
				t.Fatalf("%d elements were sent and %d given to the function, want the same", sent, got)
			}
			time.Sleep(time.Second)
		}
	})
}

// A failure, and the end of the loop, wake what waits for the channel.
func TestAChannelThatPausesDoesNotDelayAFailure(t *testing.T) {
	paused := func(t *testing.T) chan int {
		c := filled(1)
		t.Cleanup(func() { close(c) })
		return c
	}
	fail := func(context.Context, int) (int, error) { return 0, errBoom }
	for _, limit := range []int{1, 2, 10, nursery.NoLimit} {
		for _, call := range []struct {
			name string
			do   func(ctx context.Context, c chan int) error
		}{
			{"ForEach", func(ctx context.Context, c chan int) error {
				return nursery.ForEach(ctx, limit, c, func(context.Context, int) error { return errBoom })
			}},
			{"Map", func(ctx context.Context, c chan int) error {
				_, err := nursery.Map(ctx, limit, c, fail)
				return err
			}},
			{"MapSeq", func(ctx context.Context, c chan int) error {
				_, err := collect(t, nursery.MapSeq(ctx, limit, c, fail))
				return err
			}},
			{"MapUnordered", func(ctx context.Context, c chan int) error {
				_, err := collect(t, nursery.MapUnordered(ctx, limit, c, fail))
				return err
			}},
			{"ForEach, receive function", func(ctx context.Context, c chan int) error {
				return nursery.ForEach(ctx, limit, func(ctx context.Context) (int, error) {
					select {
					case v := <-c:
						return v, nil
					case <-ctx.Done():
						return 0, ctx.Err()
					}
				}, func(context.Context, int) error { return errBoom })
			}},
		} {
			bubbletest.Run(t, fmt.Sprintf("%s, limit %d", call.name, limit), func(t *testing.T) {
				start := time.Now()
				checkShape(t, call.name, call.do(t.Context(), paused(t)), "[item 0=boom]")
				bubbletest.CheckElapsed(t, call.name, start, 0)
			})
		}
		bubbletest.Run(t, fmt.Sprintf("the loop of MapSeq is left, limit %d", limit), func(t *testing.T) {
			start := time.Now()
			for range nursery.MapSeq(t.Context(), limit, paused(t), func(_ context.Context, item int) (int, error) { return item, nil }) {
				break
			}
			bubbletest.CheckElapsed(t, "the loop", start, 0)
		})
	}
}

// A sender that is canceled closes its channel, as it should. That looks like the end of
// the items, and must not pass for one: here the limit would be swallowed, and what was not
// sent would be lost in silence.
func TestALimitThatClosesTheChannelIsReported(t *testing.T) {
	bubbletest.Run(t, "in FailAfter", func(t *testing.T) {
		done := 0
		err := deadline.FailAfter(t.Context(), 10500*time.Millisecond, func(ctx context.Context) error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				c := make(chan int)
				n.Go(func(ctx context.Context) error {
					defer close(c)
					for i := range 100 {
						select {
						case c <- i:
						case <-ctx.Done():
							return nil // does not say why it ended
						}
					}
					return nil
				})
				return nursery.ForEach(ctx, 1, c, func(ctx context.Context, item int) error {
					done++
					time.Sleep(time.Second) // does not look at the context either
					return nil
				})
			})
		})
		var slow *deadline.TooSlowError
		if !errors.As(err, &slow) {
			t.Errorf("FailAfter(Run(ForEach)) = %v, want a TooSlowError", err)
		}
		if done != 11 {
			t.Errorf("%d items of 1s done within 10.5s, want 11", done)
		}
	})
}
