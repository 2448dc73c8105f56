package cancelscope_test

import (
	"context"
	"slices"
)

// A selfJoin joins another error and itself.
type selfJoin struct{ other error }

func (s *selfJoin) Error() string   { return "self join" }
func (s *selfJoin) Unwrap() []error { return []error{s.other, s} }

// A panickingError is used as a typed nil, which its Unwrap does not expect.
type panickingError struct{ inner error }

func (p *panickingError) Error() string { return "panicking" }
func (p *panickingError) Unwrap() error { return p.inner }

// An unstableError wraps a real error or a cancellation, and changes each time.
type unstableError struct {
	real  bool
	asked []error // its answers
}

func (u *unstableError) Error() string { return "unstable" }
func (u *unstableError) Unwrap() error {
	answer := context.Canceled
	if u.real {
		answer = errBang
	}
	u.real = !u.real
	u.asked = append(u.asked, answer)
	return answer
}

// isUnsearchable reports whether errors.Is may not come to an end in err, or panic.
func isUnsearchable(err error) bool {
	switch e := err.(type) {
	case *selfJoin, *looped, *unstableError, *panickingError:
		return true
	case interface{ Unwrap() error }:
		return isUnsearchable(e.Unwrap())
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), isUnsearchable)
	}
	return false
}

// hostile makes an error that is hard to judge.
func (in *errorBuilder) hostile(b byte, child func() *builtError) *builtError {
	switch b {
	case 17:
		self := &looped{}
		self.inner = self
		return &builtError{err: self, kind: endlessLeaf}
	case 18:
		c := child()
		// Its members are asked before it is found to contain itself.
		return &builtError{err: &selfJoin{c.err}, kind: endlessLeaf, children: []*builtError{c}}
	case 19:
		c := child()
		if c.err == nil {
			return &builtError{}
		}
		return &builtError{err: &pluralError{[]error{c.err, c.err}}, kind: groupError, children: []*builtError{c, c}}
	case 20:
		return &builtError{err: deep(12_000, child().err), kind: endlessLeaf}
	case 21:
		c := child()
		return &builtError{err: deep(300, c.err), kind: chainError, children: []*builtError{c}}
	case 22:
		return &builtError{err: (*panickingError)(nil), kind: panicLeaf}
	}
	u := &unstableError{real: in.next()&1 != 0}
	in.unstable = append(in.unstable, u)
	return &builtError{err: u, kind: unstableLeaf}
}
