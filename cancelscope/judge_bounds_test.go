package cancelscope_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// A looped is an error that wraps what is set later, such as itself.
type looped struct{ inner error }

func (e *looped) Error() string { return "looped" }
func (e *looped) Unwrap() error { return e.inner }

// A sliceError is an error that is a slice of others.
type sliceError []error

func (e sliceError) Error() string   { return "slice" }
func (e sliceError) Unwrap() []error { return e }

// A fresh error wraps new errors each time it is asked, endlessly.
type fresh struct {
	width int
	last  error // one more member
	asked *atomic.Int64
}

func (e fresh) Error() string { return "fresh" }
func (e fresh) Unwrap() []error {
	e.asked.Add(1)
	members := make([]error, e.width, e.width+1)
	for i := range members {
		members[i] = fresh{e.width, e.last, e.asked}
	}
	return append(members, e.last)
}

// A freshWrapper is one that wraps a single new error each time.
type freshWrapper struct{ asked *atomic.Int64 }

func (e freshWrapper) Error() string { return "fresh wrapper" }
func (e freshWrapper) Unwrap() error { e.asked.Add(1); return freshWrapper{e.asked} }

// diamond returns joins of two, depth deep, that all lead to the same leaf.
func diamond(depth int, leaf error) error {
	err := leaf
	for range depth {
		err = &manyErrors{[]error{err, err}}
	}
	return err
}

// deep returns leaf with that many wrappers around it.
func deep(levels int, leaf error) error {
	for range levels {
		leaf = &looped{leaf}
	}
	return leaf
}

// endless are errors that have no end, or nearly none. Each is real, and one leaf.
func endless() map[string]error {
	self := &looped{}
	self.inner = self
	pair := &looped{&looped{}}
	pair.inner.(*looped).inner = pair
	join := &manyErrors{make([]error, 3)}
	join.errs[0], join.errs[1], join.errs[2] = context.Canceled, join, errBang
	twice := &manyErrors{make([]error, 2)}
	twice.errs[0], twice.errs[1] = twice, twice
	slice := make(sliceError, 2)
	slice[0], slice[1] = slice, context.Canceled
	task := &derivingTask{}
	task.err = &manyErrors{[]error{task, context.Canceled}}
	ring := &manyErrors{[]error{context.Canceled, &manyErrors{make([]error, 1)}}}
	ring.errs[1].(*manyErrors).errs[0] = fmt.Errorf("below: %w", ring)
	return map[string]error{
		"wraps itself":                        self,
		"wraps what wraps it":                 pair,
		"a join that contains itself":         join,
		"a join that is nothing but itself":   twice,
		"a slice that contains itself":        slice,
		"a task's error that contains itself": task,
		"a ring through a wrapper":            ring,
		"a million wrappers":                  deep(1_000_000, context.Canceled),
		"a new wrapper each time":             freshWrapper{new(atomic.Int64)},
		"a diamond above a real error":        diamond(22, errBang),
	}
}

// inWays calls f with an error that stands alone, in joins, and below wrappers. others
// are the leaves beside it that are real.
func inWays(err error, f func(way string, whole error, others []error)) {
	f("alone", err, nil)
	f("joined", errors.Join(context.Canceled, err, errBoom, context.Canceled), []error{errBoom})
	f("nested", errors.Join(context.Canceled, errors.Join(err, context.Canceled)), nil)
	f("in a type of its own", &manyErrors{[]error{errBoom, nil, err, context.Canceled}}, []error{errBoom})
}

// contains reports whether err is leaf, or joins it at any depth. It looks into each
// join once.
func contains(err, leaf error) bool {
	seen := make(map[any]bool)
	var look func(err error) bool
	look = func(err error) bool {
		if identical(err, leaf) {
			return true
		}
		many, ok := err.(interface{ Unwrap() []error })
		if _, endless := err.(fresh); !ok || endless {
			return false
		}
		key := any(err)
		if s, ok := err.(sliceError); ok {
			key = [2]any{&s[0], len(s)}
		}
		if seen[key] {
			return false
		}
		seen[key] = true
		return slices.ContainsFunc(many.Unwrap(), func(in error) bool { return in != nil && look(in) })
	}
	return look(err)
}

