package cancelscope_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
)

// FuzzFilter returns random trees of errors from blocks of scopes in random states.
// The oracle (see fuzz_tree_test.go) knows what every part of a tree is because it
// built it; it never looks into an error to find out.
//
// The first byte is the state (see newFilterState); then come, after their number,
// the things that are done to the scopes (see apply); the rest is the tree.
func FuzzFilter(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte{0, 0, 5, 3, 0, 1, 2})                          // a real error and both bare ones, joined; nothing canceled
	f.Add([]byte{0, 1, 0, 5, 3, 0, 1, 2})                       // the same, inner scope canceled by hand
	f.Add([]byte{0, 1, 1, 5, 3, 0, 1, 2})                       // by its deadline
	f.Add([]byte{0, 2, 0, 3, 5, 3, 0, 1, 2})                    // inner by hand, then outer by its deadline
	f.Add([]byte{1, 2, 2, 1, 13, 5, 2, 0, 1})                   // shielded; a chain over a mixture
	f.Add([]byte{2, 1, 2, 4, 2, 1, 5, 2, 0, 3, 0})              // values between
	f.Add([]byte{4, 1, 4, 5, 4, 1, 3, 0, 8, 2, 0, 1})           // a WithCancel between, canceled
	f.Add([]byte{4, 2, 4, 2, 5, 4, 1, 3, 0, 8, 2, 0, 1})        // and the outer scope after it
	f.Add([]byte{6, 1, 4, 5, 4, 1, 2, 3, 0, 3, 1})              // a WithCancelCause with a strange cause
	f.Add([]byte{7, 3, 4, 3, 5, 3, 1})                          // whose cause is returned where the outer scope was canceled otherwise
	f.Add([]byte{0, 1, 0, 7, 2, 0, 1})                          // a multi-error without Derive
	f.Add([]byte{0, 1, 0, 9, 5, 2, 0, 1})                       // a task's error over a mixture
	f.Add([]byte{0, 1, 0, 5, 2, 10, 1, 1})                      // something that refuses to be a cancellation
	f.Add([]byte{0, 1, 0, 5, 2, 7, 0, 1})                       // a multi-error without members
	f.Add([]byte{0, 1, 0, 5, 3, 7, 2, 16, 16, 1, 0})            // one whose members are nil
	f.Add([]byte{0, 1, 0, 5, 2, 12, 1, 12, 0})                  // leaves that claim to be a cancellation
	f.Add([]byte{0, 1, 0, 5, 3, 14, 15, 1})                     // a value that cannot be compared; a chain to nowhere
	f.Add([]byte{0, 2, 2, 0, 5, 4, 3, 0, 3, 1, 3, 2, 3, 3})     // *Canceled of every origin
	f.Add([]byte{1, 3, 0, 5, 3, 5, 4, 3, 0, 3, 1, 3, 2, 11, 1}) // the shield taken off
	f.Add([]byte{0, 1, 0, 5, 3, 17, 1, 18, 0})                  // errors that contain themselves
	f.Add([]byte{0, 1, 0, 5, 2, 19, 5, 2, 0, 1, 1})             // the same join twice
	f.Add([]byte{0, 1, 0, 5, 3, 20, 1, 21, 1, 0})               // too many wrappers, and many
	f.Add([]byte{0, 1, 0, 5, 2, 22, 1})                         // a typed nil whose methods panic
	f.Add([]byte{0, 2, 0, 3, 5, 3, 22, 1, 2})                   // and where it is passed up
	f.Add([]byte{0, 1, 0, 5, 3, 23, 0, 23, 1, 1})               // answers that change
	f.Fuzz(func(t *testing.T, data []byte) {
		in := &errorBuilder{data: data}
		s := newFilterState(in.next())
		s.run(t, in, in.bytes(int(in.next())%8))
	})
}

// What may lie between the two scopes of a filterState.
const (
	nothingBetween = iota
	valueBetween
	cancelBetween // a context.WithCancel
	causeBetween  // a context.WithCancelCause, with the cause of an unrelated scope
	numBetween
)

// A filterState is an outer scope, an inner one whose block returns the tree, and
// what must be known about their cancellation.
type filterState struct {
	outer, inner cancelscope.Scope
	between      int
	shield       bool // of inner

	outerErr                error // what Err says in the outer scope
	aroundErr               error // what it says just outside the inner scope
	aroundOrigin            originOf
	innerErr                error // what it says in the inner scope
	innerOrigin             originOf
	outerCtx, ctx, innerCtx context.Context
	cancel                  context.CancelFunc // of what is between
}

