package nursery_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

func TestMapSeqGivesTheBeginningOnFailure(t *testing.T) {
	bubbletest.Run(t, "an item fails", func(t *testing.T) {
		var g gauge
		results := nursery.MapSeq(t.Context(), 4, upTo(100), func(ctx context.Context, item int) (int, error) {
			g.enter()
			defer g.leave()
			switch item {
			case 20:
				return 20, stubborn(errBang)(ctx)
			case 23:
				return 0, failing(2*time.Second, errBoom)(ctx)
			}
			return item, deadline.Sleep(ctx, time.Second)
		})
		var got []int
		var err error
		for r, e := range results {
			if e != nil {
				if err = e; r != 0 || g.now.Load() != 0 {
					t.Errorf("beside the error: %d, with %d items running, want 0, 0", r, g.now.Load())
				}
				continue
			}
			got = append(got, r)
		}
		checkShape(t, "MapSeq", err, "[item 23=boom item 20=bang]")
		if want := slices.Collect(upTo(20)); !slices.Equal(got, want) {
			t.Errorf("MapSeq = %v, want %v", got, want)
		}
	})
	bubbletest.Run(t, "while the loop is busy", func(t *testing.T) {
		var got []int
		for r, err := range nursery.MapSeq(t.Context(), 10, upTo(100), func(ctx context.Context, item int) (int, error) {
			if item == 5 {
				return 0, failing(time.Second, errBoom)(ctx)
			}
			return item, ctx.Err()
		}) {
			if err != nil {
				checkShape(t, "MapSeq", err, "[item 5=boom]")
				continue
			}
			got = append(got, r)
			time.Sleep(time.Minute)
		}
		if want := slices.Collect(upTo(5)); !slices.Equal(got, want) {
			t.Errorf("MapSeq = %v, want %v", got, want)
		}
	})
	for _, left := range []bool{false, true} {
		bubbletest.Run(t, fmt.Sprintf("with a result that comes after it, loop left: %t", left), func(t *testing.T) {
			start := time.Now()
			var got []int
			var err error
			for r, e := range nursery.MapSeq(t.Context(), 4, upTo(100), func(ctx context.Context, item int) (int, error) {
				switch item {
				case 1, 2:
					<-ctx.Done()
					time.Sleep(time.Minute) // and succeeds all the same
				case 3:
					return 0, failing(time.Second, errBoom)(ctx)
				}
				return item, nil
			}) {
				if e != nil {
					err = e
					break
				}
				if got = append(got, r); left && r == 1 {
					break
				}
			}
			bubbletest.CheckElapsed(t, "the loop", start, time.Minute+time.Second)
			want, shape := []int{0, 1, 2}, "[item 3=boom]"
			if left {
				want, shape = want[:2], "nil"
			}
			checkShape(t, "MapSeq", err, shape)
			if !slices.Equal(got, want) {
				t.Errorf("MapSeq = %v, want %v", got, want)
			}
		})
	}
	bubbletest.Run(t, "break among what is left after a failure", func(t *testing.T) {
		given := 0
		for _, err := range nursery.MapSeq(t.Context(), 10, upTo(100), func(ctx context.Context, item int) (int, error) {
			if item == 9 {
				return 0, errBoom
			}
			return item, nil
		}) {
			synctest.Wait() // item 9 has failed
			if err != nil {
				t.Errorf("MapSeq gives %v, want results first", err)
			}
			if given++; given == 3 {
				break
			}
		}
	})
	bubbletest.Run(t, "the surroundings are canceled", func(t *testing.T) {
		var s cancelscope.Scope
		err := s.Run(t.Context(), func(ctx context.Context) error {
			time.AfterFunc(3500*time.Millisecond, func() { s.Cancel(errBang) })
			got, err := collect(t, nursery.MapSeq(ctx, 2, upTo(100), func(ctx context.Context, item int) (int, error) {
				return item, deadline.Sleep(ctx, time.Second)
			}))
			bubbletest.CheckCanceled(t, "MapSeq", err, cancelscope.ByCall)
			if want := slices.Collect(upTo(6)); !slices.Equal(got, want) {
				t.Errorf("MapSeq = %v, want %v", got, want)
			}
			return err
		})
		checkShape(t, "Run", err, "nil")
	})
	bubbletest.Run(t, "the surroundings are canceled and only the loop notices", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		got, err := collect(t, nursery.MapSeq(ctx, 2, upTo(100), func(_ context.Context, item int) (int, error) {
			if item == 50 {
				cancel()
			}
			return item, nil
		}))
		bubbletest.CheckCanceled(t, "MapSeq", err, cancelscope.ByParent)
		if len(got) < 51 || len(got) > 53 {
			t.Errorf("%d results with a cancellation in item 50, want 51 to 53", len(got))
		}
	})
}

