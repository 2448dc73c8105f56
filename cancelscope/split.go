package cancelscope

import (
	"context"
	"errors"
	"reflect"

	"github.com/trellis-go/trellis/internal/tree"
)

// IsCancellation reports whether err is nothing but cancellations of ctx: whether
// there are some in it and [Split] would leave no rest. It panics if ctx is nil.
func IsCancellation(ctx context.Context, err error) bool {
	if ctx == nil {
		panic("cancelscope: IsCancellation with a nil context: pass the one that the error comes from")
	}
	canceled, rest := Split(ctx, err)
	return canceled != nil && rest == nil
}

// Split divides err into the cancellations of ctx in it and the rest, which are
// real errors; either is nil where there is none. It is how scopes judge the
// errors of their blocks.
//
// While ctx is not done, nothing is a cancellation. Once it is, these are:
//   - the value of ctx.Err(), bare or at the end of a chain of wrappers with
//     Unwrap() error. An error at the end of a chain that claims, by a method
//     Is(error) bool of its own, to be that value counts as well: dialling with a
//     context that is done gives such errors.
//   - a [*Canceled], bare or in such a chain, that began in a scope of ctx: in the
//     innermost one or any around it. Its reason plays no part. One of kind [ByParent]
//     from further inside, which came in from a context of another make, counts as
//     the Err of that context would.
//
// Everything else is real: a context.Canceled while ctx.Err() is
// context.DeadlineExceeded, and the other way round; a [*Canceled] from elsewhere;
// and every error that has a method Cancellation() bool which returns false,
// whatever it wraps. Errors that report a failure because of a cancellation should
// have that method.
//
// Errors with Unwrap() []error are divided leaf by leaf, at any depth. If some but
// not all of the leaves go, what remains has the same form: if the error has a
// method Derive([]error) error, it is asked for a copy of itself with the given
// leaves, as Python's ExceptionGroup is by its method of that name; those of
// [errors.Join] are joined anew; any other keeps its text, and is still found by
// [errors.Is] and [errors.As], above the remaining leaves. A chain of single
// wrappers counts as one leaf: with something real anywhere in it, it is real as a
// whole.
//
// Split panics if ctx is nil.
func Split(ctx context.Context, err error) (canceled, rest error) {
	if ctx == nil {
		panic("cancelscope: Split with a nil context: pass the one that the error comes from")
	}
	state := ctx.Err()
	switch {
	case state == nil || err == nil:
		return nil, err
	case (err == context.Canceled || err == context.DeadlineExceeded) && err == state:
		return err, nil // what most canceled tasks return
	}
	if c, ok := ctx.(*scopeContext); ok { // context.Cause would make the bridge
		return judgeOf((*Scope)(c).poll(), (*Scope)(c)).split(err)
	}
	j := judge{err: standard(state)}
	if c, ok := ctx.Value(tree.Key{}).(*scopeContext); ok {
		j.scope = (*Scope)(c)
	}
	j.raw = context.Cause(ctx)
	j.cause, _ = j.raw.(*Canceled)
	return j.split(err)
}

// A judge knows the cancellations of one canceled context.
type judge struct {
	err   error     // its Err
	cause *Canceled // may be nil
	scope *Scope    // the innermost scope around; may be nil
	raw   error     // what context.Cause gives, if it is none of ours; may be nil
}

// judgeOf returns the judge for a scope that has that cause.
func judgeOf(c *Canceled, s *Scope) judge {
	j := judge{err: c.err, cause: c, scope: s}
	if c.kind == ByParent {
		j.raw = c.reason
	}
	return j
}

func (j judge) split(err error) (canceled, rest error) {
	canceled, _ = rewrite(err, func(leaf error) error {
		if j.cancellation(leaf) {
			return leaf
		}
		return nil
	})
	if canceled == nil {
		return nil, err
	}
	rest, _ = rewrite(err, func(leaf error) error {
		if j.cancellation(leaf) {
			return nil
		}
		return leaf
	})
	return canceled, rest
}

// passUp returns the error of a block of s as the scopes around need it: a
// cancellation that they would not know as theirs, because s was canceled earlier
// or otherwise than they, is replaced by theirs, which s could see.
func passUp(err error, s *Scope, cause, visible *Canceled) error {
	inside := judgeOf(cause, s)
	outside := judgeOf(visible, s.around())
	outside.raw = nil // what leaves a scope has its story
	err, _ = rewrite(err, func(leaf error) error {
		if inside.cancellation(leaf) && !outside.cancellation(leaf) {
			return visible
		}
		return leaf
	})
	return err
}