// strangeCause is a *Canceled that has nothing to do with any other scope.
func strangeCause() error {
	var s cancelscope.Scope
	s.SetTimeout(0)
	_ = s.Run(context.Background(), func(ctx context.Context) error { return ctx.Err() })
	return s.Cause()
}

func newFilterState(b byte) *filterState {
	s := &filterState{between: int(b>>1) % numBetween, shield: b&1 != 0, cancel: func() {}}
	s.outer.Adjustable, s.inner.Adjustable = true, true
	s.inner.SetShield(s.shield)
	return s
}

// visible reports whether the inner scope sees its parent canceled.
func (s *filterState) visible() bool { return !s.shield && s.aroundErr != nil }

// absorbs reports whether the inner scope keeps cancellations to itself.
func (s *filterState) absorbs() bool { return s.innerErr != nil && !s.visible() }

// inside is how the inner scope judges, around how the context just outside of it is
// judged, and outside how the outer scope does. A cancellation of what is between is
// not one of the outer scope, but cannot be distinguished from one if Err returns the same.
func (s *filterState) inside() filterJudgement {
	return filterJudgement{s.innerErr, []originOf{beganInner, beganBetween, beganOuter}}
}

func (s *filterState) around() filterJudgement {
	return filterJudgement{s.aroundErr, []originOf{beganBetween, beganOuter}}
}

// passing is how the inner scope judges what the scopes around it know already when it
// passes a cancellation up. The cause of what is between is not one of these: what leaves
// a scope has the whole story.
func (s *filterState) passing() filterJudgement {
	j := s.around()
	if s.between == causeBetween {
		j.origins = []originOf{beganOuter}
	}
	return j
}

func (s *filterState) outside() filterJudgement {
	if s.aroundErr == s.outerErr {
		return filterJudgement{s.outerErr, []originOf{beganBetween, beganOuter}}
	}
	return filterJudgement{s.outerErr, []originOf{beganOuter}}
}

// apply does one thing to the scopes, and notes what must come of it.
func (s *filterState) apply(op byte) {
	past := time.Now().Add(-time.Second)
	switch op % 7 {
	case 0:
		s.inner.Cancel(errors.New("reason: inner"))
		s.innerDone(context.Canceled, beganInner)
	case 1:
		s.inner.SetDeadline(past)
		s.innerDone(context.DeadlineExceeded, beganInner)
	case 2:
		s.outer.Cancel(context.DeadlineExceeded) // the reason must play no part
		s.outerDone(context.Canceled)
	case 3:
		s.outer.SetDeadline(past)
		s.outerDone(context.DeadlineExceeded)
	case 4:
		s.cancel()
		if s.between == cancelBetween || s.between == causeBetween {
			s.aroundDone(context.Canceled, beganBetween)
		}
	case 5:
		s.inner.SetShield(false)
		s.shield = false
		s.inherit()
	case 6:
		s.inner.SetShield(true)
		s.shield = s.shield || s.innerErr == nil
	}
}

func (s *filterState) outerDone(err error) {
	if s.outerErr == nil {
		s.outerErr = err
	}
	s.aroundDone(s.outerErr, beganOuter)
}

func (s *filterState) aroundDone(err error, origin originOf) {
	if s.aroundErr == nil {
		s.aroundErr, s.aroundOrigin = err, origin
	}
	s.inherit()
}

func (s *filterState) inherit() {
	if s.visible() {
		s.innerDone(s.aroundErr, s.aroundOrigin)
	}
}

func (s *filterState) innerDone(err error, origin originOf) {
	if s.innerErr == nil {
		s.innerErr, s.innerOrigin = err, origin
	}
}

