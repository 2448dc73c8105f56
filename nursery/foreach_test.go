package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// A sequence is pulled by one goroutine at a time, and to its end. That each item runs
// once is in items_test.go, for every kind of items.
func TestForEachPullsASequenceOnce(t *testing.T) {
	for _, limit := range []int{1, 2, 3, 7, 8, 9, 100, math.MaxInt} {
		for _, count := range []int{0, 1, 2, 8, 9, 50} {
			bubbletest.Run(t, fmt.Sprintf("limit %d, %d items", limit, count), func(t *testing.T) {
				s := source{count: count}
				err := nursery.ForEach(t.Context(), limit, s.all(), func(ctx context.Context, _ int) error {
					return deadline.Sleep(ctx, time.Second)
				})
				checkShape(t, "ForEach", err, "nil")
				if pulled := s.pulled.Load(); pulled != int64(count) || s.twice.Load() || !s.over.Load() {
					t.Errorf("%d items were pulled, by two at a time: %t, the sequence has ended: %t, want %d, false, true", pulled, s.twice.Load(), s.over.Load(), count)
				}
			})
		}
	}
}

func TestForEachIsLazy(t *testing.T) {
	for _, limit := range []int{1, 2, 5, 8, 20} {
		bubbletest.Run(t, fmt.Sprintf("limit %d", limit), func(t *testing.T) {
			s := source{count: 60}
			var done atomic.Int64
			next := make(chan struct{})
			ended := make(chan error)
			go func() {
				ended <- nursery.ForEach(t.Context(), limit, s.all(), func(context.Context, int) error {
					<-next
					done.Add(1)
					return nil
				})
			}()
			for range 60 {
				synctest.Wait() // every item that may be under way waits for next
				if got, want := s.pulled.Load(), min(60, done.Load()+int64(limit)); got != want {
					t.Fatalf("with %d items done, %d have been pulled, want %d", done.Load(), got, want)
				}
				next <- struct{}{}
			}
			checkShape(t, "ForEach", <-ended, "nil")
		})
	}
}

// The sequence and the items may depend on each other's progress: no goroutine that can
// continue may be left behind one that waits.
func TestForEachNeverStalls(t *testing.T) {
	tiny := func(yield func(int) bool, from, count int) bool {
		for i := range count {
			if !yield(from + i) {
				return false
			}
		}
		return true
	}
	for _, limit := range []int{2, 3, 8, 13} {
		// After some that end at once come as many that wait for each other.
		for _, before := range []int{0, 1, 7, 100, 1001} {
			bubbletest.Run(t, fmt.Sprintf("limit %d, all meet after %d", limit, before), func(t *testing.T) {
				var met sync.WaitGroup
				met.Add(limit)
				err := nursery.ForEach(t.Context(), limit, upTo(before+limit), func(_ context.Context, item int) error {
					if item >= before {
						met.Done()
						met.Wait()
					}
					return nil
				})
				checkShape(t, "ForEach", err, "nil")
			})
		}
		bubbletest.Run(t, fmt.Sprintf("limit %d, the sequence waits for its items", limit), func(t *testing.T) {
			done := make(chan int, 1000)
			seq := func(yield func(int) bool) {
				for i := range 100 {
					if !tiny(yield, i*10, 1+i%min(10, limit)) {
						return
					}
					for range 1 + i%min(10, limit) {
						<-done
					}
				}
			}
			err := nursery.ForEach(t.Context(), limit, seq, func(_ context.Context, item int) error {
				done <- item
				return nil
			})
			checkShape(t, "ForEach", err, "nil")
		})
		bubbletest.Run(t, fmt.Sprintf("limit %d, each item waits for the next to be pulled", limit), func(t *testing.T) {
			const count = 100
			var pulled [count + 1]chan struct{}
			for i := range pulled {
				pulled[i] = make(chan struct{})
			}
			seq := func(yield func(int) bool) {
				for i := range count {
					close(pulled[i])
					if !yield(i) {
						return
					}
				}
				close(pulled[count])
			}
			err := nursery.ForEach(t.Context(), limit, seq, func(_ context.Context, item int) error {
				<-pulled[item+1]
				return nil
			})
			checkShape(t, "ForEach", err, "nil")
		})
	}
}

