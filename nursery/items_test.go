package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/memchan"
	"github.com/trellis-go/trellis/nursery"
)

// numbers are the numbers from 0 to before count.
func numbers(count int) []int { return slices.Collect(upTo(count)) }

// closed is a channel with the numbers from 0 to before count in it, which is closed.
func closed(count int) chan int {
	c := filled(count)
	close(c)
	return c
}

// sources are all kinds of items, each with the calls over the numbers from 0 to before
// count.
var sources = []sourceKind{
	sourceOf("slice", numbers),
	sourceOf("channel", closed),
	sourceOf("receive function", receiving),
	sourceOf("sequence", upTo),
	{
		"ForN",
		func(ctx context.Context, limit, count int, fn func(context.Context, int) error) error {
			return nursery.ForN(ctx, limit, count, fn)
		},
		func(ctx context.Context, limit, count int, fn func(context.Context, int) (int, error)) ([]int, error) {
			out := make([]int, count)
			return out, nursery.ForN(ctx, limit, count, func(ctx context.Context, i int) (err error) {
				out[i], err = fn(ctx, i)
				return err
			})
		},
		nil, nil,
	},
}

type sourceKind struct {
	name         string
	forEach      func(ctx context.Context, limit, count int, fn func(context.Context, int) error) error
	mapped       func(ctx context.Context, limit, count int, fn func(context.Context, int) (int, error)) ([]int, error)
	mapSeq       func(ctx context.Context, limit, count int, fn func(context.Context, int) (int, error)) iter.Seq2[int, error]
	mapUnordered func(ctx context.Context, limit, count int, fn func(context.Context, int) (int, error)) iter.Seq2[int, error]
}

func sourceOf[S nursery.Items[int]](name string, items func(count int) S) sourceKind {
	return sourceKind{
		name,
		func(ctx context.Context, limit, count int, fn func(context.Context, int) error) error {
			return nursery.ForEach(ctx, limit, items(count), fn)
		},
		func(ctx context.Context, limit, count int, fn func(context.Context, int) (int, error)) ([]int, error) {
			return nursery.Map(ctx, limit, items(count), fn)
		},
		func(ctx context.Context, limit, count int, fn func(context.Context, int) (int, error)) iter.Seq2[int, error] {
			return nursery.MapSeq(ctx, limit, items(count), fn)
		},
		func(ctx context.Context, limit, count int, fn func(context.Context, int) (int, error)) iter.Seq2[int, error] {
			return nursery.MapUnordered(ctx, limit, items(count), fn)
		},
	}
}

// Named types of each kind.
type (
	namedSlice   []string
	namedChannel chan string
	namedSource  <-chan string
	namedSeq     func(yield func(string) bool)
	namedReceive func(ctx context.Context) (string, error)
)

