package nursery_test

import (
	"context"
	"fmt"
	"iter"
	"math"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
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
			bubbletest.Run(t, fmt.Sprintf("limit %d, %d items", limit, count), func(t *testing.T) {
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
		bubbletest.Run(t, fmt.Sprintf("limit %d, a slow loop", limit), func(t *testing.T) {
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
		bubbletest.Run(t, fmt.Sprintf("limit %d, a slow item", limit), func(t *testing.T) {
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
			bubbletest.Run(t, fmt.Sprintf("%s, limit %d", exit.name, limit), func(t *testing.T) {
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
				bubbletest.CheckElapsed(t, "the loop", start, time.Minute)
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