func TestForEachStopsAtTheFirstFailure(t *testing.T) {
	for _, limit := range []int{1, 2, 5, 20} {
		bubbletest.Run(t, fmt.Sprintf("limit %d", limit), func(t *testing.T) {
			start := time.Now()
			s := source{count: -1}
			var begun atomic.Int64
			var blame error
			err := nursery.ForEach(t.Context(), limit, s.all(), func(ctx context.Context, item int) error {
				begun.Add(1)
				if item == 40 {
					return failing(time.Millisecond, errBoom)(ctx)
				}
				cause := deadline.Sleep(ctx, time.Second)
				if item == 41 {
					blame = cause
				}
				return cause
			})
			checkShape(t, "ForEach", err, "[item 40=boom]")
			bubbletest.CheckElapsed(t, "ForEach", start, time.Duration(40/limit)*time.Second+time.Millisecond)
			if limit > 1 {
				if c := bubbletest.CheckCanceled(t, "Sleep of another item", blame, cancelscope.ByTask); c.Reason() == nil || c.Reason().Error() != "item 40: boom" {
					t.Errorf("the reason for which another item was canceled: %v, want item 40: boom", c.Reason())
				}
			}
			if pulled := s.pulled.Load(); pulled > int64(40+limit) || begun.Load() != pulled || !s.over.Load() {
				t.Errorf("%d items pulled and %d begun, the sequence was stopped: %t, want at most %d, the same, true", pulled, begun.Load(), s.over.Load(), 40+limit)
			}
		})
	}
}

func TestForEachStopsAtOnce(t *testing.T) {
	bubbletest.Run(t, "limit 1", func(t *testing.T) {
		s := source{count: -1}
		err := nursery.ForEach(t.Context(), 1, s.all(), func(context.Context, int) error { return errBoom })
		checkShape(t, "ForEach", err, "[item 0=boom]")
		if s.pulled.Load() != 1 {
			t.Errorf("%d items pulled although the first one failed, want 1", s.pulled.Load())
		}
	})
	bubbletest.Run(t, "while several are pulled", func(t *testing.T) {
		s := source{count: -1}
		failed := make(chan struct{})
		seq := func(yield func(int) bool) {
			for i := range s.all() {
				if !yield(i) {
					return
				}
				if i == 0 {
					<-failed
					synctest.Wait() // the nursery knows that item 0 has failed
				}
			}
		}
		err := nursery.ForEach(t.Context(), 8, seq, func(ctx context.Context, item int) error {
			if item == 0 {
				defer close(failed)
				return errBoom
			}
			return ctx.Err()
		})
		checkShape(t, "ForEach", err, "[item 0=boom]")
		if s.pulled.Load() > 2 {
			t.Errorf("%d items pulled, want none after the one that was on its way", s.pulled.Load())
		}
	})
}

func TestForEachGivesEveryPulledItemToTheFunction(t *testing.T) {
	for _, limit := range []int{1, 3, 8} {
		bubbletest.Run(t, fmt.Sprintf("limit %d", limit), func(t *testing.T) {
			var s cancelscope.Scope
			var pulled, got []int
			seq := func(yield func(int) bool) {
				for i := range 100 {
					if i == 2 {
						s.Cancel(nil) // comes after the question and before the answer
					}
					pulled = append(pulled, i)
					if !yield(i) {
						return
					}
				}
			}
			var mu sync.Mutex
			err := s.Run(t.Context(), func(ctx context.Context) error {
				return nursery.ForEach(ctx, limit, seq, func(ctx context.Context, item int) error {
					mu.Lock()
					got = append(got, item)
					mu.Unlock()
					return ctx.Err()
				})
			})
			checkShape(t, "ForEach in a scope that was canceled", err, "nil")
			slices.Sort(got)
			if !slices.Equal(got, []int{0, 1, 2}) || !slices.Equal(pulled, got) {
				t.Errorf("pulled: %v, given to the function: %v, want 0, 1 and 2", pulled, got)
			}
		})
	}
}

