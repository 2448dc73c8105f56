package cancelscope_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/internal/stress"
)

// The tests in this file are each for one of the fields of a Scope that are read
// without a lock, and for the invariant that stands beside it.

// occupy enters s, in a goroutine of its own, and returns its context and how to leave
// it.
func occupy(ctx context.Context, s *cancelscope.Scope) (inside context.Context, leave func()) {
	entered, over, left := make(chan context.Context), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(left)
		_ = s.Run(ctx, func(ctx context.Context) error {
			entered <- ctx
			<-over
			return nil
		})
	}()
	return <-entered, func() { close(over); <-left }
}

// A line is some scopes, each around the next, that are occupied.
type line struct {
	scopes []*cancelscope.Scope
	ctxs   []context.Context
	leaves []func()
}

// newLine enters n adjustable scopes inside ctx. Each is canceled before many
// siblings, so that the scope around it takes a while to finish its cancellation.
func newLine(ctx context.Context, n, siblings int) *line {
	l := &line{}
	for range n {
		for range siblings {
			_, leave := occupy(ctx, new(cancelscope.Scope))
			l.leaves = append(l.leaves, leave)
		}
		s := &cancelscope.Scope{Adjustable: true}
		var leave func()
		ctx, leave = occupy(ctx, s)
		l.leaves = append(l.leaves, leave)
		l.scopes, l.ctxs = append(l.scopes, s), append(l.ctxs, ctx)
	}
	return l
}

// leave leaves all of them.
func (l *line) leave() {
	for _, leave := range slices.Backward(l.leaves) {
		leave()
	}
}

// together calls all fs at the same time and waits for them.
func together(fs ...func()) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for _, f := range fs {
		wg.Go(func() { <-start; f() })
	}
	close(start)
	wg.Wait()
}

// cause is written once, and when Cancel returns everything below has it.
func TestStressCause(t *testing.T) {
	stress.Run(t, 400, func(r *stress.Round) {
		rng := r.Rand(0)
		timers := cancelscope.Timers()
		l := newLine(context.Background(), 5, 0)
		defer l.leave()
		low := len(l.scopes) - 1
		tops := []int{rng.IntN(low + 1), rng.IntN(low + 1)}
		reasons := []error{errors.New("first"), errors.New("second")}
		causes := make([]error, 4)
		l.scopes[low].SetTimeout(time.Hour)
		cancel := func(who int) {
			top := tops[who]
			l.scopes[top].Cancel(reasons[who])
			for i := top; i <= low; i++ {
				if l.ctxs[i].Err() != context.Canceled || !bubbletest.IsClosed(l.ctxs[i].Done()) {
					r.Errorf("after Cancel of scope %d: scope %d has Err %v, and Done is closed: %v",
						top, i, l.ctxs[i].Err(), bubbletest.IsClosed(l.ctxs[i].Done()))
				}
			}
			causes[who] = context.Cause(l.ctxs[low])
		}
		together(
			func() { cancel(0) },
			func() { cancel(1) },
			func() { <-l.ctxs[low].Done(); causes[2] = context.Cause(l.ctxs[low]) },
			func() {
				for l.ctxs[low].Err() == nil {
					runtime.Gosched()
				}
				causes[3] = context.Cause(l.ctxs[low])
			},
		)
		if got := cancelscope.Timers(); got != timers {
			r.Errorf("after Cancel there are %d timers, want %d as before", got, timers)
		}
		for i := max(tops[0], tops[1]); i <= low; i++ {
			causes = append(causes, context.Cause(l.ctxs[i]), l.scopes[i].Cause())
		}
		for i, cause := range causes {
			if cause != causes[0] || !errors.Is(cause, reasons[0]) && !errors.Is(cause, reasons[1]) {
				r.Errorf("cause %d is %p %v, want that of all others, %p %v", i, cause, cause, causes[0], causes[0])
			}
		}
	})
}

// A scope that is entered while the one around it is canceled is canceled as well.
func TestStressCauseOnEntry(t *testing.T) {
	stress.Run(t, 400, func(r *stress.Round) {
		l := newLine(context.Background(), 1, 0)
		defer l.leave()
		var inner cancelscope.Scope
		together(
			func() { l.scopes[0].Cancel(nil) },
			func() {
				ctx, leave := occupy(l.ctxs[0], &inner)
				defer leave()
				<-ctx.Done()
			},
		)
		if inner.Cause() != l.scopes[0].Cause() {
			r.Errorf("scope entered during Cancel: Cause() = %v, want %v", inner.Cause(), l.scopes[0].Cause())
		}
	})
}

// due and source follow what is around: deadlines that move, and shields that come off
// so that a context outside of all scopes counts again.
func TestStressSight(t *testing.T) {
	stress.Run(t, 8, func(r *stress.Round) {
		rng := r.Rand(0)
		outer, cancel := context.WithCancel(context.Background())
		defer cancel()
		l := newLine(outer, 4, 10)
		defer l.leave()
		toggles := func(i, times int) func() {
			return func() {
				for range times {
					l.scopes[i].SetShield(true)
					l.scopes[i].SetShield(false)
				}
			}
		}
		moves := func(i, times int) func() {
			return func() {
				for n := range times {
					l.scopes[i].SetTimeout(time.Duration(1+n) * time.Hour)
					l.scopes[i].SetDeadline(time.Time{})
				}
				if i%2 == 0 {
					l.scopes[i].SetTimeout(time.Duration(1+i) * time.Hour)
				}
			}
		}
		for range 100 {
			var calls []func()
			for i := range l.scopes {
				calls = append(calls, toggles(i, rng.IntN(5)), moves(i, rng.IntN(5)))
			}
			together(calls...)
		}
		cancel()
		if err := l.ctxs[3].Err(); err != context.Canceled {
			r.Errorf("after the cancellation outside: Err() of the innermost scope = %v, want %v", err, context.Canceled)
		}
	})
}

