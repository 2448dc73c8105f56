package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// raisedBy checks that o is a panic of that task with that value, whose stack names the
// function that panicked.
func raisedBy(t *testing.T, call string, o outcome, task string, value any, function string) *nursery.PanicError {
	t.Helper()
	p, ok := o.panicked.(*nursery.PanicError)
	if !ok {
		t.Fatalf("%s: %v, want a panic of %s", call, o, task)
	}
	if p.Task != task || p.Value != value || !strings.Contains(string(p.Stack), function) {
		t.Errorf("%s: panic of %s with %v, want %s, %v and %s in the stack:\n%s", call, p.Task, p.Value, task, value, function, p.Stack)
	}
	return p
}

func panickingItem() { panic("bad item") }

// How an item may end without returning.
var breaks = []struct {
	name  string
	do    func()
	check func(t *testing.T, call string, o outcome, item int)
}{
	{"panic", panickingItem, func(t *testing.T, call string, o outcome, item int) {
		t.Helper()
		raisedBy(t, call, o, fmt.Sprint("item ", item), "bad item", "panickingItem")
	}},
	{"Goexit", runtime.Goexit, func(t *testing.T, call string, o outcome, _ int) {
		t.Helper()
		if !o.exited {
			t.Errorf("%s: %v, want Goexit", call, o)
		}
	}},
}

// The sequence is stopped, and every item that has been taken from it is given to the
// function, whose calls have ended. What else happens is the same for all kinds of items.
func TestItemThatDoesNotReturnStopsTheSequence(t *testing.T) {
	for _, b := range breaks {
		for _, limit := range []int{1, 2, 3, 8, 20} {
			for _, first := range []int{0, 30} { // all items from the first do not return
				bubbletest.Run(t, fmt.Sprintf("%s from item %d, limit %d", b.name, first, limit), func(t *testing.T) {
					s := source{count: -1}
					var g gauge
					outcomeOf(func() error {
						return nursery.ForEach(t.Context(), limit, s.all(), func(ctx context.Context, item int) error {
							g.enter()
							defer g.leave()
							if item >= first {
								b.do()
							}
							return deadline.Sleep(ctx, time.Second)
						})
					})
					now, total, pulled := g.now.Load(), g.total.Load(), s.pulled.Load()
					if most := int64(first + limit); now != 0 || total != pulled || pulled > most || !s.over.Load() {
						t.Errorf("afterwards %d items run, %d were pulled, %d begun, the sequence was stopped: %t, want 0, at most %d, the same, true",
							now, pulled, total, s.over.Load(), most)
					}
				})
			}
		}
	}
}

func TestForEachWithAnItemThatDoesNotReturnWhileTheSequenceBlocks(t *testing.T) {
	for _, b := range breaks {
		bubbletest.Run(t, b.name, func(t *testing.T) {
			start := time.Now()
			var begun []int
			stopped := false
			seq := func(yield func(int) bool) {
				defer func() { stopped = true }()
				if yield(0) {
					time.Sleep(time.Hour)
					if yield(1) {
						t.Error("the sequence was asked for more")
					}
				}
			}
			var mu sync.Mutex
			o := outcomeOf(func() error {
				return nursery.ForEach(t.Context(), 3, seq, func(ctx context.Context, item int) error {
					mu.Lock()
					begun = append(begun, item)
					mu.Unlock()
					if item == 0 {
						time.Sleep(time.Second)
						b.do()
					}
					return ctx.Err()
				})
			})
			b.check(t, "ForEach", o, 0)
			bubbletest.CheckElapsed(t, "ForEach", start, time.Hour)
			if !stopped || !slices.Equal(begun, []int{0, 1}) {
				t.Errorf("the sequence was stopped: %t, items begun: %v, want true, [0 1]", stopped, begun)
			}
		})
	}
}

func panickingSequence() { panic("bad sequence") }

func TestForEachWithASequenceThatDoesNotReturn(t *testing.T) {
	ends := []struct {
		name  string
		do    func()
		check func(t *testing.T, o outcome)
	}{
		{"panic", panickingSequence, func(t *testing.T, o outcome) {
			raisedBy(t, "ForEach", o, "sequence", "bad sequence", "panickingSequence")
		}},
		{"Goexit", runtime.Goexit, func(t *testing.T, o outcome) {
			if !o.exited {
				t.Errorf("ForEach: %v, want Goexit", o)
			}
		}},
	}
	for _, end := range ends {
		for _, limit := range []int{1, 2, 10} {
			for _, before := range []int{0, 1, 4, 5} {
				bubbletest.Run(t, fmt.Sprintf("%s, limit %d, after %d items", end.name, limit, before), func(t *testing.T) {
					seq := func(yield func(int) bool) {
						for i := range before {
							if !yield(i) {
								t.Error("the sequence was stopped before it failed")
								return
							}
						}
						end.do()
					}
					var g gauge
					o := outcomeOf(func() error {
						return nursery.ForEach(t.Context(), limit, seq, func(ctx context.Context, item int) error {
							g.enter()
							defer g.leave()
							if item < before-1 && limit < before {
								return nil
							}
							return deadline.Sleep(ctx, time.Second)
						})
					})
					end.check(t, o)
					if g.now.Load() != 0 || g.total.Load() != int64(before) {
						t.Errorf("%d items run, %d have begun, want 0, %d", g.now.Load(), g.total.Load(), before)
					}
				})
			}
			bubbletest.Run(t, fmt.Sprintf("%s, limit %d, when it is stopped", end.name, limit), func(t *testing.T) {
				seq := func(yield func(int) bool) {
					defer end.do()
					for yield(0) {
					}
				}
				o := outcomeOf(func() error {
					return nursery.ForEach(t.Context(), limit, seq, func(context.Context, int) error { return errBoom })
				})
				end.check(t, o)
			})
		}
	}
}

