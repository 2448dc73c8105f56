package cancelscope

import "weak"

// A Canceled must be recognized for as long as it is kept, by the scopes that it
// belongs to and no others, and must not keep any scope alive. So it is its own
// token: every scope that a cancellation has reached holds the Canceled as its
// cause, and to recognize one means to look for it on the way up. Only where a
// cancellation has come from a context outside all scopes, or between two, the
// question is asked the other way round, from outside; for that the Canceled
// remembers the scopes around its origin by weak pointers. Tried before: a pointer to
// the scope of origin, which kept the values of the context given to Run, and in a
// nursery the failures and results of all tasks.

// knows reports whether c is the cancellation of s or of a scope around it. A nil
// scope knows none. The causes are read with the locks held, because a cancellation
// that is just being passed on may already be seen in contexts derived from s.
func (s *Scope) knows(c *Canceled) bool {
	if c.kind == ByExit {
		return false // all scopes share it
	}
	for s != nil {
		s.mu.Lock()
		known := s.cause.Load() == c || s.limit != nil && s.limit.expired == c
		s.mu.Unlock()
		if known {
			return true
		}
		s = s.around()
	}
	return false
}

// placed returns s and the scopes around it, innermost first, as they are now.
func (s *Scope) placed() []weak.Pointer[Scope] {
	var all []weak.Pointer[Scope]
	for ; s != nil; s = s.around() {
		all = append(all, weak.Make(s))
	}
	return all
}

// cameInAt reports whether c is the cancellation of a context outside of s, as s
// found it.
func (c *Canceled) cameInAt(s *Scope) bool {
	return len(c.within) > 0 && c.within[0].Value() == s
}

// cameFromWithin reports whether c is the cancellation of a context somewhere
// inside of s, as a scope there found it. If s is nil, the context must have been
// outside of all scopes.
func (c *Canceled) cameFromWithin(s *Scope) bool {
	if s == nil {
		return len(c.within) == 1
	}
	for _, w := range c.within {
		if w.Value() == s { // not nil, as s is alive
			return true
		}
	}
	return false
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
