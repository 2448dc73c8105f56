package nursery_test

import (
	"context"
	"fmt"
	"iter"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

// collect ranges over all of results.
func collect[R any](t *testing.T, results iter.Seq2[R, error]) (values []R, err error) {
	t.Helper()
	ended := false
	for r, e := range results {
		if ended {
			t.Errorf("MapSeq gives %v, %v after the error %v", r, e, err)
		}
		if e != nil {
			ended, err = true, e
			continue
		}
		values = append(values, r)
	}
	return values, err
}

func TestMapSeqKeepsTheOrder(t *testing.T) {
	for _, limit := range []int{1, 2, 9, 100, math.MaxInt} {
		for _, count := range []int{0, 1, 8, 9, 60} {
			inBubble(t, fmt.Sprintf("limit %d, %d items", limit, count), func(t *testing.T) {
				s := source{count: count}
				results := nursery.MapSeq(t.Context(), limit, s.all(), func(ctx context.Context, item int) (int, error) {
					return item * 2, deadline.Sleep(ctx, time.Duration(item*7%10)*time.Second)
				})
				if s.pulled.Load() != 0 {
					t.Errorf("%d items pulled before the loop", s.pulled.Load())
				}
				for range 2 { // each loop runs all anew
					got, err := collect(t, results)
					checkShape(t, "MapSeq", err, "nil")
					if len(got) != count {
						t.Fatalf("MapSeq of %d items: %d results", count, len(got))
					}
					for i, r := range got {
						if r != 2*i {
							t.Fatalf("result %d of MapSeq = %d, want %d", i, r, 2*i)
						}
					}
				}
				if got, want := s.pulled.Load(), int64(2*count); got != want || s.twice.Load() {
					t.Errorf("%d items pulled by two loops, two at a time: %t, want %d, false", got, s.twice.Load(), want)
				}
			})
		}
	}
}

func TestMapSeqRunsAtMostLimitAhead(t *testing.T) {
	for _, limit := range []int{1, 2, 5, 20} {
		inBubble(t, fmt.Sprintf("limit %d, a slow loop", limit), func(t *testing.T) {
			s := source{count: 60}
			var g gauge
			given := 0
			for _, err := range nursery.MapSeq(t.Context(), limit, s.all(), func(context.Context, int) (int, error) {
				g.enter()
				defer g.leave()
				return 0, nil
			}) {
				given++
				synctest.Wait() // nothing runs but this loop
				if got, want := s.pulled.Load(), min(60, int64(given+limit)); got != want || err != nil {
					t.Fatalf("with %d results given, %d items have been pulled, %v, want %d, nil", given, got, err, want)
				}
			}
		})
		inBubble(t, fmt.Sprintf("limit %d, a slow item", limit), func(t *testing.T) {
			s := source{count: 60}
			var g gauge
			next := make(chan struct{})
			go func() {
				synctest.Wait() // everything waits for item 0
				if got := s.pulled.Load(); got != int64(limit) {
					t.Errorf("while item 0 runs, %d items have been pulled, want %d", got, limit)
				}
				close(next)
			}()
			got, err := collect(t, nursery.MapSeq(t.Context(), limit, s.all(), func(ctx context.Context, item int) (int, error) {
				g.enter()
				defer g.leave()
				if item == 0 {
					<-next
				}
				return item, deadline.Sleep(ctx, time.Second)
			}))
			checkShape(t, "MapSeq", err, "nil")
			if len(got) != 60 || g.most.Load() != int64(limit) {
				t.Errorf("MapSeq: %d results, %d items at a time, want 60, %d", len(got), g.most.Load(), limit)
			}
		})
	}
}

// How a loop may be left early. Each does it when it has been given the third result.
var exits = []struct {
	name string
	loop func(results iter.Seq2[int, error])
	want string
}{
	{"break", func(results iter.Seq2[int, error]) {
		for r := range results {
			if r == 2 {
				synctest.Wait() // item 3 runs
				break
			}
		}
	}, "nil"},
	{"return", func(results iter.Seq2[int, error]) {
		for r := range results {
			if r == 2 {
				synctest.Wait() // item 3 runs
				return
			}
		}
	}, "nil"},
	{"continue of an outer loop", func(results iter.Seq2[int, error]) {
	outer:
		for range 1 {
			for r := range results {
				if r == 2 {
					synctest.Wait() // item 3 runs
					continue outer
				}
			}
		}
	}, "nil"},
	{"panic", func(results iter.Seq2[int, error]) {
		for r := range results {
			if r == 2 {
				synctest.Wait() // item 3 runs
				panic("bad loop")
			}
		}
	}, "panic: bad loop"},
	{"Goexit", func(results iter.Seq2[int, error]) {
		for r := range results {
			if r == 2 {
				synctest.Wait() // item 3 runs
				runtime.Goexit()
			}
		}
	}, "Goexit"},
	{"stop of iter.Pull2", func(results iter.Seq2[int, error]) {
		next, stop := iter.Pull2(results)
		for range 3 {
			next()
		}
		synctest.Wait() // item 3 runs
		stop()
	}, "nil"},
}

func TestMapSeqAwaitsAllWhenTheLoopIsLeft(t *testing.T) {
	for _, exit := range exits {
		for _, limit := range []int{1, 4, 20} {
			inBubble(t, fmt.Sprintf("%s, limit %d", exit.name, limit), func(t *testing.T) {
				start := time.Now()
				s := source{count: -1}
				var g gauge
				var cause atomic.Value
				o := outcomeOf(func() error {
					exit.loop(nursery.MapSeq(t.Context(), limit, s.all(), func(ctx context.Context, item int) (int, error) {
						g.enter()
						defer g.leave()
						if item < 3 {
							return item, nil
						}
						<-ctx.Done()
						cause.Store(context.Cause(ctx).Error())
						time.Sleep(time.Minute) // is awaited
						return 0, errBoom       // is dropped
					}))
					return nil
				})
				if o.String() != exit.want {
					t.Errorf("the loop ended: %v, want %s", o, exit.want)
				}
				checkElapsed(t, "the loop", start, time.Minute)
				if g.now.Load() != 0 || !s.over.Load() || g.total.Load() > int64(3+limit) {
					t.Errorf("after the loop %d items run, the sequence was stopped: %t, %d items have begun, want 0, true, at most %d",
						g.now.Load(), s.over.Load(), g.total.Load(), 3+limit)
				}
				want := "scope canceled: the loop over the results has been left"
				switch exit.want {
				case "panic: bad loop":
					want = "scope canceled: a task failed: task body panicked: bad loop"
				case "Goexit":
					want = "scope canceled: a task failed: body: task called runtime.Goexit"
				}
				if got, _, _ := strings.Cut(fmt.Sprint(cause.Load()), "\n"); got != want {
					t.Errorf("the cause in an item: %v, want %s", got, want)
				}
			})
		}
	}
}

func TestMapSeqGivesTheBeginningOnFailure(t *testing.T) {
	inBubble(t, "an item fails", func(t *testing.T) {
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
	inBubble(t, "while the loop is busy", func(t *testing.T) {
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
		inBubble(t, fmt.Sprintf("with a result that comes after it, loop left: %t", left), func(t *testing.T) {
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
			checkElapsed(t, "the loop", start, time.Minute+time.Second)
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
	inBubble(t, "break among what is left after a failure", func(t *testing.T) {
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
	inBubble(t, "the surroundings are canceled", func(t *testing.T) {
		var s cancelscope.Scope
		err := s.Run(t.Context(), func(ctx context.Context) error {
			time.AfterFunc(3500*time.Millisecond, func() { s.Cancel(errBang) })
			got, err := collect(t, nursery.MapSeq(ctx, 2, upTo(100), func(ctx context.Context, item int) (int, error) {
				return item, deadline.Sleep(ctx, time.Second)
			}))
			checkCanceled(t, "MapSeq", err, cancelscope.ByCall)
			if want := slices.Collect(upTo(6)); !slices.Equal(got, want) {
				t.Errorf("MapSeq = %v, want %v", got, want)
			}
			return err
		})
		checkShape(t, "Run", err, "nil")
	})
	inBubble(t, "the surroundings are canceled and only the loop notices", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		got, err := collect(t, nursery.MapSeq(ctx, 2, upTo(100), func(_ context.Context, item int) (int, error) {
			if item == 50 {
				cancel()
			}
			return item, nil
		}))
		checkCanceled(t, "MapSeq", err, cancelscope.ByParent)
		if len(got) < 51 || len(got) > 53 {
			t.Errorf("%d results with a cancellation in item 50, want 51 to 53", len(got))
		}
	})
}

func TestMapSeqWithAnItemThatDoesNotReturn(t *testing.T) {
	for _, b := range breaks {
		for _, left := range []bool{false, true} {
			inBubble(t, fmt.Sprintf("%s, loop left: %t", b.name, left), func(t *testing.T) {
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
	inBubble(t, "beside a panic of the loop", func(t *testing.T) {
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
	inBubble(t, "the sequence panics", func(t *testing.T) {
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
