package nursery_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"
	"weak"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

func TestMapKeepsTheOrder(t *testing.T) {
	for _, limit := range []int{1, 2, 9, 1000} {
		for _, count := range []int{0, 1, 7, 8, 9, 25, 300} {
			bubbletest.Run(t, fmt.Sprintf("limit %d, %d items", limit, count), func(t *testing.T) {
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
	bubbletest.Run(t, "an item fails", func(t *testing.T) {
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
	bubbletest.Run(t, "the first item fails", func(t *testing.T) {
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
	bubbletest.Run(t, "the time is up", func(t *testing.T) {
		var got []int
		expired, err := deadline.MoveOnAfter(t.Context(), 3500*time.Millisecond, func(ctx context.Context) (err error) {
			got, err = nursery.Map(ctx, 2, upTo(100), func(ctx context.Context, item int) (int, error) {
				return item * item, deadline.Sleep(ctx, time.Second)
			})
			bubbletest.CheckCanceled(t, "Map", err, cancelscope.ByDeadline)
			return err
		})
		if want := []int{0, 1, 4, 9, 16, 25}; !expired || err != nil || !slices.Equal(got, want) {
			t.Errorf("Map in MoveOnAfter = %v, expired: %t, %v, want %v, true, nil", got, expired, err, want)
		}
	})
}

func TestMapWithAnItemThatDoesNotReturn(t *testing.T) {
	for _, b := range breaks {
		bubbletest.Run(t, b.name, func(t *testing.T) {
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
	bubbletest.Run(t, "the sequence panics", func(t *testing.T) {
		o := outcomeOf(func() error {
			_, err := nursery.Map(t.Context(), 3, func(func(int) bool) { panickingSequence() }, func(context.Context, int) (int, error) { return 0, nil })
			return err
		})
		raisedBy(t, "Map", o, "sequence", "bad sequence", "panickingSequence")
	})
}

// Results are written where they stay, without a lock, while more are added.
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

// The results that Map drops are not kept by those that it returns.
func TestMapLetsDroppedResultsGo(t *testing.T) {
	type value [100]byte // too large for a block that others share
	calls := map[string]func(fn func(ctx context.Context, item int) (*value, error)) ([]*value, error){
		"slice": func(fn func(ctx context.Context, item int) (*value, error)) ([]*value, error) {
			return nursery.Map(t.Context(), 2, numbers(3), fn)
		},
		"sequence": func(fn func(ctx context.Context, item int) (*value, error)) ([]*value, error) {
			return nursery.Map(t.Context(), 2, upTo(3), fn)
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			var gone weak.Pointer[value]
			dropped := make(chan struct{})
			got, err := call(func(ctx context.Context, item int) (*value, error) {
				if item == 1 {
					<-dropped
					return nil, errBoom
				}
				v := new(value)
				if item == 2 {
					gone = weak.Make(v)
					defer close(dropped)
				}
				return v, nil
			})
			checkShape(t, "Map", err, "[item 1=boom]")
			if len(got) != 1 || cap(got) != 1 {
				t.Errorf("Map: %d results with room for %d, want 1, 1", len(got), cap(got))
			}
			for range 10 {
				if runtime.GC(); gone.Value() == nil {
					break
				}
			}
			if gone.Value() != nil {
				t.Error("the result of an item after the one that failed is kept")
			}
			runtime.KeepAlive(got)
		})
	}
}
