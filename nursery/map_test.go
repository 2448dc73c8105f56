package nursery_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

func TestMapKeepsTheOrder(t *testing.T) {
	for _, limit := range []int{1, 2, 9, 1000} {
		for _, count := range []int{0, 1, 7, 8, 9, 25, 300} {
			inBubble(t, fmt.Sprintf("limit %d, %d items", limit, count), func(t *testing.T) {
				got, err := nursery.Map(t.Context(), limit, upTo(count), func(ctx context.Context, item int) (string, error) {
					// The later, the sooner, as far as the limit allows.
					return strconv.Itoa(item), deadline.Sleep(ctx, time.Duration(count-item)*time.Second)
				})
				checkShape(t, "Map", err, "nil")
				if len(got) != count {
					t.Fatalf("Map of %d items: %d results", count, len(got))
				}
				for i, s := range got {
					if s != strconv.Itoa(i) {
						t.Fatalf("result %d of Map = %q, want %q", i, s, strconv.Itoa(i))
					}
				}
			})
		}
	}
}

func TestMapGivesTheBeginningOnFailure(t *testing.T) {
	inBubble(t, "an item fails", func(t *testing.T) {
		got, err := nursery.Map(t.Context(), 4, upTo(100), func(ctx context.Context, item int) (int, error) {
			switch item {
			case 20:
				return 20, stubborn(errBang)(ctx) // a value beside an error is none
			case 23:
				return 0, failing(2*time.Second, errBoom)(ctx)
			}
			return item, deadline.Sleep(ctx, time.Second)
		})
		checkShape(t, "Map", err, "[item 23=boom item 20=bang]")
		want := make([]int, 20) // 21 and 22 have results, but 20 has none
		for i := range want {
			want[i] = i
		}
		if !slices.Equal(got, want) {
			t.Errorf("Map = %v, want 0 to 19", got)
		}
	})
	inBubble(t, "the first item fails", func(t *testing.T) {
		got, err := nursery.Map(t.Context(), 4, upTo(100), func(ctx context.Context, item int) (int, error) {
			if item == 0 {
				return 0, failing(time.Minute, errBoom)(ctx)
			}
			return item, deadline.Sleep(ctx, time.Second)
		})
		checkShape(t, "Map", err, "[item 0=boom]")
		if len(got) != 0 {
			t.Errorf("Map = %v, want nothing before item 0", got)
		}
	})
	inBubble(t, "the time is up", func(t *testing.T) {
		var got []int
		expired, err := deadline.MoveOnAfter(t.Context(), 3500*time.Millisecond, func(ctx context.Context) (err error) {
			got, err = nursery.Map(ctx, 2, upTo(100), func(ctx context.Context, item int) (int, error) {
				return item * item, deadline.Sleep(ctx, time.Second)
			})
			checkCanceled(t, "Map", err, cancelscope.ByDeadline)
			return err
		})
		if want := []int{0, 1, 4, 9, 16, 25}; !expired || err != nil || !slices.Equal(got, want) {
			t.Errorf("Map in MoveOnAfter = %v, expired: %t, %v, want %v, true, nil", got, expired, err, want)
		}
	})
}

func TestMapWithAnItemThatDoesNotReturn(t *testing.T) {
	for _, b := range breaks {
		inBubble(t, b.name, func(t *testing.T) {
			o := outcomeOf(func() error {
				_, err := nursery.Map(t.Context(), 3, upTo(10), func(ctx context.Context, item int) (int, error) {
					if item == 5 {
						b.do()
					}
					return item, ctx.Err()
				})
				return err
			})
			b.check(t, "Map", o, 5)
		})
	}
	inBubble(t, "the sequence panics", func(t *testing.T) {
		o := outcomeOf(func() error {
			_, err := nursery.Map(t.Context(), 3, func(func(int) bool) { panickingSequence() }, func(context.Context, int) (int, error) { return 0, nil })
			return err
		})
		raisedBy(t, "Map", o, "sequence", "bad sequence", "panickingSequence")
	})
}

// Results are written where they stay, without the lock of anybody, while more are added.
func TestMapOutsideABubble(t *testing.T) {
	for _, limit := range []int{1, 2, 8, 100} {
		got, err := nursery.Map(t.Context(), limit, upTo(20_000), func(_ context.Context, item int) (int, error) {
			if item%100 == 0 {
				runtime.Gosched()
			}
			return -item, nil
		})
		checkShape(t, "Map", err, "nil")
		for i, v := range got {
			if v != -i {
				t.Fatalf("limit %d: result %d of Map = %d, want %d", limit, i, v, -i)
			}
		}
		if len(got) != 20_000 {
			t.Fatalf("limit %d: Map gives %d results, want 20000", limit, len(got))
		}
	}
}
