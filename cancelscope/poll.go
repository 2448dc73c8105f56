package cancelscope

// poll returns the cause of s, nil if it is not effectively canceled. It notices
// what was not propagated to s: a scope around that was canceled, a deadline that has
// passed, a foreign context that is done. It must be called without locks.
func (s *Scope) poll() *Canceled { return s.pollAt(never) }

// pollAt is poll for callers that have read the clock.
func (s *Scope) pollAt(t instant) *Canceled {
	for {
		if c := s.cause.Load(); c != nil {
			return c
		}
		if s.isCalm() {
			return nil
		}
		if c, ok := s.inspect(t); ok {
			return c
		}
	}
}

// inspect is poll for a scope without a cause that is not calm. It reports false if
// what it has seen has changed meanwhile.
func (s *Scope) inspect(t instant) (*Canceled, bool) {
	if s.closed() {
		return s.adoptCause(), true
	}
	var due *Scope // the one with the earliest deadline, the outermost if there are several
	first := never
	for n := s; n != nil; n = n.visible() {
		if n != s && n.closed() {
			// Its cause is not known yet, or another goroutine is about to store it, with the
			// lock held. It counts from the moment that Done is closed.
			n.poll()
		}
		if n.cause.Load() != nil {
			s.inherit(n)
			return s.found()
		}
		if at := n.deadline(); at.before(first) || at != never && at == first {
			due, first = n, at
		}
		if n.has(foreign) && !n.has(shielded) && n.outerErr() != nil {
			if n.outerDone() != nil {
				s.inherit(n)
				return s.found()
			}
			if s.closed() { // with another Err than outer's, which has changed its parent
				return s.adoptCause(), true
			}
		}
	}
	if due == nil {
		return nil, true
	}
	if t == never {
		t = now()
	}
	if first.passed(t) {
		// Of several deadlines that have passed the earliest counts, as if
		// each had a timer that was served in time.
		due.expireOwn(t)
		s.inherit(due)
		return s.found()
	}
	return nil, true
}

// found returns the cause that has been looked for, and whether there is one.
func (s *Scope) found() (*Canceled, bool) {
	c := s.cause.Load()
	return c, c != nil
}

// outerErr returns the Err of the foreign parent of s, which must have one. The contexts
// between may not know yet what has happened to the scope beyond: it is polled first.
func (s *Scope) outerErr() error {
	up := s.up.Load()
	if up == nil || s.has(custom) {
		return s.outer.Err()
	}
	canceled := up.poll() != nil
	err := s.outer.Err()
	if canceled && err == nil {
		// A relayed bridge is closed after the cause is stored. Another goroutine may be
		// between the two, with the lock held.
		up.awaitPropagation()
		err = s.outer.Err()
	}
	return err
}