func TestEndlessErrorsAreRealAndKept(t *testing.T) {
	for name, err := range endless() {
		t.Run(name, func(t *testing.T) {
			inWays(err, func(way string, whole error, others []error) {
				s, got := runCanceled(t, func(context.Context) error { return whole })
				checkKept(t, "Run of a block that returns it "+way, got, append(others, err))
				if cut := way != "alone"; s.CanceledCaught() != cut {
					t.Errorf("%s: CanceledCaught() = %v, want %v", way, !cut, cut)
				}
				if way == "alone" && !identical(got, err) {
					t.Errorf("Run of a block that returns it = %T, want the same value", got)
				}
			})
		})
	}
}

// checkKept checks that err consists of some real errors, and that no cancellation
// stands beside them.
func checkKept(t *testing.T, call string, err error, want []error) {
	t.Helper()
	for _, leaf := range want {
		if !contains(err, leaf) {
			t.Errorf("%s = %T, which does not contain %T", call, err, leaf)
		}
	}
	if len(want) > 1 || !identical(err, want[0]) {
		if contains(err, context.Canceled) && !contains(want[len(want)-1], context.Canceled) {
			t.Errorf("%s = %T, want no cancellation in it", call, err)
		}
	}
}

// A scope that is not the last one to know of the cancellation judges twice.
func TestEndlessErrorsPassUp(t *testing.T) {
	for name, err := range endless() {
		t.Run(name, func(t *testing.T) {
			inWays(err, func(way string, whole error, others []error) {
				var outer cancelscope.Scope
				inner := cancelscope.Scope{Adjustable: true}
				got := outer.Run(t.Context(), func(ctx context.Context) error {
					got := inner.Run(ctx, func(ctx context.Context) error {
						inner.SetTimeout(0)
						checkDone(t, "ctx", ctx, context.DeadlineExceeded)
						outer.Cancel(nil)
						return whole
					})
					for _, leaf := range append(others, err) {
						if !contains(got, leaf) {
							t.Errorf("inner.Run of a block that returns it %s = %T, which does not contain %T", way, got, leaf)
						}
					}
					return got
				})
				checkKept(t, "outer.Run of a block that returns it "+way, got, append(others, err))
			})
		})
	}
}

// Trees that make up new errors end, and what was not looked at stays.
func TestFreshErrorsAreBounded(t *testing.T) {
	for _, width := range []int{1, 2, 50} {
		t.Run(fmt.Sprintf("%d new ones each time", width), func(t *testing.T) {
			asked := new(atomic.Int64)
			err := fresh{width, context.Canceled, asked}
			s, got := runCanceled(t, func(context.Context) error { return err })
			if got == nil || got.Error() != "fresh" {
				t.Errorf("Run = %v, want an error like the one of the block", got)
			}
			if n := asked.Load(); n == 0 || n > 1<<18 {
				t.Errorf("Unwrap was called %d times, want at most %d", n, 1<<18)
			}
			bubbletest.CheckScope(t, "s", s, true, true)
		})
	}
}

