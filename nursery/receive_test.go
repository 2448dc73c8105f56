package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/record"
	"github.com/trellis-go/trellis/memchan"
	"github.com/trellis-go/trellis/nursery"
)

// scripted is a receive function that gives the numbers from 0 to before count, and then
// does what end does.
func scripted(count int, end func(ctx context.Context) error) func(ctx context.Context) (int, error) {
	next := 0
	return func(ctx context.Context) (int, error) {
		if next == count {
			return -1, end(ctx) // a value beside an error is none
		}
		next++
		return next - 1, nil
	}
}

// An endError claims to be the end of something.
type endError struct{ is func(target error) bool }

func (e *endError) Error() string        { return "end" }
func (e *endError) Is(target error) bool { return e.is(target) }

func TestReceiveFunctionsEnd(t *testing.T) {
	for _, end := range []struct {
		name string
		err  error
		want string
	}{
		{"io.EOF", io.EOF, "nil"},
		{"memchan.ErrEndOfChannel", memchan.ErrEndOfChannel, "nil"},
		{"an error that claims to be io.EOF", &endError{func(target error) bool { return target == io.EOF }}, "nil"},
		{"an error that claims to be another", &endError{func(target error) bool { return target == io.ErrUnexpectedEOF }}, "[receive=end]"},
		{"an error that wraps io.EOF", fmt.Errorf("header: %w", io.EOF), "[receive=header: EOF]"},
		{"errors.Join(io.EOF)", errors.Join(io.EOF), "[receive=join(EOF)]"},
		{"io.ErrUnexpectedEOF", io.ErrUnexpectedEOF, "[receive=unexpected EOF]"},
		{"a failure", errBoom, "[receive=boom]"},
		{"context.Canceled of another context", context.Canceled, "[receive=context canceled]"},
		{"nothing but a join of nothing", fmt.Errorf("%w", error(nil)), "[receive=%!w(<nil>)]"},
	} {
		for _, limit := range []int{1, 3} {
			inBubble(t, fmt.Sprintf("%s, limit %d", end.name, limit), func(t *testing.T) {
				script := func() func(context.Context) (int, error) {
					return scripted(4, func(context.Context) error { synctest.Wait(); return end.err }) // all items have ended
				}
				got, err := nursery.Map(t.Context(), limit, script(), identity[int])
				checkShape(t, "Map", err, end.want)
				if !slices.Equal(got, numbers(4)) {
					t.Errorf("Map = %v, want 0 to 3", got)
				}
				got, err = collect(t, nursery.MapSeq(t.Context(), limit, script(), identity[int]))
				checkShape(t, "MapSeq", err, end.want)
				if !slices.Equal(got, numbers(4)) {
					t.Errorf("MapSeq = %v, want 0 to 3", got)
				}
			})
		}
	}
}

// failAfterASecond is an item that fails when the next one is being waited for.
func failAfterASecond(context.Context, int) error {
	time.Sleep(time.Second)
	return errBoom
}

func TestReceiveFunctionsFail(t *testing.T) {
	inBubble(t, "and cancel the items", func(t *testing.T) {
		start := time.Now()
		var blame error
		err := nursery.ForEach(t.Context(), 2, scripted(1, func(context.Context) error { time.Sleep(time.Second); return errBoom }),
			func(ctx context.Context, _ int) error {
				blame = sleeping(forever)(ctx)
				return blame
			})
		checkShape(t, "ForEach", err, "[receive=boom]")
		checkElapsed(t, "ForEach", start, time.Second)
		if c := checkCanceled(t, "Sleep of an item", blame, cancelscope.ByTask); c.Reason() == nil || c.Reason().Error() != "receive: boom" {
			t.Errorf("the reason for which the item was canceled: %v, want receive: boom", c.Reason())
		}
	})
	inBubble(t, "because of an item", func(t *testing.T) {
		err := nursery.ForEach(t.Context(), 2, scripted(1, func(ctx context.Context) error {
			<-ctx.Done()
			return errors.Join(ctx.Err(), errBang)
		}), failAfterASecond)
		checkShape(t, "ForEach", err, "[item 0=boom receive=join(bang)]")
	})
	inBubble(t, "with the end, because they were canceled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		err := nursery.ForEach(ctx, 2, scripted(1, func(ctx context.Context) error { <-ctx.Done(); return io.EOF }),
			func(context.Context, int) error { return nil })
		checkCanceled(t, "ForEach", err, cancelscope.ByParent)
	})
	inBubble(t, "and are not called again", func(t *testing.T) {
		for _, end := range []error{io.EOF, errBoom} {
			calls := 0
			err := nursery.ForEach(t.Context(), 8, scripted(0, func(context.Context) error { calls++; return end }),
				func(context.Context, int) error { return nil })
			if calls != 1 {
				t.Errorf("%d calls of a receive function that returns %v, ForEach = %v, want 1 call", calls, end, err)
			}
		}
	})
}