// cancellation reports whether err, as a whole, is a cancellation.
func (j judge) cancellation(err error) bool {
	for {
		switch e := err.(type) {
		case *Canceled:
			return j.owns(e) || j.isCause(e)
		case interface{ Cancellation() bool }:
			if !e.Cancellation() {
				return false
			}
		}
		if err == j.err || j.isCause(err) {
			return true
		}
		switch e := err.(type) {
		case interface{ Unwrap() error }:
			if err = e.Unwrap(); err == nil {
				return false
			}
		case interface{ Unwrap() []error }:
			some := false
			for _, inner := range e.Unwrap() {
				if inner == nil {
					continue
				}
				if !j.cancellation(inner) {
					return false
				}
				some = true
			}
			return some
		case interface{ Is(error) bool }:
			return e.Is(j.err)
		default:
			return false
		}
	}
}

// isCause reports whether err is the cause of a context outside, which context.Cause
// gives inside.
func (j judge) isCause(err error) bool {
	return j.raw != nil && identical(err, j.raw)
}

// owns reports whether c began in a scope around the context, or outside of all
// scopes and came in through one inside of it.
func (j judge) owns(c *Canceled) bool {
	switch {
	case c == j.cause:
		return true
	case c.origin == nil:
		return false
	case j.scope != nil && c.origin.encloses(j.scope):
		return true
	case c.kind != ByParent || c.err != j.err:
		return false // as its bare Err would be
	case j.scope == nil: // outside of all scopes
		return c.origin.around() == nil
	}
	return j.scope.encloses(c.origin)
}

// encloses reports whether s is in or around, a scope counting as around itself.
func (s *Scope) encloses(in *Scope) bool {
	for ; in != nil; in = in.around() {
		if in == s {
			return true
		}
	}
	return false
}

// around returns the nearest scope around s, nil if there is none.
func (s *Scope) around() *Scope { return s.up.Load() }

// rewrite replaces every leaf of err by what f makes of it; nil drops it. It
// reports whether anything changed, and returns err itself if not.
func rewrite(err error, f func(leaf error) error) (_ error, changed bool) {
	leaves := members(err)
	if leaves == nil {
		leaf := f(err)
		return leaf, !same(leaf, err)
	}
	var kept []error
	for _, leaf := range leaves {
		if leaf == nil {
			continue
		}
		r, ch := rewrite(leaf, f)
		changed = changed || ch
		if r != nil {
			kept = append(kept, r)
		}
	}
	switch {
	case !changed:
		return err, false
	case len(kept) == 0:
		return nil, true
	}
	return derive(err, kept), true
}

// same reports whether f returned its argument, without comparing values of types
// that cannot be compared: what f returns is nil, a *Canceled or the argument.
func same(leaf, err error) bool {
	if leaf == nil {
		return false
	}
	c, ok := leaf.(*Canceled)
	if !ok {
		return true
	}
	d, ok := err.(*Canceled)
	return ok && c == d
}

// members returns the errors that err joins, nil if it is a leaf.
func members(err error) []error {
	switch e := err.(type) {
	case *Canceled:
		return nil
	case interface{ Cancellation() bool }:
		if !e.Cancellation() {
			return nil
		}
	}
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		return e.Unwrap()
	case interface {
		Unwrap() error
		Derive([]error) error
	}:
		if inner := e.Unwrap(); inner != nil {
			return []error{inner}
		}
	}
	return nil
}

var joined = reflect.TypeOf(errors.Join(context.Canceled))

// derive returns err with other members, of which there is at least one.
func derive(err error, kept []error) error {
	if d, ok := err.(interface{ Derive([]error) error }); ok {
		if err := d.Derive(kept); err != nil {
			return err
		}
	}
	if reflect.TypeOf(err) == joined {
		return errors.Join(kept...)
	}
	return &pruned{err, kept}
}

// A pruned error is one that has lost some of its members, of a type that only
// its author could make again.
type pruned struct {
	whole error
	kept  []error
}

func (p *pruned) Error() string   { return p.whole.Error() }
func (p *pruned) Unwrap() []error { return p.kept }

func (p *pruned) Derive(kept []error) error { return &pruned{p.whole, kept} }

// Is finds the whole by its own identity or method, not by its members.
func (p *pruned) Is(target error) bool {
	if t := reflect.TypeOf(target); t != nil && t.Comparable() && p.whole == target {
		return true
	}
	m, ok := p.whole.(interface{ Is(error) bool })
	return ok && m.Is(target)
}

// As finds the whole by its own type or method, not by its members.
func (p *pruned) As(target any) bool {
	v := reflect.ValueOf(target).Elem()
	if reflect.TypeOf(p.whole).AssignableTo(v.Type()) {
		v.Set(reflect.ValueOf(p.whole))
		return true
	}
	m, ok := p.whole.(interface{ As(any) bool })
	return ok && m.As(target)
}