// What is large but has an end is judged to its end.
func TestLargeErrorsAreJudged(t *testing.T) {
	wide := make([]error, 100_000)
	for i := range wide {
		wide[i] = fmt.Errorf("item %d: %w", i, context.Canceled)
	}
	mixed := append([]error{errBoom}, wide...)
	for name, test := range map[string]struct{ err, want error }{
		"a wide join":                        {errors.Join(wide...), nil},
		"a wide join with a real error":      {errors.Join(mixed...), errBoom},
		"many wrappers":                      {deep(5_000, context.Canceled), nil},
		"a deep diamond":                     {diamond(500, context.Canceled), nil},
		"a diamond above both":               {diamond(500, errors.Join(context.Canceled, errBoom)), errBoom},
		"a diamond of wrapped joins":         {deep(3, diamond(500, deep(3, context.Canceled))), nil},
		"a join that two others share":       {errors.Join(diamond(1, context.Canceled), diamond(1, context.Canceled)), nil},
		"an empty join, met twice":           {diamond(1, errors.Join(&manyErrors{}, context.Canceled)), &manyErrors{}},
		"the same slice twice":               {diamond(1, sliceError{context.Canceled, errBoom}), errBoom},
		"a slice and a shorter one of it":    {sliceOverlap(), errBoom},
		"twenty joins, and one of them anew": {manyJoins(20), errBoom},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := runCanceled(t, func(context.Context) error { return test.err })
			switch {
			case test.want == nil:
				bubbletest.CheckError(t, "Run", err, nil)
			case contains(err, context.Canceled):
				t.Errorf("Run = %T with a cancellation in it, want none", err)
			case test.want == errBoom && !errors.Is(err, errBoom):
				t.Errorf("Run = %v, want %v in it", err, test.want)
			case err == nil:
				t.Errorf("Run = nil, want %v", test.want)
			}
			bubbletest.CheckScope(t, "s", s, true, true)
		})
	}
}

// sliceOverlap returns two errors that are parts of one slice, of which the longer one
// has a real error at its end.
func sliceOverlap() error {
	all := sliceError{context.Canceled, errBoom}
	return &manyErrors{[]error{all[:1], all}}
}

// manyJoins returns n joins of a cancellation and a real error, and the first again.
func manyJoins(n int) error {
	all := make([]error, n+1)
	for i := range n {
		all[i] = errors.Join(context.Canceled, errBoom)
	}
	all[n] = all[0]
	return errors.Join(all...)
}

// Joins that are nested too deep to be divided are real.
func TestJoinsNestedTooDeep(t *testing.T) {
	err := error(context.Canceled)
	for range 2_000 {
		err = errors.Join(err)
	}
	s, got := runCanceled(t, func(context.Context) error { return err })
	bubbletest.CheckError(t, "Run", got, err)
	bubbletest.CheckScope(t, "s", s, true, false)
}

// The error of a foreign context is searched for a timeout with bounds.
func TestForeignErrorsAreBounded(t *testing.T) {
	claims := &claimingError{context.DeadlineExceeded}
	for name, test := range map[string]struct{ err, want error }{
		"a timeout":                      {context.DeadlineExceeded, context.DeadlineExceeded},
		"a wrapped timeout":              {deep(10, context.DeadlineExceeded), context.DeadlineExceeded},
		"a claim":                        {deep(10, claims), context.DeadlineExceeded},
		"a timeout in a join":            {errors.Join(errBoom, deep(3, context.DeadlineExceeded)), context.DeadlineExceeded},
		"a timeout too deep to be found": {deep(1_000_000, context.DeadlineExceeded), context.Canceled},
		"an error that wraps nothing":    {&looped{}, context.Canceled},
		"new errors each time":           {fresh{100, errBang, new(atomic.Int64)}, context.Canceled},
	} {
		checkForeign(t, name, test.err, test.want)
	}
	for name, err := range endless() {
		checkForeign(t, name, err, context.Canceled)
	}
}

// checkForeign checks what Err says in a scope whose context outside gives err.
func checkForeign(t *testing.T, name string, err, want error) {
	t.Helper()
	outside := newForeignContext(t.Context())
	outside.cancel(err)
	var s cancelscope.Scope
	got := s.Run(outside, func(ctx context.Context) error {
		checkDone(t, "the context in a scope, outside gives "+name+":", ctx, want)
		return ctx.Err()
	})
	if !cancelscope.IsCancellation(outside, got) || !errors.Is(got, want) {
		t.Errorf("%s: Run = %v, want a cancellation of the context outside that is %v", name, got, want)
	}
}

// Judging is over before a test would notice.
func TestEndlessErrorsInLimits(t *testing.T) {
	for name, err := range endless() {
		bubbletest.Run(t, name, func(t *testing.T) {
			got := cancelscope.Shield(t.Context(), time.Second, func(ctx context.Context) error {
				return errors.Join(err, untilDone(ctx))
			})
			if !contains(got, err) {
				t.Errorf("Shield = %T, want the error in it", got)
			}
		})
	}
}