func TestReceiveFunctionsAreCalledOneAtATime(t *testing.T) {
	inBubble(t, "with the context of the items", func(t *testing.T) {
		var now, total atomic.Int64
		err := nursery.ForEach(t.Context(), 5, func(ctx context.Context) (context.Context, error) {
			if now.Add(1) != 1 {
				t.Error("two calls at a time")
			}
			defer now.Add(-1)
			runtime.Gosched()
			if total.Add(1) > 200 {
				return nil, io.EOF
			}
			return ctx, nil
		}, func(ctx, received context.Context) error {
			if ctx != received && !record.On() { // which gives each worker a context of its own
				t.Error("the receive function and the items have different contexts")
			}
			return nil
		})
		checkShape(t, "ForEach", err, "nil")
	})
}

func panickingReceive(context.Context) error { panic("bad receive") }

func TestReceiveFunctionsThatDoNotReturn(t *testing.T) {
	ends := []struct {
		name  string
		end   func(ctx context.Context) error
		check func(t *testing.T, call string, o outcome)
	}{
		{"panic", panickingReceive, func(t *testing.T, call string, o outcome) {
			raisedBy(t, call, o, "receive", "bad receive", "panickingReceive")
		}},
		{"Goexit", func(context.Context) error { runtime.Goexit(); return nil }, func(t *testing.T, call string, o outcome) {
			if !o.exited {
				t.Errorf("%s: %v, want Goexit", call, o)
			}
		}},
		{"an error whose Is method panics", func(context.Context) error {
			return &endError{func(error) bool { panic("bad Is") }}
		}, func(t *testing.T, call string, o outcome) {
			raisedBy(t, call, o, "receive", "bad Is", "isEnd")
		}},
		{"an error whose Is method exits", func(context.Context) error {
			return &endError{func(error) bool { runtime.Goexit(); return false }}
		}, func(t *testing.T, call string, o outcome) {
			if !o.exited {
				t.Errorf("%s: %v, want Goexit", call, o)
			}
		}},
	}
	for _, end := range ends {
		for _, limit := range []int{1, 2, 10} {
			for _, before := range []int{0, 1, 4} {
				inBubble(t, fmt.Sprintf("%s, limit %d, after %d items", end.name, limit, before), func(t *testing.T) {
					var g gauge
					fn := func(ctx context.Context, item int) (int, error) {
						g.enter()
						defer g.leave()
						if limit <= before {
							return item, nil
						}
						return item, sleeping(forever)(ctx)
					}
					end.check(t, "Map", outcomeOf(func() error {
						_, err := nursery.Map(t.Context(), limit, scripted(before, end.end), fn)
						return err
					}))
					end.check(t, "MapUnordered", outcomeOf(func() error {
						_, err := collect(t, nursery.MapUnordered(t.Context(), limit, scripted(before, end.end), fn))
						return err
					}))
					if g.now.Load() != 0 || g.total.Load() != int64(2*before) {
						t.Errorf("%d items run, %d have begun, want 0, %d", g.now.Load(), g.total.Load(), 2*before)
					}
				})
			}
		}
	}
}

// errNilPointer is a nil pointer with the methods of an error, which panics when it is judged.
var errNilPointer = error((*url.Error)(nil))

// An exitError calls runtime.Goexit when it is judged.
type exitError struct{}

func (exitError) Error() string { return "exit" }
func (exitError) Unwrap() error { runtime.Goexit(); return nil }

// An error that misbehaves while it is judged is a panic, or an exit, of the task that
// returned it.
func TestErrorsOfItemsThatMisbehave(t *testing.T) {
	for _, s := range sources {
		for _, limit := range []int{2, 5} {
			inBubble(t, fmt.Sprintf("%s, nil pointer, limit %d", s.name, limit), func(t *testing.T) {
				o := outcomeOf(func() error {
					return s.forEach(t.Context(), limit, 20, func(ctx context.Context, item int) error {
						if item == 1 {
							return failing(time.Second, errBoom)(ctx)
						}
						<-ctx.Done()
						return errNilPointer
					})
				})
				p, ok := o.panicked.(*nursery.PanicError)
				if _, is := any(p.Value).(runtime.Error); !ok || !is || p.Task == "item 1" {
					t.Fatalf("ForEach: %v, want a panic of another item", o)
				}
				if !errors.Is(p, errBoom) || len(p.Unwrap()) != limit {
					t.Errorf("ForEach: panic with %v, want the failure of item 1 and %d panics among them", p.Unwrap(), limit-1)
				}
			})
			inBubble(t, fmt.Sprintf("%s, exit, limit %d", s.name, limit), func(t *testing.T) {
				o := outcomeOf(func() error {
					return s.forEach(t.Context(), limit, 20, func(ctx context.Context, item int) error {
						if item == 1 {
							return failing(time.Second, errBoom)(ctx)
						}
						<-ctx.Done()
						return exitError{}
					})
				})
				if !o.exited {
					t.Errorf("ForEach: %v, want Goexit", o)
				}
			})
		}
	}
	inBubble(t, "of a receive function", func(t *testing.T) {
		o := outcomeOf(func() error {
			return nursery.ForEach(t.Context(), 2, scripted(1, func(ctx context.Context) error { <-ctx.Done(); return errNilPointer }),
				failAfterASecond)
		})
		p, ok := o.panicked.(*nursery.PanicError)
		if !ok || p.Task != "receive" || !errors.Is(p, errBoom) {
			t.Errorf("ForEach: %v, want a panic of receive with boom", o)
		}
	})
}