// run builds the tree in the inner block and checks what the inner scope, the outer
// scope and Split return.
func (s *filterState) run(t *testing.T, in *errorBuilder, ops []byte) {
	var tree *builtError
	var fromInner error
	defer func() {
		if tree != nil && tree.has(panicLeaf) {
			s.checkPanicked(t, recover())
		}
	}()
	fromOuter := s.outer.Run(context.Background(), func(ctx context.Context) error {
		s.outerCtx, s.ctx = ctx, ctx
		switch s.between {
		case valueBetween:
			type key struct{}
			s.ctx = context.WithValue(ctx, key{}, 1)
		case cancelBetween:
			s.ctx, s.cancel = context.WithCancel(ctx)
			defer s.cancel()
		case causeBetween:
			var cancel context.CancelCauseFunc
			s.ctx, cancel = context.WithCancelCause(ctx)
			s.cancel = func() { cancel(strangeCause()) }
			defer s.cancel()
		}
		fromInner = s.inner.Run(s.ctx, func(ctx context.Context) error {
			s.innerCtx = ctx
			for _, op := range ops {
				s.apply(op)
			}
			s.checkState(t, ops)
			tree = in.build(sources(s), 0)
			if tree.has(panicLeaf) && s.innerErr != nil {
				return tree.err
			}
			if len(in.unstable) > 0 {
				checkUnstable(t, ctx, tree, in.unstable)
				tree = &builtError{}
				return nil
			}
			checkSplit(t, ctx, tree, s.inside())
			return tree.err
		})
		s.checkInner(t, tree, fromInner)
		if s.visible() {
			_, rest := cancelscope.Split(s.ctx, fromInner)
			checkLeaves(t, "rest of Split outside of the inner scope", rest,
				tree.pick(func(leaf *builtError) bool { return leaf.real(s.inside()) && leaf.real(s.around()) }))
		}
		return fromInner
	})
	s.checkOuter(t, tree, fromInner, fromOuter)
}

// checkPanicked checks that the panic of a method has reached the caller if the error
// was judged, and that the scopes were left properly.
func (s *filterState) checkPanicked(t *testing.T, value any) {
	t.Helper()
	_, panicked := value.(runtime.Error)
	if judged := s.innerErr != nil || s.outerErr != nil; panicked != judged || !panicked && value != nil {
		t.Errorf("Run panics with %v, want a panic of the method: %v", value, judged)
	}
	if n := cancelscope.Children(&s.outer); n != 0 {
		t.Errorf("%d scopes hang below the outer one when it has ended, want none", n)
	}
	if panicked && (s.outer.CanceledCaught() || s.innerErr != nil && s.inner.CanceledCaught()) {
		t.Error("CanceledCaught() = true of a scope whose judgement panicked, want false")
	}
}

// checkUnstable checks that errors whose answers change are asked no more often than
// they stand in the tree, and are in the rest if an answer was real.
func checkUnstable(t *testing.T, ctx context.Context, tree *builtError, all []*unstableError) {
	t.Helper()
	_, rest := cancelscope.Split(ctx, tree.err)
	for _, u := range all {
		switch {
		case len(u.asked) > tree.count(u):
			t.Errorf("Split calls Unwrap of an error %d times, want at most %d", len(u.asked), tree.count(u))
		case slices.Contains(u.asked, errBang) && !keeps(rest, u, 0):
			t.Errorf("rest of Split(%v) = %v, which has lost a real error", tree.err, rest)
		}
	}
}

// keeps reports whether u is somewhere in err, which may be endless.
func keeps(err error, u *unstableError, depth int) bool {
	if err == error(u) || depth > 1_000_000 {
		return err == error(u)
	}
	switch e := err.(type) {
	case *unstableError, *panickingError:
		return false
	case *selfJoin:
		return keeps(e.other, u, depth+1)
	case *looped:
		if e.inner == error(e) {
			return false
		}
		return keeps(e.inner, u, depth+1)
	case interface{ Unwrap() error }:
		return keeps(e.Unwrap(), u, depth+1)
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), func(in error) bool { return keeps(in, u, depth+1) })
	}
	return false
}

func (s *filterState) checkState(t *testing.T, ops []byte) {
	t.Helper()
	for _, c := range []struct {
		name string
		ctx  context.Context
		want error
	}{{"outer", s.outerCtx, s.outerErr}, {"between", s.ctx, s.aroundErr}, {"inner", s.innerCtx, s.innerErr}} {
		if got := c.ctx.Err(); got != c.want {
			t.Fatalf("after the operations %v: %s Err() = %v, want %v", ops, c.name, got, c.want)
		}
	}
}