// A deadline outside counts from the instant when it has passed, without any timer, and
// whatever is moved at the same time.
func TestStressDeadline(t *testing.T) {
	stress.Run(t, 200, func(r *stress.Round) {
		rng := r.Rand(0)
		l := newLine(context.Background(), 3, 0)
		defer l.leave()
		soon := time.Now().Add(time.Duration(rng.IntN(int(100 * time.Microsecond))))
		together(
			func() { l.scopes[0].SetTimeout(time.Hour); l.scopes[0].SetDeadline(soon) },
			func() { l.scopes[1].SetShield(true); l.scopes[1].SetShield(false) },
			func() { l.scopes[2].SetTimeout(time.Hour); l.scopes[2].SetDeadline(time.Time{}) },
		)
		for !time.Now().After(soon) {
			runtime.Gosched()
		}
		// No call has looked further out.
		if err := l.ctxs[2].Err(); err != context.DeadlineExceeded {
			r.Errorf("after the deadline of the scope outside: Err() = %v, want %v", err, context.DeadlineExceeded)
		}
		if got, want := l.scopes[2].Cause(), l.scopes[0].Cause(); got != want {
			r.Errorf("after the deadline of the scope outside: Cause() = %v, want %v", got, want)
		}
	})
}

// bridged is set when there is a Done channel to be had, the only one.
func TestStressBridged(t *testing.T) {
	stress.Run(t, 400, func(r *stress.Round) {
		l := newLine(context.Background(), 2, 0)
		defer l.leave()
		ctx := l.ctxs[1]
		channels := make([]<-chan struct{}, 4)
		derived := make([]context.Context, 4)
		var calls []func()
		for i := range channels {
			calls = append(calls, func() { channels[i] = ctx.Done() }, func() {
				var cancel context.CancelFunc
				derived[i], cancel = context.WithCancel(context.WithValue(ctx, r, i))
				_ = cancel // ctx will be done
			}, func() { context.Cause(ctx) })
		}
		calls = append(calls, func() { l.scopes[0].Cancel(nil) })
		together(calls...)
		for i, done := range channels {
			if done == nil || done != ctx.Done() {
				r.Errorf("Done() = %v in one goroutine, want %v as at the end", done, ctx.Done())
			} else if !bubbletest.IsClosed(done) {
				r.Errorf("Done channel %d is open after Cancel", i)
			}
		}
		for _, ctx := range derived {
			if ctx.Err() != context.Canceled || context.Cause(ctx) != l.scopes[0].Cause() {
				r.Errorf("derived context: Err() = %v with cause %v, want %v with %v",
					ctx.Err(), context.Cause(ctx), context.Canceled, l.scopes[0].Cause())
			}
		}
	})
}

// watched reaches all that must close a Done channel: no call looks here after the
// channel has been asked for, and if a timer is lost the test hangs.
func TestStressWatched(t *testing.T) {
	for _, what := range []string{"timer", "context"} {
		t.Run(what, func(t *testing.T) {
			stress.Run(t, 300, func(r *stress.Round) {
				rng := r.Rand(0)
				outer, cancel := context.WithCancel(context.Background())
				defer cancel()
				l := newLine(outer, 4, 0)
				defer l.leave()
				low := len(l.scopes) - 1
				shield := 1 + rng.IntN(2)
				if what == "context" {
					shield = rng.IntN(3)
				}
				var done [2]<-chan struct{}
				toggle := func(i int) func() {
					return func() {
						l.scopes[i].SetShield(true)
						runtime.Gosched()
						l.scopes[i].SetShield(false)
					}
				}
				together(
					func() { done[0] = l.ctxs[low].Done() },
					func() { done[1] = l.ctxs[low-1].Done() },
					toggle(shield),
					toggle(shield+1),
					func() { l.scopes[0].SetTimeout(time.Hour) },
				)
				if what == "timer" {
					l.scopes[0].SetTimeout(time.Duration(rng.IntN(int(50 * time.Microsecond))))
				} else {
					cancel()
				}
				<-done[0]
				<-done[1]
			})
		})
	}
}

// A scope whose own deadline counts for nothing, because one around it is earlier, has
// no timer. It needs one as soon as that one moves away.
func TestStressFirst(t *testing.T) {
	stress.Run(t, 300, func(r *stress.Round) {
		rng := r.Rand(0)
		timers := cancelscope.Timers()
		l := newLine(context.Background(), 3, 0)
		l.scopes[0].SetTimeout(time.Hour)
		done := l.ctxs[2].Done()
		together(
			func() { l.scopes[0].SetDeadline(time.Time{}) },
			func() { l.scopes[1].SetTimeout(2 * time.Hour) },
			func() { l.scopes[1].SetShield(true); l.scopes[1].SetShield(false) },
			func() { l.scopes[2].SetTimeout(time.Duration(rng.IntN(int(100 * time.Microsecond)))) },
		)
		<-done
		l.leave()
		if got := cancelscope.Timers(); got != timers {
			r.Errorf("after the scopes there are %d timers, want %d as before", got, timers)
		}
	})
}
