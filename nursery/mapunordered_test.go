package nursery_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

func TestMapUnorderedGivesResultsAsTheyCome(t *testing.T) {
	for _, s := range sources {
		if s.mapUnordered == nil {
			continue
		}
		bubbletest.Run(t, s.name, func(t *testing.T) {
			start := time.Now()
			want := []int{4, 3, 2, 1, 0}
			for r, err := range s.mapUnordered(t.Context(), 5, 5, func(ctx context.Context, item int) (int, error) {
				return item, deadline.Sleep(ctx, time.Duration(5-item)*time.Second)
			}) {
				if err != nil || len(want) == 0 || r != want[0] {
					t.Fatalf("MapUnordered gives %d, %v, want the next of %v, nil", r, err, want)
				}
				bubbletest.CheckElapsed(t, "the result", start, time.Duration(5-r)*time.Second)
				want = want[1:]
			}
			if len(want) != 0 {
				t.Errorf("%v have not been given", want)
			}
		})
	}
	for _, limit := range []int{1, 2, 9, 100} {
		for _, count := range []int{0, 1, 8, 9, 60} {
			bubbletest.Run(t, fmt.Sprintf("limit %d, %d items", limit, count), func(t *testing.T) {
				s := source{count: count}
				results := nursery.MapUnordered(t.Context(), limit, s.all(), func(ctx context.Context, item int) (int, error) {
					return item * 2, deadline.Sleep(ctx, time.Duration(item*7%10)*time.Second)
				})
				for range 2 { // each loop runs all anew
					got, err := collect(t, results)
					checkShape(t, "MapUnordered", err, "nil")
					slices.Sort(got)
					for i := range got {
						got[i] /= 2
					}
					if !slices.Equal(got, numbers(count)) {
						t.Errorf("MapUnordered of %d items = %v, doubled", count, got)
					}
				}
			})
		}
	}
}

func TestMapUnorderedRunsAtMostLimitAhead(t *testing.T) {
	for _, limit := range []int{1, 2, 5, 20} {
		bubbletest.Run(t, fmt.Sprintf("limit %d, a slow loop", limit), func(t *testing.T) {
			s := source{count: 60}
			given := 0
			for _, err := range nursery.MapUnordered(t.Context(), limit, s.all(), identity[int]) {
				given++
				synctest.Wait() // nothing runs but this loop
				if got, want := s.pulled.Load(), min(60, int64(given+limit)); got != want || err != nil {
					t.Fatalf("with %d results given, %d items have been pulled, %v, want %d, nil", given, got, err, want)
				}
			}
		})
	}
	bubbletest.Run(t, "a slow item delays no other", func(t *testing.T) {
		start := time.Now()
		s := source{count: 60}
		given := 0
		for _, err := range nursery.MapUnordered(t.Context(), 3, s.all(), func(ctx context.Context, item int) (int, error) {
			if item == 0 {
				return item, deadline.Sleep(ctx, time.Hour)
			}
			return item, deadline.Sleep(ctx, time.Second)
		}) {
			if given++; given == 59 {
				bubbletest.CheckElapsed(t, "all results but one", start, 30*time.Second)
			}
			if err != nil {
				t.Error(err)
			}
		}
		bubbletest.CheckElapsed(t, "the loop", start, time.Hour)
	})
}

