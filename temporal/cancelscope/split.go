package cancelscope

import (
	"errors"
	"reflect"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// IsCancellation reports whether err is nothing but cancellations of ctx: whether there are
// some in it and [Split] would leave no rest. It panics if ctx is nil.
func IsCancellation(ctx workflow.Context, err error) bool {
	canceled, rest := Split(ctx, err)
	return canceled != nil && rest == nil
}

// Split divides err into the cancellations of ctx in it and the rest, which are real errors;
// either is nil where there is none. It is how scopes judge the errors of their blocks.
//
// While ctx is not canceled, nothing is a cancellation. Once it is, these are:
//   - a *temporal.CanceledError, bare or in a chain of wrappers with Unwrap() error. Canceled
//     activities, child workflows and timers end with one, inside a *temporal.ActivityError
//     or *temporal.ChildWorkflowExecutionError.
//   - a [*Canceled], bare or in such a chain, that began in a scope of ctx: in the innermost
//     one or any around it. Its reason plays no part. One of kind [ByParent] from further
//     inside counts like a *temporal.CanceledError.
//   - what [AsCancellation] returned for ctx.
//
// Everything else is real: a *temporal.TimeoutError of an activity, a [*Canceled] from
// elsewhere, and every error with a method Cancellation() bool that returns false, whatever
// it wraps.
//
// Errors with Unwrap() []error are divided leaf by leaf, at any depth. If some but not all of
// the leaves go, what remains has the same form: an error with a method
// Derive([]error) error is asked for a copy of itself with the given leaves; those of
// errors.Join are joined anew; any other keeps its text, and is still found by errors.Is and
// errors.As, above the remaining leaves. A chain of single wrappers counts as one leaf. The
// work is bounded: what has not been judged after some ten thousand steps is real.
//
// Split panics if ctx is nil.
func Split(ctx workflow.Context, err error) (canceled, rest error) {
	if ctx == nil {
		panic("cancelscope: Split with a nil context: pass the one that the error comes from")
	}
	cause := Cause(ctx)
	if cause == nil || err == nil {
		return nil, err
	}
	c, _ := cause.(*Canceled)
	return judge{c, scopeOf(ctx)}.split(err)
}

// AsCancellation returns err as a cancellation of ctx if ctx is canceled and err is not nil,
// and err as it is otherwise. It is for the one call that is known to disguise its
// cancellation as another error, such as an activity that answers with an error of its own.
// The text and the chain of err are kept. It panics if ctx is nil.
func AsCancellation(ctx workflow.Context, err error) error {
	if ctx == nil {
		panic("cancelscope: AsCancellation with a nil context: pass the one that the call was given")
	}
	if cause := Cause(ctx); cause != nil && err != nil {
		return &disguised{err, cause}
	}
	return err
}

// A disguised error is one that stands for a cancellation.
type disguised struct {
	error
	cause error
}

func (d *disguised) Unwrap() error { return d.error }

// budget is how many errors a verdict may look at.
const budget = 10_000

// A judge knows the cancellations of one canceled context.
type judge struct {
	cause *Canceled // nil if the cancellation does not come from a scope
	scope *Scope    // the innermost scope around; may be nil
}

func (j judge) split(err error) (canceled, rest error) {
	v := &verdict{judge: j, left: budget}
	canceled, _ = v.rewrite(err, func(leaf error) error {
		if v.cancellation(leaf) {
			return leaf
		}
		return nil
	})
	if canceled == nil {
		return nil, err
	}
	v.left = budget
	rest, _ = v.rewrite(err, func(leaf error) error {
		if v.cancellation(leaf) {
			return nil
		}
		return leaf
	})
	return canceled, rest
}

// passUp returns the error of a block of s as the scopes around need it: a cancellation that
// they would not know as theirs, because s was canceled earlier or otherwise than they, is
// replaced by theirs, which s could see.
func passUp(err error, s *Scope, cause, visible *Canceled) error {
	inside := &verdict{judge: judge{cause, s}, left: budget}
	outside := &verdict{judge: judge{visible, s.up}, left: budget}
	err, _ = inside.rewrite(err, func(leaf error) error {
		if inside.cancellation(leaf) && !outside.cancellation(leaf) {
			return visible
		}
		return leaf
	})
	return err
}

// A verdict is the judgement of one error.
type verdict struct {
	judge
	left int // errors that may still be looked at
}

func (v *verdict) tired() bool {
	v.left--
	return v.left < 0
}

// cancellation reports whether err, as a whole, is a cancellation.
func (v *verdict) cancellation(err error) bool {
	for !v.tired() {
		switch e := err.(type) {
		case *Canceled:
			return v.owns(e)
		case *disguised:
			c, ok := e.cause.(*Canceled)
			return !ok || v.owns(c)
		case *temporal.CanceledError:
			return true
		case interface{ Cancellation() bool }:
			if !e.Cancellation() {
				return false
			}
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
				if !v.cancellation(inner) {
					return false
				}
				some = true
			}
			return some
		default:
			return false
		}
	}
	return false
}

// owns reports whether c began in a scope around the context, or came from outside of all
// scopes through one inside of it.
func (j judge) owns(c *Canceled) bool {
	switch {
	case c == j.cause, j.scope != nil && c.origin.encloses(j.scope):
		return true
	case c.kind != ByParent:
		return false
	case j.scope == nil:
		return c.origin.up == nil
	}
	return j.scope.encloses(c.origin)
}

// rewrite replaces every leaf of err by what f makes of it; nil drops it. It reports whether
// anything changed, and returns err itself if not.
func (v *verdict) rewrite(err error, f func(leaf error) error) (_ error, changed bool) {
	leaves := members(err)
	if leaves == nil || v.tired() {
		leaf := f(err)
		return leaf, !same(leaf, err)
	}
	var kept []error
	for _, leaf := range leaves {
		if leaf == nil {
			continue
		}
		r, ch := v.rewrite(leaf, f)
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

// same reports whether f returned its argument, without comparing values of types that cannot
// be compared: what f returns is nil, a *Canceled or the argument.
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
	case *Canceled, *disguised:
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

var joined = reflect.TypeOf(errors.Join(errors.New("")))

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

// A pruned error is one that has lost some of its members, of a type that only its author
// could make again.
type pruned struct {
	whole error
	kept  []error
}

func (p *pruned) Error() string { return p.whole.Error() }

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
