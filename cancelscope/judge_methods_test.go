package cancelscope_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// The errors of this file call do in one of their methods.

type unwrapper struct{ do func() }

func (e *unwrapper) Error() string { return "unwrapper" }
func (e *unwrapper) Unwrap() error { e.do(); return context.Canceled }

type joiner struct{ do func() }

func (e *joiner) Error() string   { return "joiner" }
func (e *joiner) Unwrap() []error { e.do(); return []error{context.Canceled, errBang} }

type claimer struct{ do func() }

func (e *claimer) Error() string        { return "claimer" }
func (e *claimer) Is(target error) bool { e.do(); return target == context.Canceled }

type classifier struct{ do func() }

func (e *classifier) Error() string      { return "classifier" }
func (e *classifier) Cancellation() bool { e.do(); return true }
func (e *classifier) Unwrap() error      { return context.Canceled }

type deriver struct{ do func() }

func (e *deriver) Error() string             { return "deriver" }
func (e *deriver) Unwrap() []error           { return []error{context.Canceled, errBang} }
func (e *deriver) Derive(errs []error) error { e.do(); return errors.Join(errs...) }

type taskDeriver struct{ do func() }

func (e *taskDeriver) Error() string             { return "task deriver" }
func (e *taskDeriver) Unwrap() error             { e.do(); return errors.Join(context.Canceled, errBang) }
func (e *taskDeriver) Derive(errs []error) error { return errors.Join(errs...) }

// methodErrors are errors that call do while they are judged, by the method that does.
func methodErrors(do func()) map[string]error {
	return map[string]error{
		"Unwrap() error":            &unwrapper{do},
		"Unwrap() []error":          &joiner{do},
		"Is":                        &claimer{do},
		"Cancellation":              &classifier{do},
		"Derive":                    &deriver{do},
		"Unwrap() error of Derive":  &taskDeriver{do},
		"Is below a wrapper":        fmt.Errorf("dial: %w", &claimer{do}),
		"Unwrap() []error, wrapped": fmt.Errorf("all: %w", &joiner{do}),
		"Unwrap() error, joined":    errors.Join(context.Canceled, &unwrapper{do}),
	}
}

// judgements are the ways to have an error judged by s: in its Run, which absorbs or
// passes up, and by the functions.
var judgements = map[string]func(ctx context.Context, err error, s *cancelscope.Scope){
	"Run": func(ctx context.Context, err error, s *cancelscope.Scope) {
		s.Cancel(nil)
		s.Run(ctx, func(context.Context) error { return err })
	},
	"Run that passes up": func(ctx context.Context, err error, s *cancelscope.Scope) {
		var outer cancelscope.Scope
		outer.Run(ctx, func(ctx context.Context) error {
			return s.Run(ctx, func(ctx context.Context) error {
				s.SetTimeout(0)
				ctx.Err()
				outer.Cancel(nil)
				return errors.Join(err, context.DeadlineExceeded)
			})
		})
	},
	"Split": func(ctx context.Context, err error, s *cancelscope.Scope) {
		s.Run(ctx, func(ctx context.Context) error {
			s.Cancel(nil)
			cancelscope.Split(ctx, err)
			return nil
		})
	},
	"Split of a standard context": func(ctx context.Context, err error, s *cancelscope.Scope) {
		s.Run(ctx, func(ctx context.Context) error {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			cancelscope.Split(ctx, err)
			return nil
		})
	},
}

// checkLeft checks that s has ended and that none of its locks is held.
func checkLeft(t *testing.T, parent context.Context, s *cancelscope.Scope) {
	t.Helper()
	s.Cancel(nil)
	s.SetTimeout(0)
	s.SetShield(true)
	if !s.CancelCalled() || s.CanceledCaught() {
		t.Errorf("CancelCalled() = %v, CanceledCaught() = %v after the end, want true, false", s.CancelCalled(), s.CanceledCaught())
	}
	checkOpen(t, "the context outside", parent)
	if n := cancelscope.Timers(); n != 0 {
		t.Errorf("%d timers of scopes run, want none", n)
	}
}

func TestPanicWhileJudging(t *testing.T) {
	value := &ballast{} // anything, as long as it is the same
	for way, judge := range judgements {
		for method, err := range methodErrors(func() { panic(value) }) {
			t.Run(way+" of "+method, func(t *testing.T) {
				var around, s cancelscope.Scope
				var parent context.Context
				got := func() (got any) {
					defer func() { got = recover() }()
					around.Run(t.Context(), func(ctx context.Context) error {
						parent = ctx
						defer func() {
							checkLeft(t, ctx, &s)
							if n := cancelscope.Children(&around); n != 0 {
								t.Errorf("%d scopes hang below the one around, want none", n)
							}
						}()
						judge(ctx, err, &s)
						return nil
					})
					return nil
				}()
				if got != any(value) {
					t.Errorf("panic with %v, want the value of the method itself", got)
				}
				checkDone(t, "the context around", parent, context.Canceled)
			})
		}
	}
}

func TestGoexitWhileJudging(t *testing.T) {
	for way, judge := range judgements {
		for method, err := range methodErrors(runtime.Goexit) {
			t.Run(way+" of "+method, func(t *testing.T) {
				var s cancelscope.Scope
				ended, returned := make(chan struct{}), false
				go func() {
					defer close(ended)
					judge(t.Context(), err, &s)
					returned = true
				}()
				<-ended
				if returned {
					t.Error("it returned, want the goroutine to exit")
				}
				checkLeft(t, t.Context(), &s)
			})
		}
	}
}