func deafSequence(yield func(int) bool) {
	for i := 0; ; i++ { // has no end, and does not listen
		yield(i)
	}
}

// As in a range loop, a sequence that continues after its yield function returned
// false panics there: otherwise an endless sequence could not be ended.
func TestForEachWithASequenceThatIgnoresTheStop(t *testing.T) {
	for _, limit := range []int{1, 2, 10} {
		var begun gauge
		fn := func(ctx context.Context, item int) (int, error) {
			begun.enter()
			switch {
			case item == 20:
				return 0, errBoom
			case item > 20: // the others must not get on while that one fails
				<-ctx.Done()
			}
			return item, nil
		}
		for _, c := range []struct {
			call string
			do   func(ctx context.Context) error
		}{
			{"ForEach", func(ctx context.Context) error {
				return nursery.ForEach(ctx, limit, deafSequence, func(ctx context.Context, item int) error {
					_, err := fn(ctx, item)
					return err
				})
			}},
			{"Map", func(ctx context.Context) error {
				_, err := nursery.Map(ctx, limit, deafSequence, fn)
				return err
			}},
			{"MapSeq", func(ctx context.Context) error {
				_, err := collect(t, nursery.MapSeq(ctx, limit, deafSequence, fn))
				return err
			}},
		} {
			bubbletest.Run(t, fmt.Sprintf("%s, limit %d", c.call, limit), func(t *testing.T) {
				before := begun.total.Load()
				o := outcomeOf(func() error { return c.do(t.Context()) })
				p, ok := o.panicked.(*nursery.PanicError)
				if !ok {
					t.Fatalf("%s: %v, want a panic of the sequence", c.call, o)
				}
				if _, ok := p.Value.(runtime.Error); !ok || p.Task != "sequence" || !strings.Contains(string(p.Stack), "deafSequence") {
					t.Errorf("%s: panic of %s with %v, want one of the runtime in the sequence:\n%s", c.call, p.Task, p.Value, p.Stack)
				}
				if !errors.Is(p, errBoom) {
					t.Errorf("%s: panic with %v, want the failure of an item among them", c.call, p.Unwrap())
				}
				if n := begun.total.Load() - before; n > int64(20+limit) {
					t.Errorf("%s: %d items have begun, want at most %d", c.call, n, 20+limit)
				}
			})
		}
	}
}

// The function that a sequence is called with is of no use once the sequence has ended.
func TestForEachWithASequenceThatKeepsItsYield(t *testing.T) {
	bubbletest.Run(t, "until after the end", func(t *testing.T) {
		var late func(int) bool
		seq := func(yield func(int) bool) {
			late = yield
			yield(0)
		}
		err := nursery.ForEach(t.Context(), 3, seq, func(context.Context, int) error { return nil })
		checkShape(t, "ForEach", err, "nil")
		o := outcomeOf(func() error { late(1); return nil })
		if _, ok := o.panicked.(runtime.Error); !ok {
			t.Errorf("yield after the end: %v, want a panic of the runtime", o)
		}
	})
}

// A goroutine that is locked to a thread may call ForEach, and range over MapSeq.
func TestForEachOnALockedThread(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := nursery.ForEach(t.Context(), 3, upTo(100), func(_ context.Context, item int) error {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		return nil
	})
	checkShape(t, "ForEach", err, "nil")
	err = nursery.ForEach(t.Context(), 3, upTo(100), func(_ context.Context, item int) error { return errBoom })
	if leaves(err)[0] != errBoom {
		t.Errorf("ForEach = %v, want boom", err)
	}
	for r, err := range nursery.MapSeq(t.Context(), 3, upTo(100), func(_ context.Context, item int) (int, error) { return item, nil }) {
		if err != nil || r == 50 {
			break
		}
	}
}

// What an item of a test does ends the test, as it does in a task.
func TestForEachEndsATestAtOnce(t *testing.T) {
	after := false
	var inner *testing.T
	t.Run("skipped by an item", func(t *testing.T) {
		inner = t
		var none iter.Seq[int] = upTo(3)
		_ = nursery.ForEach(t.Context(), 2, none, func(context.Context, int) error {
			t.SkipNow()
			return nil
		})
		after = true
	})
	if after || !inner.Skipped() {
		t.Errorf("after SkipNow in an item: the test continued: %t, was skipped: %t, want false, true", after, inner.Skipped())
	}
}
