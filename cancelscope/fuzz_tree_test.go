package cancelscope_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/trellis-go/trellis/cancelscope"
)

// A builtError is a part of a tree of errors together with what it was built as.
type builtError struct {
	err      error // nil for a nil member
	kind     builtKind
	claims   error         // for bareLeaf
	origin   originOf      // for scopeLeaf
	children []*builtError // of a group the members, of a chain the one wrapped
}

type builtKind int

const (
	realLeaf     builtKind = iota // also where something canceled is below
	bareLeaf                      // context.Canceled or context.DeadlineExceeded, or claims to be it
	scopeLeaf                     // a *Canceled
	groupError                    // divided into its members
	chainError                    // one leaf, whatever is below
	endlessLeaf                   // real, as it has no end or is too deep to be judged
	panicLeaf                     // its methods panic
	unstableLeaf                  // its answer changes
)

// Where a *Canceled began.
type originOf int

const (
	beganInner originOf = iota
	beganBetween
	beganOuter
	beganElsewhere // in a scope further inside, or in an unrelated one
)

// A filterJudgement says what is a cancellation: this bare value, and what began in
// these places. If bare is nil, nothing is.
type filterJudgement struct {
	bare    error
	origins []originOf
}

// real reports whether n, as a whole, is not a cancellation.
func (n *builtError) real(j filterJudgement) bool {
	if j.bare == nil {
		return true
	}
	switch n.kind {
	case bareLeaf:
		return n.claims != j.bare
	case scopeLeaf:
		return !slices.Contains(j.origins, n.origin)
	case chainError, groupError:
		below := n.members()
		return len(below) == 0 || slices.ContainsFunc(below, func(c *builtError) bool { return c.real(j) })
	}
	return true
}

// has reports whether judging n comes upon an error of that kind.
func (n *builtError) has(kind builtKind) bool {
	return n.kind == kind || slices.ContainsFunc(n.children, func(c *builtError) bool { return c.has(kind) })
}

// count returns how often err stands in the tree.
func (n *builtError) count(err error) int {
	sum := 0
	if n.err == err {
		sum = 1
	}
	for _, c := range n.children {
		sum += c.count(err)
	}
	return sum
}

// members returns the children that are not nil.
func (n *builtError) members() []*builtError {
	return slices.DeleteFunc(slices.Clone(n.children), func(c *builtError) bool { return c.err == nil })
}

// leaves returns the leaves in order. A group without members is one itself.
func (n *builtError) leaves() []*builtError {
	if n.err == nil {
		return nil
	}
	if n.kind != groupError || len(n.members()) == 0 {
		return []*builtError{n}
	}
	var all []*builtError
	for _, c := range n.members() {
		all = append(all, c.leaves()...)
	}
	return all
}

// pick returns the errors of some leaves.
func (n *builtError) pick(which func(leaf *builtError) bool) []error {
	var all []error
	for _, leaf := range n.leaves() {
		if which(leaf) {
			all = append(all, leaf.err)
		}
	}
	return all
}

// leavesByMethod finds the leaves of any error by its methods alone, as a user would.
func leavesByMethod(err error) []error {
	var members []error
	switch e := err.(type) {
	case nil:
		return nil
	case *cancelscope.Canceled, *refusingError, *selfJoin, *panickingError:
		return []error{err}
	case interface{ Unwrap() []error }:
		members = e.Unwrap()
	case *derivingTask:
		members = []error{e.err}
	}
	var all []error
	for _, m := range members {
		all = append(all, leavesByMethod(m)...)
	}
	if len(all) == 0 {
		return []error{err}
	}
	return all
}

// checkLeaves checks that err has exactly these leaves, in this order.
func checkLeaves(t *testing.T, call string, err error, want []error) {
	t.Helper()
	got := leavesByMethod(err)
	equal := len(got) == len(want)
	for i := 0; equal && i < len(want); i++ {
		equal = identical(got[i], want[i])
	}
	if !equal {
		t.Errorf("%s = %#v\nwith the leaves %s\nwant %s", call, err, listErrors(got), listErrors(want))
	}
	for _, leaf := range want {
		if canCompare(leaf) && !slices.ContainsFunc(want, isUnsearchable) && !errors.Is(err, leaf) {
			t.Errorf("%s = %v, in which errors.Is does not find %v", call, err, leaf)
		}
	}
}

func listErrors(errs []error) string {
	var b strings.Builder
	for _, err := range errs {
		fmt.Fprintf(&b, "\n\t%T %v", err, err)
	}
	return fmt.Sprintf("(%d):%s", len(errs), b.String())
}

// identical reports whether a and b are the same value.
func identical(a, b error) bool {
	if a == nil || b == nil || canCompare(a) && canCompare(b) {
		return a == b
	}
	return reflect.DeepEqual(a, b)
}

func canCompare(err error) bool { return reflect.TypeOf(err).Comparable() }

// The errors of other people.

type pluralError struct{ errs []error } // no Derive

func (p *pluralError) Error() string   { return fmt.Sprintf("plural of %d", len(p.errs)) }
func (p *pluralError) Unwrap() []error { return p.errs }

type derivingError struct {
	errs []error
	deny bool // Derive gives nil
}

func (d *derivingError) Error() string   { return fmt.Sprintf("derived of %d", len(d.errs)) }
func (d *derivingError) Unwrap() []error { return d.errs }
func (d *derivingError) Derive(errs []error) error {
	if d.deny {
		return nil
	}
	return &derivingError{errs, false}
}