// Every kind of items can be passed as it is, under whatever name.
func TestItemsOfEveryType(t *testing.T) {
	words := []string{"a", "b", "c"}
	channel := func() chan string {
		c := make(chan string, len(words))
		for _, w := range words {
			c <- w
		}
		close(c)
		return c
	}
	receive := func() func(ctx context.Context) (string, error) {
		send, receive := memchan.Open[string](len(words))
		for _, w := range words {
			if err := send.TrySend(w); err != nil {
				t.Fatal(err)
			}
		}
		send.Close()
		return receive.Receive
	}
	double := func(_ context.Context, word string) (string, error) { return word + word, nil }
	for _, c := range []struct {
		name string
		got  func(ctx context.Context) ([]string, error)
	}{
		{"[]string", func(ctx context.Context) ([]string, error) { return nursery.Map(ctx, 2, words, double) }},
		{"a named slice", func(ctx context.Context) ([]string, error) { return nursery.Map(ctx, 2, namedSlice(words), double) }},
		{"chan string", func(ctx context.Context) ([]string, error) { return nursery.Map(ctx, 2, channel(), double) }},
		{"<-chan string", func(ctx context.Context) ([]string, error) {
			return nursery.Map(ctx, 2, (<-chan string)(channel()), double)
		}},
		{"a named channel", func(ctx context.Context) ([]string, error) {
			return nursery.Map(ctx, 2, namedChannel(channel()), double)
		}},
		{"a named channel to receive from", func(ctx context.Context) ([]string, error) {
			return nursery.Map(ctx, 2, namedSource(channel()), double)
		}},
		{"iter.Seq[string]", func(ctx context.Context) ([]string, error) { return nursery.Map(ctx, 2, slices.Values(words), double) }},
		{"func(yield func(string) bool)", func(ctx context.Context) ([]string, error) {
			return nursery.Map(ctx, 2, (func(yield func(string) bool))(slices.Values(words)), double)
		}},
		{"a named sequence", func(ctx context.Context) ([]string, error) {
			return nursery.Map(ctx, 2, namedSeq(slices.Values(words)), double)
		}},
		{"a receive function", func(ctx context.Context) ([]string, error) { return nursery.Map(ctx, 2, receive(), double) }},
		{"a named receive function", func(ctx context.Context) ([]string, error) {
			return nursery.Map(ctx, 2, namedReceive(receive()), double)
		}},
	} {
		bubbletest.Run(t, c.name, func(t *testing.T) {
			got, err := c.got(t.Context())
			if err != nil || !slices.Equal(got, []string{"aa", "bb", "cc"}) {
				t.Errorf("Map = %q, %v, want [aa bb cc], nil", got, err)
			}
		})
	}
	bubbletest.Run(t, "with type arguments", func(t *testing.T) {
		got, err := nursery.Map[[]string](t.Context(), 2, nil, double)
		if err != nil || len(got) != 0 {
			t.Errorf("Map = %q, %v, want none, nil", got, err)
		}
		generic, err := nursery.Map[[]string, string](t.Context(), 2, words, identity)
		if err != nil || !slices.Equal(generic, words) {
			t.Errorf("Map = %q, %v, want %q, nil", generic, err, words)
		}
		keys, err := nursery.Map(t.Context(), 1, maps.Keys(map[string]int{"a": 1}), double)
		if err != nil || !slices.Equal(keys, []string{"aa"}) {
			t.Errorf("Map = %q, %v, want aa, nil", keys, err)
		}
	})
}

func identity[X any](_ context.Context, x X) (X, error) { return x, nil }

func TestEveryKindOfItemsRunsEachOnce(t *testing.T) {
	for _, s := range sources {
		for _, limit := range []int{1, 2, 3, 7, 8, 9, 100, nursery.NoLimit} {
			for _, count := range []int{0, 1, 2, 8, 9, 50} {
				bubbletest.Run(t, fmt.Sprintf("%s, limit %d, %d items", s.name, limit, count), func(t *testing.T) {
					start := time.Now()
					var g gauge
					seen := make([]atomic.Int64, count)
					err := s.forEach(t.Context(), limit, count, func(ctx context.Context, item int) error {
						g.enter()
						defer g.leave()
						seen[item].Add(1)
						return deadline.Sleep(ctx, time.Second)
					})
					checkShape(t, "ForEach", err, "nil")
					for i := range seen {
						if n := seen[i].Load(); n != 1 {
							t.Errorf("item %d ran %d times, want once", i, n)
						}
					}
					if got, want := g.most.Load(), int64(min(limit, count)); got != want {
						t.Errorf("%d items ran at a time, want %d", got, want)
					}
					bubbletest.CheckElapsed(t, "ForEach", start, time.Duration((count+min(limit, 50)-1)/min(limit, 50))*time.Second)
				})
			}
		}
	}
}