func TestForEachNested(t *testing.T) {
	bubbletest.Run(t, "limits multiply", func(t *testing.T) {
		start := time.Now()
		var g gauge
		err := nursery.ForEach(t.Context(), 2, upTo(4), func(ctx context.Context, _ int) error {
			return nursery.ForEach(ctx, 3, upTo(6), func(ctx context.Context, _ int) error {
				g.enter()
				defer g.leave()
				return deadline.Sleep(ctx, time.Second)
			})
		})
		checkShape(t, "ForEach", err, "nil")
		bubbletest.CheckElapsed(t, "ForEach", start, 4*time.Second)
		if g.most.Load() != 6 || g.total.Load() != 24 {
			t.Errorf("%d at a time, %d in all, want 6, 24", g.most.Load(), g.total.Load())
		}
	})
	bubbletest.Run(t, "a single failure reads as that failure", func(t *testing.T) {
		err := nursery.ForEach(t.Context(), 2, upTo(2), func(ctx context.Context, outer int) error {
			return nursery.ForEach(ctx, 2, upTo(5), func(ctx context.Context, inner int) error {
				if outer == 1 && inner == 3 {
					return errBoom
				}
				return sleeping(time.Second)(ctx)
			})
		})
		checkShape(t, "ForEach", err, "[item 1=[item 3=boom]]")
		if got, want := err.Error(), "boom"; got != want {
			t.Errorf("ForEach = %q, want %q", got, want)
		}
	})
}

// Nothing of an item that has its own limit, or its own cancel, touches the others.
func TestForEachWithScopesInItems(t *testing.T) {
	bubbletest.Run(t, "own limit", func(t *testing.T) {
		start := time.Now()
		var expired atomic.Int64
		err := nursery.ForEach(t.Context(), 4, upTo(8), func(ctx context.Context, item int) error {
			cut, err := deadline.MoveOnAfter(ctx, time.Second, sleeping(time.Duration(item)*time.Minute))
			if cut {
				expired.Add(1)
			}
			return err
		})
		checkShape(t, "ForEach", err, "nil")
		bubbletest.CheckElapsed(t, "ForEach", start, 2*time.Second)
		if expired.Load() != 7 {
			t.Errorf("%d of 8 items were cut short by their own limit, want 7", expired.Load())
		}
	})
	bubbletest.Run(t, "own cancel", func(t *testing.T) {
		start := time.Now()
		var causes [4]error
		err := nursery.ForEach(t.Context(), 4, upTo(4), func(ctx context.Context, item int) error {
			var s cancelscope.Scope
			if item == 2 {
				time.AfterFunc(time.Second, func() { s.Cancel(errBang) })
			}
			err := s.Run(ctx, func(ctx context.Context) error {
				causes[item] = deadline.Sleep(ctx, time.Minute)
				return causes[item]
			})
			if s.CanceledCaught() != (item == 2) {
				t.Errorf("the scope of item %d has absorbed a cancellation: %t, want %t", item, s.CanceledCaught(), item == 2)
			}
			return err
		})
		checkShape(t, "ForEach", err, "nil")
		bubbletest.CheckElapsed(t, "ForEach", start, time.Minute)
		for item, cause := range causes {
			if (cause != nil) != (item == 2) {
				t.Errorf("item %d slept with %v, want an error of item 2 alone", item, cause)
			}
		}
	})
}

// What has been given to the function is not kept anywhere else.
func TestForEachLetsItemsGo(t *testing.T) {
	type item [100]byte // too large for a block that others share
	const count = 100
	var gone [count]weak.Pointer[item]
	seq := func(yield func(*item) bool) {
		for i := range count {
			v := new(item)
			gone[i] = weak.Make(v)
			if !yield(v) {
				return
			}
		}
	}
	taken := 0
	err := nursery.ForEach(t.Context(), 1, seq, func(_ context.Context, v *item) error {
		runtime.KeepAlive(v)
		if taken++; taken < count {
			return nil
		}
		v = nil
		for range 10 {
			runtime.GC()
			held := 0
			for i := range count - 1 {
				if gone[i].Value() != nil {
					held++
				}
			}
			if held == 0 {
				return nil
			}
		}
		return errors.New("items that are done are held")
	})
	checkShape(t, "ForEach", err, "nil")
}