func TestMapSeqWithAnItemThatDoesNotReturn(t *testing.T) {
	for _, b := range breaks {
		for _, left := range []bool{false, true} {
			bubbletest.Run(t, fmt.Sprintf("%s, loop left: %t", b.name, left), func(t *testing.T) {
				var got []int
				o := outcomeOf(func() error {
					for r, err := range nursery.MapSeq(t.Context(), 3, upTo(10), func(ctx context.Context, item int) (int, error) {
						if item == 2 {
							if left {
								<-ctx.Done()
							} else {
								time.Sleep(time.Second)
							}
							b.do()
						}
						return item, nil
					}) {
						got = append(got, r)
						if err != nil {
							t.Errorf("MapSeq gives the error %v", err)
						}
						if left && r == 1 {
							break
						}
					}
					return nil
				})
				b.check(t, "the loop", o, 2)
				if !slices.Equal(got, []int{0, 1}) {
					t.Errorf("results before the %s of item 2: %v, want [0 1]", b.name, got)
				}
			})
		}
	}
	bubbletest.Run(t, "beside a panic of the loop", func(t *testing.T) {
		o := outcomeOf(func() error {
			for range nursery.MapSeq(t.Context(), 2, upTo(2), func(ctx context.Context, item int) (int, error) {
				if item == 1 {
					<-ctx.Done()
					panickingItem()
				}
				return item, nil
			}) {
				panic("bad loop")
			}
			return nil
		})
		if o.panicked != "bad loop" {
			t.Errorf("a loop that panics beside an item that panics: %v, want the panic of the loop", o)
		}
	})
	bubbletest.Run(t, "the sequence panics", func(t *testing.T) {
		o := outcomeOf(func() error {
			for range nursery.MapSeq(t.Context(), 2, func(yield func(int) bool) { yield(0); panickingSequence() },
				func(ctx context.Context, item int) (int, error) { return 0, deadline.Sleep(ctx, forever) }) {
				t.Error("a result of an item that was canceled")
			}
			return nil
		})
		raisedBy(t, "the loop", o, "sequence", "bad sequence", "panickingSequence")
	})
}

// A slice has ended when its last item has been taken. A cancellation after that is no
// error of a loop over the results, as it is none of Map.
func TestMapSeqOfASliceThatHasEnded(t *testing.T) {
	type mapping func(ctx context.Context, limit int, items []int, fn func(context.Context, int) (int, error)) iter.Seq2[int, error]
	for name, f := range map[string]mapping{
		"MapSeq": func(ctx context.Context, limit int, items []int, fn func(context.Context, int) (int, error)) iter.Seq2[int, error] {
			return nursery.MapSeq(ctx, limit, items, fn)
		},
		"MapUnordered": func(ctx context.Context, limit int, items []int, fn func(context.Context, int) (int, error)) iter.Seq2[int, error] {
			return nursery.MapUnordered(ctx, limit, items, fn)
		},
	} {
		for _, count := range []int{0, 1, 5} {
			for _, limit := range []int{1, 2, 8} {
				for _, inLoop := range []bool{false, true} {
					bubbletest.Run(t, fmt.Sprintf("%s of %d, limit %d, canceled in the loop: %t", name, count, limit, inLoop), func(t *testing.T) {
						ctx, cancel := context.WithCancel(t.Context())
						defer cancel()
						cancelAt := func(item, last int) {
							if item == last {
								cancel()
							}
						}
						cancelAt(count, 0)
						given := 0
						for r, err := range f(ctx, limit, slices.Collect(upTo(count)), func(_ context.Context, item int) (int, error) {
							time.Sleep(time.Second)
							if !inLoop {
								cancelAt(item, count-1)
							}
							return item, nil
						}) {
							if err != nil {
								t.Errorf("error of the loop, canceled when all items had been taken: %v", err)
								continue
							}
							given++
							cancelAt(r, count-1)
							time.Sleep(time.Minute) // meanwhile there is no room for more results
						}
						if given != count {
							t.Errorf("%d results, want %d", given, count)
						}
					})
				}
			}
		}
	}
}
