package nursery_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// A scrapheap notes what is discarded.
type scrapheap struct {
	mu     sync.Mutex
	values []int // guarded by mu
}

func (h *scrapheap) discard(value int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.values = append(h.values, value)
}

func (h *scrapheap) check(t *testing.T, call string, want ...int) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	slices.Sort(h.values)
	if !slices.Equal(h.values, want) {
		t.Errorf("%s has discarded %v, want %v", call, h.values, want)
	}
}

// anyway is a function that gives value after d, whatever its context says.
func anyway(d time.Duration, value int) func(context.Context) (int, error) {
	return func(context.Context) (int, error) {
		time.Sleep(d)
		return value, nil
	}
}

func TestRaceDiscardsWhatItDoesNotReturn(t *testing.T) {
	bubbletest.Run(t, "late successes", func(t *testing.T) {
		var h scrapheap
		got, err := nursery.Race(t.Context(), h.discard,
			anyway(2*time.Second, 2), anyway(time.Second, 1), anyway(3*time.Second, 3), after(time.Minute, 4),
			func(context.Context) (int, error) { return 5, errBoom }) // a value beside an error
		if got != 1 || err != nil {
			t.Errorf("Race = %d, %v, want 1, nil", got, err)
		}
		h.check(t, "Race", 2, 3)
	})
	bubbletest.Run(t, "before it returns", func(t *testing.T) {
		start := time.Now()
		ended := false
		_, err := nursery.Race(t.Context(), func(int) { time.Sleep(time.Minute); ended = true }, anyway(0, 1), anyway(time.Second, 2))
		if err != nil || !ended {
			t.Errorf("Race: %v, discard has ended: %t, want nil, true", err, ended)
		}
		bubbletest.CheckElapsed(t, "Race", start, time.Minute+time.Second)
	})
	bubbletest.Run(t, "several at a time", func(t *testing.T) {
		start := time.Now()
		_, err := nursery.Race(t.Context(), func(int) { time.Sleep(time.Minute) },
			anyway(0, 1), anyway(time.Second, 2), anyway(time.Second, 3), anyway(time.Second, 4))
		checkShape(t, "Race", err, "nil")
		bubbletest.CheckElapsed(t, "Race", start, time.Minute+time.Second)
	})
	bubbletest.Run(t, "nothing if there is no success", func(t *testing.T) {
		var h scrapheap
		_, err := nursery.Race(t.Context(), h.discard, lost(0, errBoom), lost(time.Second, errBang))
		if !slices.Equal(leaves(err), []error{errBoom, errBang}) {
			t.Errorf("Race = %v, want boom and bang", err)
		}
		h.check(t, "Race")
	})
	bubbletest.Run(t, "without a function", func(t *testing.T) {
		got, err := nursery.Race(t.Context(), nil, anyway(0, 1), anyway(time.Second, 2))
		if got != 1 || err != nil {
			t.Errorf("Race = %d, %v, want 1, nil", got, err)
		}
	})
}

// A winner does not get its value to the caller if Race does not return.
func TestRaceThatDoesNotReturnDiscardsTheWinner(t *testing.T) {
	for _, b := range breaks {
		for _, c := range []struct {
			name    string
			discard func(h *scrapheap, value int)
			want    func(t *testing.T, o outcome)
		}{
			{"that returns", func(*scrapheap, int) {}, func(t *testing.T, o outcome) {
				if p, ok := o.panicked.(*nursery.PanicError); ok && len(p.Unwrap()) != 0 {
					t.Errorf("Race: panic with %v, want no others", p.Unwrap())
				}
			}},
			{"that panics", func(*scrapheap, int) { panic("bad discard") }, func(t *testing.T, o outcome) {
				p, ok := o.panicked.(*nursery.PanicError)
				if !ok || !strings.Contains(p.Error(), "bad discard") {
					t.Errorf("Race: %v, want the panic of discard in it", o)
				}
			}},
			{"that exits", func(*scrapheap, int) { runtime.Goexit() }, func(t *testing.T, o outcome) {}},
		} {
			bubbletest.Run(t, b.name+", with a discard "+c.name, func(t *testing.T) {
				var h scrapheap
				o := outcomeOf(func() error {
					_, err := nursery.Race(t.Context(), func(value int) { h.discard(value); c.discard(&h, value) },
						anyway(0, 1),
						func(context.Context) (int, error) { time.Sleep(time.Second); b.do(); return 2, nil })
					return err
				})
				h.check(t, "Race", 1)
				c.want(t, o)
				switch p, ok := o.panicked.(*nursery.PanicError); {
				case b.name == "panic" && (!ok || p.Value != "bad item"):
					t.Errorf("Race: %v, want the panic of the function", o)
				case b.name == "Goexit" && c.name != "that panics" && !o.exited:
					t.Errorf("Race: %v, want Goexit", o)
				}
			})
		}
	}
}

func TestRaceWithADiscardThatDoesNotReturn(t *testing.T) {
	for _, b := range breaks {
		bubbletest.Run(t, b.name, func(t *testing.T) {
			var h scrapheap
			o := outcomeOf(func() error {
				_, err := nursery.Race(t.Context(), func(value int) {
					h.discard(value)
					if value == 2 {
						b.do()
					}
				}, anyway(0, 1), anyway(time.Second, 2), anyway(2*time.Second, 3))
				return err
			})
			h.check(t, "Race", 1, 2, 3)
			if o.exited != (b.name == "Goexit") || (o.panicked != nil) != (b.name == "panic") {
				t.Errorf("Race: %v, want the %s", o, b.name)
			}
			if p, ok := o.panicked.(*nursery.PanicError); ok && !strings.Contains(fmt.Sprint(p.Task), "anyway") {
				t.Errorf("Race: panic of %s, want one of the function whose value was discarded", p.Task)
			}
		})
	}
	bubbletest.Run(t, "in all that can", func(t *testing.T) {
		o := outcomeOf(func() error {
			_, err := nursery.Race(t.Context(), func(value int) { panic(value) }, anyway(0, 1), anyway(time.Second, 2), anyway(2*time.Second, 3))
			return err
		})
		p, ok := o.panicked.(*nursery.PanicError)
		if !ok || p.Value != 2 || len(p.Unwrap()) != 2 {
			t.Errorf("Race: %v, want the panic with 2 and two others", o)
			return
		}
		for i, want := range []int{3, 1} {
			if other := p.Unwrap()[i].(*nursery.PanicError); other.Value != want {
				t.Errorf("Race: other panic %d with %v, want %d", i, other.Value, want)
			}
		}
	})
}