// No item that can continue is left behind one that waits.
func TestEveryKindOfItemsNeverStalls(t *testing.T) {
	for _, s := range sources {
		for _, limit := range []int{2, 3, 8, 13, nursery.NoLimit} {
			for _, before := range []int{0, 1, 7, 100, 1001} {
				bubbletest.Run(t, fmt.Sprintf("%s, limit %d, all meet after %d", s.name, limit, before), func(t *testing.T) {
					count := min(limit, 20)
					var met sync.WaitGroup
					met.Add(count)
					err := s.forEach(t.Context(), limit, before+count, func(_ context.Context, item int) error {
						if item >= before {
							met.Done()
							met.Wait()
						}
						return nil
					})
					checkShape(t, "ForEach", err, "nil")
				})
			}
		}
	}
}

func TestEveryKindOfItemsStopsAtTheFirstFailure(t *testing.T) {
	for _, s := range sources {
		for _, limit := range []int{1, 2, 5, 20} {
			bubbletest.Run(t, fmt.Sprintf("%s, limit %d", s.name, limit), func(t *testing.T) {
				start := time.Now()
				var begun atomic.Int64
				got, err := s.mapped(t.Context(), limit, 1000, func(ctx context.Context, item int) (int, error) {
					begun.Add(1)
					if item == 40 {
						return 0, failing(time.Millisecond, errBoom)(ctx)
					}
					return item, deadline.Sleep(ctx, time.Second)
				})
				checkShape(t, "Map", err, "[item 40=boom]")
				bubbletest.CheckElapsed(t, "Map", start, time.Duration(40/limit)*time.Second+time.Millisecond)
				if n := begun.Load(); n > int64(40+limit) {
					t.Errorf("%d items have begun, want at most %d", n, 40+limit)
				}
				if want := numbers(40 / limit * limit); s.name != "ForN" && !slices.Equal(got, want) {
					t.Errorf("Map = %v, want %v", got, want)
				}
			})
		}
	}
}

func TestEveryKindOfItemsUnderCancellation(t *testing.T) {
	for _, s := range sources {
		bubbletest.Run(t, s.name+", from outside", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(1500*time.Millisecond, cancel)
			var begun atomic.Int64
			err := s.forEach(ctx, 3, 1000, func(ctx context.Context, item int) error {
				begun.Add(1)
				return deadline.Sleep(ctx, time.Second)
			})
			bubbletest.CheckCanceled(t, "ForEach", err, cancelscope.ByParent)
			if begun.Load() != 6 {
				t.Errorf("%d items have begun, want 6", begun.Load())
			}
		})
		bubbletest.Run(t, s.name+", from outside, and no item returns an error", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			begun := 0
			got, err := s.mapped(ctx, 1, 1000, func(_ context.Context, item int) (int, error) {
				if begun++; item == 10 {
					cancel()
				}
				return item, nil
			})
			bubbletest.CheckCanceled(t, "Map", err, cancelscope.ByParent)
			if begun != 11 {
				t.Errorf("%d items have begun, want 11", begun)
			}
			if want := numbers(11); s.name != "ForN" && !slices.Equal(got, want) {
				t.Errorf("Map = %v, want %v", got, want)
			}
		})
		bubbletest.Run(t, s.name+", before", func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(errBang) // the cause is not a failure of an item
			got, err := s.mapped(ctx, 3, 10, func(context.Context, int) (int, error) { t.Error("an item ran"); return 0, nil })
			bubbletest.CheckCanceled(t, "Map", err, cancelscope.ByParent)
			if s.name != "ForN" && len(got) != 0 {
				t.Errorf("Map under a context that is done = %v, want no results", got)
			}
		})
		bubbletest.Run(t, s.name+", in FailAfter", func(t *testing.T) {
			err := deadline.FailAfter(t.Context(), 1500*time.Millisecond, func(ctx context.Context) error {
				return s.forEach(ctx, 2, 1000, func(ctx context.Context, _ int) error { time.Sleep(time.Second); return nil })
			})
			var slow *deadline.TooSlowError
			if !errors.As(err, &slow) {
				t.Errorf("FailAfter(ForEach) = %v, want a TooSlowError", err)
			}
		})
		bubbletest.Run(t, s.name+", after the last item has begun", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			err := s.forEach(ctx, 10, 5, func(ctx context.Context, item int) error {
				time.Sleep(time.Second) // by now the end has been seen
				cancel()
				return nil
			})
			checkShape(t, "ForEach", err, "nil")
		})
	}
	bubbletest.Run(t, "no items under a context that is done", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		none := func(context.Context, int) error { return nil }
		checkShape(t, "ForEach over an empty slice", nursery.ForEach(ctx, 1, []int{}, none), "nil")
		checkShape(t, "ForN of no items", nursery.ForN(ctx, 1, 0, none), "nil")
		checkShape(t, "ForN of fewer than no items", nursery.ForN(ctx, 1, -5, none), "nil")
	})
}

