package cancelscope

import (
	"context"
	"reflect"
)

// Judging calls methods of the user's errors, which may do anything: panic, exit, wait,
// and answer differently each time. Hence three rules. No lock is held meanwhile, and
// nothing is half written. An error is asked once, and what is made of it afterwards is
// made from the record of its answers: the parts. And the work is bounded, because an
// error may contain itself, or make up new errors whenever it is asked; what lies beyond
// the bounds is real.
const (
	maxLooks  = 1 << 18 // errors that one judgement looks at
	maxLevels = 10_000  // wrappers around one another
	maxNested = 1_000   // joins inside one another

	maxListed = 16 // groups that are looked for one by one
)

// A judge knows the cancellations of one canceled context.
type judge struct {
	err   error     // its Err
	cause *Canceled // may be nil
	scope *Scope    // the innermost scope around; may be nil
	raw   error     // what context.Cause gives below a context outside; may be nil
}

// judge returns the judge of s, which has that cause.
func (s *Scope) judge(c *Canceled) judge {
	j := judge{err: c.err, cause: c, scope: s}
	switch {
	case c.kind != ByParent:
	case s.has(bridged):
		j.raw = context.Cause(s.bridge) // also when c has been released by a scope around s
	default:
		j.raw = c.raw()
	}
	return j
}

// part judges err.
func (j judge) part(err error) part {
	all := judgement{judges: [2]judge{j, j}, one: true, looks: maxLooks}
	return all.part(err)
}

// owns reports whether c began in a scope around the context, or outside of all
// scopes and came in through one inside of it.
func (j judge) owns(c *Canceled) bool {
	switch {
	case c == nil:
		return false // a typed nil, which is an error like others
	case c == j.cause || j.scope.knows(c):
		return true
	case c.kind != ByParent || c.err != j.err:
		return false // as its bare Err would be
	}
	return c.cameFromWithin(j.scope)
}

// isCause reports whether err is the cause of a context outside, which context.Cause
// gives inside.
func (j judge) isCause(err error) bool { return j.raw != nil && identical(err, j.raw) }

// A verdict says for which of two judges an error is, as a whole, a cancellation.
type verdict uint8

const (
	realError verdict = 0
	first     verdict = 1
	second    verdict = 2
	both      verdict = first | second
)

// A part is an error that has been judged.
type part struct {
	err   error
	by    verdict
	group *group // what err is divided into; nil if it is one leaf, or nil itself
}

// A group is an error that joins others, with the others as they were found. Where it
// is met again in the same tree, its group serves again, so that diamonds of joins
// cost no more than they are large.
type group struct {
	key     any     // the identity of the error; nil if it has none
	before  *group  // the one found before this one
	few     [4]part // room for parts
	parts   []part  // the members that are not nil
	all     verdict // every one of them is a cancellation
	some    verdict // there is a cancellation somewhere inside
	open    bool    // its members are being judged
	cyclic  bool    // it contains itself, and is not divided
	rewrite [2]struct {
		done    bool
		err     error
		changed bool
	}
}

// A judgement is the work of judging one error, by two judges at once. Where one is
// enough, they are the same.
type judgement struct {
	judges [2]judge
	one    bool // both are the same
	looks  int  // errors that may still be looked at
	nested int  // groups that are open

	last   *group         // the latest group with a key, of a list of all
	listed int            // how many the list has
	found  map[any]*group // all by their keys; nil as long as the list is short
}