// checkInner checks what the inner scope made of the tree.
func (s *filterState) checkInner(t *testing.T, tree *builtError, got error) {
	t.Helper()
	all := tree.leaves()
	keep := tree.pick(func(leaf *builtError) bool { return leaf.real(s.inside()) })
	switch {
	case len(keep) == len(all):
		if !identical(got, tree.err) {
			t.Errorf("Run(inner) without a cancellation in the error = %#v, want the very error of the block, %#v", got, tree.err)
		}
	case s.absorbs():
		checkLeaves(t, "Run(inner), which absorbs,", got, keep)
	default:
		after := leavesByMethod(got)
		if len(after) != len(all) {
			t.Fatalf("Run(inner), which passes up, = %v with %d leaves, want %d as the block returned", got, len(after), len(all))
		}
		for i, leaf := range after {
			if all[i].real(s.inside()) && !identical(leaf, all[i].err) {
				t.Errorf("Run(inner), which passes up: leaf %d = %#v, want the real error %#v", i, leaf, all[i].err)
			}
		}
	}
	if got, want := s.inner.CanceledCaught(), s.absorbs() && len(keep) < len(all); got != want {
		t.Errorf("inner.CanceledCaught() = %v, want %v: the block returned %#v", got, want, tree.err)
	}
}

// checkOuter checks what the outer scope returned for the error of the inner one.
func (s *filterState) checkOuter(t *testing.T, tree *builtError, fromInner, got error) {
	t.Helper()
	if s.outerErr == nil {
		if !identical(got, fromInner) {
			t.Errorf("Run(outer), not canceled, = %#v, want the very error of the block, %#v", got, fromInner)
		}
		return
	}
	var want []error
	for _, leaf := range tree.leaves() {
		changed := !leaf.real(s.inside())
		switch {
		case changed && (!s.visible() || s.aroundOrigin != beganBetween || s.aroundErr == s.outerErr):
			// The inner scope has removed it, or has passed it up to the outer one.
		case changed && leaf.real(s.passing()):
			want = append(want, errPassedUp)
		case leaf.real(s.outside()):
			want = append(want, leaf.err)
		}
	}
	leaves := leavesByMethod(got)
	for i, leaf := range leaves {
		c, ok := leaf.(*cancelscope.Canceled)
		if ok && i < len(want) && want[i] == errPassedUp && c.Kind() == cancelscope.ByParent && errors.Is(c, s.aroundErr) {
			leaves[i] = errPassedUp
		}
	}
	if !slices.EqualFunc(leaves, want, identical) {
		t.Errorf("Run(outer) = %#v\nwith the leaves %s\nwant %s", got, listErrors(leaves), listErrors(want))
	}
}

// errPassedUp stands for the *Canceled by which the inner scope passes up the
// cancellation of what is between the scopes.
var errPassedUp = errors.New("passed up")

// checkSplit checks the parts of Split, and that splitting again changes nothing.
func checkSplit(t *testing.T, ctx context.Context, tree *builtError, j filterJudgement) {
	t.Helper()
	canceled, rest := cancelscope.Split(ctx, tree.err)
	wantRest := tree.pick(func(leaf *builtError) bool { return leaf.real(j) })
	wantCanceled := tree.pick(func(leaf *builtError) bool { return !leaf.real(j) })
	checkLeaves(t, "rest of Split", rest, wantRest)
	checkLeaves(t, "canceled part of Split", canceled, wantCanceled)
	want := len(wantCanceled) > 0 && len(wantRest) == 0
	if got := cancelscope.IsCancellation(ctx, tree.err); got != want {
		t.Errorf("IsCancellation(%#v) = %v, want %v", tree.err, got, want)
	}
	if again, same := cancelscope.Split(ctx, rest); again != nil || !identical(same, rest) {
		t.Errorf("Split(rest) = %v, %v; want nil and the same value %v", again, same, rest)
	}
	if same, again := cancelscope.Split(ctx, canceled); again != nil || !identical(same, canceled) {
		t.Errorf("Split(canceled part) = %v, %v; want the same value %v and nil", same, again, canceled)
	}
	if p, ok := tree.err.(*pluralError); ok && rest != nil {
		var found *pluralError
		if !errors.As(rest, &found) || found != p || rest.Error() != p.Error() {
			t.Errorf("rest of Split(%v) = %v, want the text to be kept and the whole to be found", p, rest)
		}
	}
}