func TestEveryKindOfItemsWithOnesThatDoNotReturn(t *testing.T) {
	for _, s := range sources {
		for _, b := range breaks {
			for _, limit := range []int{1, 2, 8, 20} {
				bubbletest.Run(t, fmt.Sprintf("%s, one %s, limit %d", s.name, b.name, limit), func(t *testing.T) {
					start := time.Now()
					var g gauge
					o := outcomeOf(func() error {
						return s.forEach(t.Context(), limit, 1000, func(ctx context.Context, item int) error {
							g.enter()
							defer g.leave()
							if item == 30 {
								time.Sleep(time.Millisecond) // by now the others have begun
								b.do()
							}
							if err := deadline.Sleep(ctx, time.Second); err != nil {
								time.Sleep(time.Minute) // is awaited
								return err
							}
							return nil
						})
					})
					b.check(t, "ForEach", o, 30)
					want := time.Duration(30/limit)*time.Second + time.Millisecond
					if limit > 1 {
						want += time.Minute
					}
					bubbletest.CheckElapsed(t, "ForEach", start, want)
					if g.now.Load() != 0 || g.total.Load() > int64(30+limit) {
						t.Errorf("%d items run, %d have begun, want 0, at most %d", g.now.Load(), g.total.Load(), 30+limit)
					}
				})
				bubbletest.Run(t, fmt.Sprintf("%s, all %s, limit %d", s.name, b.name, limit), func(t *testing.T) {
					var g gauge
					o := outcomeOf(func() error {
						return s.forEach(t.Context(), limit, 50, func(context.Context, int) error {
							g.enter()
							defer g.leave()
							b.do()
							return nil
						})
					})
					if (o.panicked != nil) != (b.name == "panic") || o.exited != (b.name == "Goexit") {
						t.Errorf("ForEach: %v, want a %s", o, b.name)
					}
					if p, ok := o.panicked.(*nursery.PanicError); ok && int64(len(p.Unwrap())) != g.total.Load()-1 {
						t.Errorf("ForEach: panic with %d others, want %d", len(p.Unwrap()), g.total.Load()-1)
					}
				})
			}
		}
	}
}

// The nursery of the items is open as long as one of them runs, and no longer.
func TestErrorsOfItemsSayWhich(t *testing.T) {
	for _, s := range sources {
		bubbletest.Run(t, s.name, func(t *testing.T) {
			err := s.forEach(t.Context(), 4, 10, func(ctx context.Context, item int) error {
				switch item {
				case 0:
					return stubborn(errBang)(ctx)
				case 2:
					return failing(time.Second, errBoom)(ctx)
				case 3:
					<-ctx.Done()
					return errors.Join(ctx.Err(), errCrash)
				}
				return sleeping(forever)(ctx)
			})
			checkShape(t, "ForEach", err, "[item 2=boom item 0=bang item 3=join(crash)]", "[item 2=boom item 3=join(crash) item 0=bang]")
			if !errors.Is(err, errBoom) || !errors.Is(err, errBang) || errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "canceled") {
				t.Errorf("ForEach = %v, want to find boom and bang in it, and no cancellation", err)
			}
		})
	}
}
