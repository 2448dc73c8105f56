package cancelscope

import (
	"context"
	"errors"
	"reflect"
	"slices"
)

// What becomes of an error that has been judged is made from its parts alone, without
// another question to it. Only Derive is called, which has no part in the verdict.

// canceled reports whether p is nothing but cancellations, and there is some.
func (p part) canceled() bool { return p.by&first != 0 }

// split divides p into its cancellations and the rest.
func (p part) split() (canceled, rest error) {
	switch {
	case p.canceled():
		return p.err, nil
	case p.group == nil || p.group.some&first == 0:
		return nil, p.err
	}
	canceled, _ = p.rewrite(0, func(leaf part) (error, bool) {
		if leaf.canceled() {
			return leaf.err, false
		}
		return nil, true
	})
	return canceled, p.rest()
}

// rest returns p without its cancellations.
func (p part) rest() error {
	rest, _ := p.rewrite(1, func(leaf part) (error, bool) {
		if leaf.canceled() {
			return nil, true
		}
		return leaf.err, false
	})
	return rest
}

// absorb removes the cancellations of j from err. It reports whether there were any.
func (j judge) absorb(err error) (rest error, some bool) {
	p := j.part(err)
	if !p.canceled() && (p.group == nil || p.group.some&first == 0) {
		return err, false
	}
	return p.rest(), true
}

// passUp returns the error of a block of s as the scopes around need it: a
// cancellation that they would not know as theirs, because s was canceled earlier
// or otherwise than they, is replaced by theirs, which s could see.
func passUp(err error, s *Scope, cause, visible *Canceled) error {
	inside := s.judge(cause)
	outside := judge{err: visible.err, cause: visible, scope: s.around()} // no raw: what leaves a scope has its story
	j := judgement{judges: [2]judge{inside, outside}, looks: maxLooks}
	err, _ = j.part(err).rewrite(0, func(leaf part) (error, bool) {
		if leaf.by == first {
			return visible, true
		}
		return leaf.err, false
	})
	return err
}

// rewrite replaces every leaf of p by what f makes of it; nil drops it. It reports
// whether anything changed, and returns the error itself if not. There is room for two
// such versions of an error.
func (p part) rewrite(version int, f func(leaf part) (_ error, changed bool)) (_ error, changed bool) {
	if p.group == nil {
		return f(p)
	}
	r := &p.group.rewrite[version]
	if r.done {
		return r.err, r.changed
	}
	var few [8]error
	kept := few[:0]
	for _, in := range p.group.parts {
		err, ch := in.rewrite(version, f)
		changed = changed || ch
		if err != nil {
			kept = append(kept, err)
		}
	}
	err := p.err
	switch {
	case !changed:
	case len(kept) == 0:
		err = nil
	default:
		err = derive(err, kept)
	}
	r.done, r.err, r.changed = true, err, changed
	return err, changed
}

var joined = reflect.TypeOf(errors.Join(context.Canceled))

// derive returns err with other members, of which there is at least one. It copies the
// slice.
func derive(err error, kept []error) error {
	if reflect.TypeOf(err) == joined {
		return errors.Join(kept...)
	}
	own := slices.Clone(kept)
	if d, ok := err.(interface{ Derive([]error) error }); ok {
		if err := d.Derive(own); err != nil {
			return err
		}
	}
	return &pruned{err, own}
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
	if reflect.ValueOf(target).Comparable() && p.whole == target {
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