func TestMapUnorderedGivesEveryResultAndTheErrorLast(t *testing.T) {
	bubbletest.Run(t, "an item fails", func(t *testing.T) {
		var got []int
		var err error
		for r, e := range nursery.MapUnordered(t.Context(), 4, upTo(100), func(ctx context.Context, item int) (int, error) {
			switch item {
			case 0:
				<-ctx.Done()
				time.Sleep(time.Minute) // and succeeds all the same
			case 1:
				return 1, stubborn(errBang)(ctx)
			case 7:
				return 7, failing(time.Second, errBoom)(ctx)
			}
			return item, nil
		}) {
			if e != nil {
				if err = e; r != 0 {
					t.Errorf("beside the error: %d, want 0", r)
				}
				continue
			}
			if err != nil {
				t.Errorf("MapUnordered gives %d after the error", r)
			}
			got = append(got, r)
		}
		checkShape(t, "MapUnordered", err, "[item 7=boom item 1=bang]")
		for _, want := range []int{0, 2, 3, 4, 5, 6} {
			if !slices.Contains(got, want) {
				t.Errorf("MapUnordered = %v, want %d among them", got, want)
			}
		}
		if got[len(got)-1] != 0 || slices.Contains(got, 1) || slices.Contains(got, 7) {
			t.Errorf("MapUnordered = %v, want 0 last, and neither 1 nor 7", got)
		}
	})
	bubbletest.Run(t, "the context is done", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer cancel()
		got, err := collect(t, nursery.MapUnordered(ctx, 2, upTo(100), func(ctx context.Context, item int) (int, error) {
			return item, deadline.Sleep(ctx, time.Second)
		}))
		bubbletest.CheckCanceled(t, "MapUnordered", err, cancelscope.ByParent)
		slices.Sort(got)
		if !slices.Equal(got, numbers(6)) {
			t.Errorf("MapUnordered = %v, want 0 to 5", got)
		}
	})
}

func TestMapUnorderedAwaitsAllWhenTheLoopIsLeft(t *testing.T) {
	for _, exit := range exits {
		bubbletest.Run(t, exit.name, func(t *testing.T) {
			start := time.Now()
			s := source{count: -1}
			var g gauge
			o := outcomeOf(func() error {
				exit.loop(nursery.MapUnordered(t.Context(), 4, s.all(), func(ctx context.Context, item int) (int, error) {
					g.enter()
					defer g.leave()
					if item < 3 {
						return item, deadline.Sleep(ctx, time.Duration(item)*time.Second)
					}
					<-ctx.Done()
					time.Sleep(time.Minute) // is awaited
					return 0, errBoom       // is dropped
				}))
				return nil
			})
			if o.String() != exit.want {
				t.Errorf("the loop ended: %v, want %s", o, exit.want)
			}
			bubbletest.CheckElapsed(t, "the loop", start, time.Minute+2*time.Second)
			if g.now.Load() != 0 || !s.over.Load() {
				t.Errorf("after the loop %d items run, the sequence was stopped: %t, want 0, true", g.now.Load(), s.over.Load())
			}
		})
	}
}

func TestMapUnorderedWithAnItemThatDoesNotReturn(t *testing.T) {
	for _, b := range breaks {
		bubbletest.Run(t, b.name, func(t *testing.T) {
			given := 0
			o := outcomeOf(func() error {
				for range nursery.MapUnordered(t.Context(), 3, upTo(10), func(ctx context.Context, item int) (int, error) {
					if item == 2 {
						time.Sleep(time.Second)
						b.do()
					}
					return item, nil
				}) {
					given++
				}
				return nil
			})
			b.check(t, "the loop", o, 2)
			if given != 9 {
				t.Errorf("%d results before the %s of item 2, want 9", given, b.name)
			}
		})
	}
}

// Results are given in the order in which they came, also while more come.
func TestMapUnorderedOutsideABubble(t *testing.T) {
	for _, limit := range []int{1, 2, 8, 100, nursery.NoLimit} {
		seen := make([]bool, 3000)
		for r, err := range nursery.MapUnordered(t.Context(), limit, numbers(len(seen)), func(_ context.Context, item int) (int, error) {
			if item%100 == 0 {
				runtime.Gosched()
			}
			return item, nil
		}) {
			if err != nil || seen[r] {
				t.Fatalf("limit %d: MapUnordered gives %d, %v, given before: %t", limit, r, err, seen[r])
			}
			seen[r] = true
		}
		if i := slices.Index(seen, false); i >= 0 {
			t.Errorf("limit %d: %d has not been given", limit, i)
		}
	}
}