// part judges err, which is not nil.
func (j *judgement) part(err error) part {
	p := part{err: err}
	for level := range maxLevels {
		if j.looks == 0 {
			return p
		}
		j.looks--
		switch e := err.(type) {
		case *Canceled:
			p.by = j.ask(func(j judge) bool { return j.owns(e) || j.isCause(e) })
			return p
		case *disguised:
			p.by = j.ask(e.isOf)
			return p
		case interface{ Cancellation() bool }:
			if !e.Cancellation() {
				return p
			}
		}
		if p.by = j.ask(func(j judge) bool { return err == j.err || j.isCause(err) }); p.by != realError {
			return p
		}
		switch e := err.(type) {
		case interface{ Unwrap() []error }:
			j.divided(&p, level, err, e.Unwrap)
			return p
		case interface {
			Unwrap() error
			Derive([]error) error
		}:
			j.divided(&p, level, err, func() []error { return []error{e.Unwrap()} })
			return p
		case interface{ Unwrap() error }:
			if inner := e.Unwrap(); inner != nil {
				err = inner
				continue
			}
		}
		p.by = j.claimed(err)
		return p
	}
	return p
}

// ask puts a question to both judges, or once if they are the same.
func (j *judgement) ask(question func(judge) bool) verdict {
	v := realError
	if question(j.judges[0]) {
		v |= first
	}
	if j.one {
		return v | v<<1
	}
	if question(j.judges[1]) {
		v |= second
	}
	return v
}

// claimed asks an error that wraps nothing whether it says to be a cancellation.
func (j *judgement) claimed(err error) verdict {
	e, ok := err.(interface{ Is(error) bool })
	if !ok {
		return realError
	}
	if j.judges[0].err == j.judges[1].err {
		if e.Is(j.judges[0].err) {
			return both
		}
		return realError
	}
	return j.ask(func(j judge) bool { return e.Is(j.err) })
}

// divided judges the members of err, which p has below that many wrappers. With
// wrappers around them they are one leaf.
func (j *judgement) divided(p *part, wrappers int, err error, members func() []error) {
	g := j.group(err, members)
	switch {
	case g == nil: // cannot be divided
	case len(g.parts) == 0:
		p.by = j.claimed(err)
	default:
		p.by = g.all
		if wrappers == 0 {
			p.group = g
		}
	}
}

// group returns the group of err, nil if err must be taken as it is: because it
// contains itself, or too many groups are open.
func (j *judgement) group(err error, members func() []error) *group {
	key := identity(err)
	g := j.find(key)
	switch {
	case g != nil && g.open:
		g.cyclic = true
		return nil
	case g != nil && g.cyclic, g == nil && j.nested == maxNested:
		return nil
	case g != nil:
		return g
	}
	g = &group{key: key, open: true}
	j.remember(g)
	j.nested++
	j.fill(g, members())
	j.nested--
	g.open = false
	if g.cyclic {
		return nil
	}
	return g
}

// find returns the group with that key, nil if there is none.
func (j *judgement) find(key any) *group {
	if key == nil || j.found != nil {
		return j.found[key]
	}
	for g := j.last; g != nil; g = g.before {
		if g.key == key {
			return g
		}
	}
	return nil
}

func (j *judgement) remember(g *group) {
	if g.key == nil {
		return
	}
	if j.found == nil {
		g.before, j.last = j.last, g
		if j.listed++; j.listed <= maxListed {
			return
		}
		j.found = make(map[any]*group)
		for g := j.last; g != nil; g = g.before {
			j.found[g.key] = g
		}
	}
	j.found[g.key] = g
}

func (j *judgement) fill(g *group, members []error) {
	g.all = both
	g.parts = g.few[:0]
	if len(members) > len(g.few) {
		g.parts = make([]part, 0, len(members))
	}
	for _, err := range members {
		if err == nil {
			continue
		}
		p := j.part(err)
		g.all &= p.by
		g.some |= p.by
		if p.group != nil {
			g.some |= p.group.some
		}
		g.parts = append(g.parts, p)
	}
}

// A slice identifies a slice: errors may be slices of others.
type slice struct {
	typ   reflect.Type
	start uintptr
	size  int
}

// identity returns something comparable by which err is recognized when it is met
// again in the same tree; nil if there is no such thing.
func identity(err error) any {
	switch v := reflect.ValueOf(err); v.Kind() {
	case reflect.Pointer:
		return err
	case reflect.Slice:
		return slice{v.Type(), v.Pointer(), v.Len()}
	}
	return nil
}