// While a method keeps the judge waiting, the scope has ended for all other goroutines.
func TestMethodThatDoesNotReturn(t *testing.T) {
	for method := range methodErrors(nil) {
		bubbletest.Run(t, method, func(t *testing.T) {
			release := make(chan struct{})
			err := methodErrors(func() { <-release })[method]
			var s cancelscope.Scope
			s.SetTimeout(time.Hour)
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				judgements["Run"](t.Context(), err, &s)
			}()
			synctest.Wait() // the method waits
			checkLeft(t, t.Context(), &s)
			if c, ok := s.Cause().(*cancelscope.Canceled); !ok || c.Kind() != cancelscope.ByCall {
				t.Errorf("Cause() = %v, want the cancellation by hand", s.Cause())
			}
			close(release)
			<-ended
			// A chain above a mixture is real as a whole.
			if got, want := s.CanceledCaught(), method != "Unwrap() []error, wrapped"; got != want {
				t.Errorf("CanceledCaught() = %v when the method has returned, want %v", got, want)
			}
		})
	}
}

// A typed nil is an error like others as long as its methods can stand it.
func TestTypedNilWhileJudging(t *testing.T) {
	t.Run("whose method panics", func(t *testing.T) {
		defer func() {
			if err, ok := recover().(runtime.Error); !ok {
				t.Errorf("panic with %v, want the nil dereference", err)
			}
		}()
		runCanceled(t, func(context.Context) error { var e *url.Error; return e })
		t.Error("Run returned, want a panic")
	})
	t.Run("of type Canceled", func(t *testing.T) {
		var c *cancelscope.Canceled
		s, err := runCanceled(t, func(context.Context) error { return c })
		bubbletest.CheckError(t, "Run", err, c)
		bubbletest.CheckScope(t, "s", s, true, false)
	})
}

// A changing error gives another answer at each call, and counts the calls.
type changing struct {
	answers []error
	calls   map[string]int
}

func (e *changing) Error() string { return "changing" }
func (e *changing) Unwrap() []error {
	e.calls["Unwrap"]++
	return []error{e.answers[min(e.calls["Unwrap"], len(e.answers))-1]}
}
func (e *changing) Cancellation() bool {
	e.calls["Cancellation"]++
	return e.calls["Cancellation"] == 1
}

// changingClaim is a cancellation at the first call only.
type changingClaim struct{ calls int }

func (e *changingClaim) Error() string { return "changing claim" }
func (e *changingClaim) Is(error) bool { e.calls++; return e.calls == 1 }

func TestAnswersThatChange(t *testing.T) {
	for way, judge := range judgements {
		t.Run(way, func(t *testing.T) {
			e := &changing{[]error{errBoom, context.Canceled}, make(map[string]int)}
			claim := &changingClaim{}
			judge(t.Context(), errors.Join(e, claim), new(cancelscope.Scope))
			if e.calls["Unwrap"] == 0 || e.calls["Unwrap"] > 2 || claim.calls > 3 {
				t.Errorf("Unwrap was called %d times, Is %d times, want once for each judgement", e.calls["Unwrap"], claim.calls)
			}
		})
	}
	t.Run("lose nothing", func(t *testing.T) {
		e := &changing{[]error{errBoom, context.Canceled}, make(map[string]int)}
		whole := errors.Join(e, context.Canceled)
		_, err := runCanceled(t, func(context.Context) error { return whole })
		if got, want := fmt.Sprint(err), "changing"; got != want || !contains(err, e) {
			t.Errorf("Run = %q, want %q: it was real when it was judged", got, want)
		}
		if e.calls["Unwrap"] != 1 || e.calls["Cancellation"] != 1 {
			t.Errorf("methods were called %v times, want once each", e.calls)
		}
	})
	t.Run("members", func(t *testing.T) {
		e := &changing{[]error{errors.Join(errBoom, context.Canceled), context.Canceled}, make(map[string]int)}
		_, err := runCanceled(t, func(context.Context) error { return e })
		if many, ok := err.(interface{ Unwrap() []error }); !ok || !contains(errors.Join(many.Unwrap()...), errBoom) {
			t.Errorf("Run = %#v, want %v in it: it was there when the error was judged", err, errBoom)
		}
	})
}

// A comparableOnly has a type that can be compared, and a value that cannot.
type comparableOnly struct{ inside any }

func (e comparableOnly) Error() string   { return "comparable only" }
func (e comparableOnly) Unwrap() []error { return e.inside.([]error) }

func TestValuesThatCannotBeCompared(t *testing.T) {
	whole := comparableOnly{[]error{errBoom, context.Canceled}}
	_, err := runCanceled(t, func(context.Context) error { return errors.Join(whole, context.Canceled) })
	if !errors.Is(err, errBoom) || errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want %v alone in it", err, errBoom)
	}
	if errors.Is(err, whole) {
		t.Error("errors.Is finds a value that cannot be compared")
	}
	var found comparableOnly
	if !errors.As(err, &found) {
		t.Errorf("errors.As does not find a %T in %v", found, err)
	}
}