// A derivingTask is divided like those of package nursery.
type derivingTask struct{ err error }

func (e *derivingTask) Error() string { return fmt.Sprintf("task: %v", e.err) }
func (e *derivingTask) Unwrap() error { return e.err }
func (e *derivingTask) Derive(errs []error) error {
	if len(errs) == 1 {
		return &derivingTask{errs[0]}
	}
	return &derivingTask{errors.Join(errs...)}
}

type refusingError struct{ errs []error }

func (r *refusingError) Error() string      { return "refusing" }
func (r *refusingError) Unwrap() []error    { return r.errs }
func (r *refusingError) Cancellation() bool { return false }

type admittingError struct{ err error }

func (a *admittingError) Error() string      { return "admitting" }
func (a *admittingError) Unwrap() error      { return a.err }
func (a *admittingError) Cancellation() bool { return true }

// A claimingError says that it is another one, as those of package net do.
type claimingError struct{ what error }

func (c *claimingError) Error() string        { return "claims to be " + c.what.Error() }
func (c *claimingError) Is(target error) bool { return target == c.what }

type incomparableError struct{ text []string }

func (i incomparableError) Error() string { return strings.Join(i.text, " ") }

// An errorBuilder turns bytes into trees. At its end it gives zeroes.
type errorBuilder struct {
	data     []byte
	made     int
	unstable []*unstableError
}

func (in *errorBuilder) next() byte {
	if len(in.data) == 0 {
		return 0
	}
	b := in.data[0]
	in.data = in.data[1:]
	return b
}

func (in *errorBuilder) bytes(n int) []byte {
	n = min(n, len(in.data))
	b := in.data[:n]
	in.data = in.data[n:]
	return b
}

// sources returns the *Canceled that the block may return.
func sources(s *filterState) []*builtError {
	var all []*builtError
	add := func(origin originOf, err error) {
		if err != nil {
			all = append(all, &builtError{err: err, kind: scopeLeaf, origin: origin})
		}
	}
	add(beganOuter, context.Cause(s.outerCtx))
	add(s.innerOrigin, context.Cause(s.innerCtx))
	for _, ctx := range []context.Context{s.innerCtx, context.Background()} {
		var other cancelscope.Scope
		other.SetShield(true)
		_ = other.Run(ctx, func(ctx context.Context) error {
			other.Cancel(context.Canceled)
			add(beganElsewhere, context.Cause(ctx))
			return nil
		})
	}
	return all
}

const maxDepth = 6

// build makes a tree.
func (in *errorBuilder) build(sources []*builtError, depth int) *builtError {
	b := in.next() % 24
	in.made++
	if depth > maxDepth || in.made > 200 {
		b = 0
	}
	child := func() *builtError { return in.build(sources, depth+1) }
	switch b {
	case 1:
		return &builtError{err: context.Canceled, kind: bareLeaf, claims: context.Canceled}
	case 2:
		return &builtError{err: context.DeadlineExceeded, kind: bareLeaf, claims: context.DeadlineExceeded}
	case 3:
		return sources[int(in.next())%len(sources)]
	case 4, 5, 6, 7, 8:
		return in.group(b, sources, depth)
	case 9:
		c := child()
		return &builtError{err: &derivingTask{c.err}, kind: groupError, children: []*builtError{c}}
	case 10:
		return &builtError{err: &refusingError{[]error{child().err}}}
	case 11:
		c := child()
		return &builtError{err: &admittingError{c.err}, kind: chainError, children: []*builtError{c}}
	case 12:
		what := []error{context.Canceled, context.DeadlineExceeded}[in.next()%2]
		return &builtError{err: &claimingError{what}, kind: bareLeaf, claims: what}
	case 13:
		c := child()
		return &builtError{err: fmt.Errorf("chain: %w", c.err), kind: chainError, children: []*builtError{c}}
	case 14:
		return &builtError{err: incomparableError{[]string{"real", fmt.Sprint(in.made)}}}
	case 15:
		return &builtError{err: &admittingError{}, kind: chainError}
	case 16:
		return &builtError{}
	case 17, 18, 19, 20, 21, 22, 23:
		return in.hostile(b, child)
	}
	return &builtError{err: fmt.Errorf("real %d", in.made)}
}

// group makes an error with several members, some of which may be nil.
func (in *errorBuilder) group(b byte, sources []*builtError, depth int) *builtError {
	n := &builtError{kind: groupError}
	errs := []error{}
	for range in.next() % 5 {
		c := in.build(sources, depth+1)
		n.children = append(n.children, c)
		errs = append(errs, c.err)
	}
	if len(n.members()) == 0 {
		return &builtError{}
	}
	switch b {
	case 4:
		n.children = n.members()
		if len(n.children) < 2 {
			return &builtError{err: fmt.Errorf("real %d", in.made)}
		}
		n.children = n.children[:2] // the fmt package makes a chain of one
		n.err = fmt.Errorf("%w and %w", n.children[0].err, n.children[1].err)
	case 5:
		n.err = errors.Join(errs...)
	case 6:
		n.err = &derivingError{errs, false}
	case 7:
		n.err = &pluralError{errs}
	case 8:
		n.err = &derivingError{errs, true}
	}
	return n
}
