package cancelscope

import (
	"context"

	"github.com/trellis-go/trellis/internal/tree"
)

// enter makes s a running scope inside ctx.
func (s *Scope) enter(ctx context.Context) {
	if !s.entered.CompareAndSwap(false, true) {
		panic("cancelscope: second Run of a Scope: use a new Scope for each block")
	}
	up, foreign := surroundings(ctx)
	if up != nil && !foreign {
		up.mu.Lock()
		defer up.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phase = running
	s.outer, s.up, s.foreign = ctx, up, foreign
	if foreign {
		s.beyond = up
	}
	if s.limit != nil {
		s.limit.begin()
	}
	if up != nil && !foreign {
		s.linkLocked(up)
	}
	s.inheritLocked(s.aroundLocked())
	s.inheritCauseLocked()
	// A deadline that has passed already is for look to notice: so far nobody can
	// have asked.
}

// surroundings finds the scope that is nearest to the holder of ctx, if any, and
// reports whether a scope inside ctx is told of cancellations by that one alone
// (foreign is false), or must ask ctx itself, because contexts of other makes
// stand between them, or above.
func surroundings(ctx context.Context) (up *Scope, foreign bool) {
	if c, ok := ctx.(*scopeContext); ok {
		return (*Scope)(c), false
	}
	if ctx == context.Background() || ctx == context.TODO() {
		return nil, false
	}
	c, ok := ctx.Value(tree.Key{}).(*scopeContext)
	if !ok {
		return nil, true
	}
	switch ctx.Done() {
	case nil:
		return nil, false // behind a context.WithoutCancel
	case c.Done():
		return (*Scope)(c), false // only values between
	}
	return (*Scope)(c), true
}

// leave ends the scope. It returns why the scope was effectively canceled when
// its block ended, and which cancellation of its parent it could see then; nil
// where there was none.
func (s *Scope) leave() (cause, visible *Canceled) {
	cause = s.look()
	if cause != nil {
		visible = s.outside()
	}
	s.mu.Lock()
	if cause != nil && s.limit.instant() <= now() {
		s.called.Store(true) // it would have been noticed, had there been no other cause
	}
	s.phase = left
	s.stopTimerLocked()
	up, detach := s.up, s.detach
	s.detach = nil
	// What has been derived from the scope's context and is still there must
	// not wait for ever.
	s.setCauseLocked(exited)
	s.mu.Unlock()

	if detach != nil {
		detach()
	}
	if up != nil { // nobody moves an ended scope, so this still holds
		up.mu.Lock()
		if s.linked {
			s.unlinkLocked(up)
		}
		up.mu.Unlock()
	}
	return cause, visible
}

// outside returns the cancellation of the parent that s can see, nil if there is
// none.
func (s *Scope) outside() *Canceled {
	s.mu.Lock()
	up, foreign, shield := s.up, s.foreign, s.shield
	s.mu.Unlock()
	switch {
	case shield:
		return nil
	case foreign:
		if s.beyond != nil {
			s.beyond.tell() // or outer does not know yet
		}
		if c := s.cause.Load(); c != nil && c.cameInAt(s) {
			return c
		}
		return s.fromOuter()
	case up != nil:
		return up.look()
	}
	return nil
}

// linkLocked puts s into the list of up, whose lock is held as well.
func (s *Scope) linkLocked(up *Scope) {
	s.linked = true
	s.next = up.children
	if s.next != nil {
		s.next.prev = s
	}
	up.children = s
}

// unlinkLocked takes s out of the list of up, whose lock is held.
func (s *Scope) unlinkLocked(up *Scope) {
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		up.children = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.linked, s.prev, s.next = false, nil, nil
}

// cutOff takes a running scope out of its place in the tree, unless it is
// canceled. The caller calls detach, if not nil, and puts the scope elsewhere.
func (s *Scope) cutOff() (detach func() bool, ok bool) {
	if s.look() != nil {
		return nil, false
	}
	up := s.around()
	if up != nil {
		up.mu.Lock() // a cancellation of up comes before this or does not reach s
		defer up.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause.Load() != nil {
		return nil, false
	}
	if s.linked {
		s.unlinkLocked(up)
	}
	detach = s.detach
	s.detach, s.attached, s.foreign, s.up = nil, false, false, nil
	s.inheritLocked(never, nil)
	return detach, true
}

// visibleLocked returns the scope whose cancellation is one of s as well: the one
// around it, unless a shield or a foreign context lies between.
func (s *Scope) visibleLocked() *Scope {
	if s.shield || s.foreign {
		return nil
	}
	return s.up
}

// aroundLocked returns the deadline in force outside s, and the nearest scope
// there that has a foreign parent, neither regarding the shield of s.
func (s *Scope) aroundLocked() (due int64, source *Scope) {
	switch {
	case s.foreign:
		return never, s
	case s.up != nil:
		return s.up.inForce(), s.up.source.Load()
	}
	return never, nil
}

// inheritLocked derives due and source anew from the scope's own state and what
// is around it, and hands them on to the scopes inside.
func (s *Scope) inheritLocked(due int64, source *Scope) {
	if s.shield {
		due, source = never, nil
	}
	if s.limit != nil {
		s.limit.first = s.limit.at < due
		due = min(due, s.limit.at)
	}
	changed := false
	if s.inForce() != due {
		s.due.Store(stored(due))
		changed = true
	}
	if s.source.Load() != source {
		s.source.Store(source)
		changed = true
	}
	s.armLocked()
	if !changed {
		return // and so is nothing inside
	}
	for c := s.children; c != nil; c = c.next {
		c.mu.Lock() // after the lock of its parent
		c.inheritLocked(due, source)
		c.mu.Unlock()
	}
}

// inheritCauseLocked cancels s if the scope that it can see around it has been
// canceled. A foreign parent is asked by look.
func (s *Scope) inheritCauseLocked() {
	if up := s.visibleLocked(); up != nil {
		if c := up.cause.Load(); c != nil {
			s.setCauseLocked(c)
		}
	}
}

// setCauseLocked makes c the cause of s and of every scope inside it that has none
// yet and is not shielded.
func (s *Scope) setCauseLocked(c *Canceled) {
	if s.cause.Load() != nil {
		return // and so has everything inside
	}
	s.cause.Store(c)
	s.stopTimerLocked()
	if s.bridged.Load() {
		s.fire()
	}
	for in := s.children; in != nil; in = in.next {
		in.mu.Lock() // after the lock of its parent
		if !in.shield {
			in.setCauseLocked(c)
		}
		in.mu.Unlock()
	}
}

// look returns the cause of s, nil if it is not effectively canceled. It notices
// what has happened without telling: a deadline that has passed, a foreign
// context that is done. It must be called without locks.
func (s *Scope) look() *Canceled { return s.lookAt(unread) }

// lookAt is look for those who have read the clock.
func (s *Scope) lookAt(t int64) *Canceled {
	if c := s.cause.Load(); c != nil {
		return c
	}
	src, due := s.source.Load(), s.due.Load()
	if src != nil {
		if src.beyond != nil {
			src.beyond.tell() // or the contexts between do not know yet
		}
		if src.outer.Err() != nil {
			src.outerDone()
		}
	}
	if due != 0 {
		if t == unread {
			t = now()
		}
		if due <= t {
			s.expire(t)
		}
	}
	return s.cause.Load()
}

// inForce returns the deadline in force, never if there is none.
func (s *Scope) inForce() int64 {
	if due := s.due.Load(); due != 0 {
		return due
	}
	return never
}

// stored is the form in which due keeps an instant: a scope without any deadline then
// has nothing to store.
func stored(due int64) int64 {
	if due == never {
		return 0
	}
	return due
}

// tell sees to it that a cancellation of s, if there is one, has been told.
func (s *Scope) tell() {
	if s.look() != nil {
		// Another goroutine may be telling it just now, with the lock held.
		s.mu.Lock()
		//lint:ignore SA2001 to wait is all there is to do
		s.mu.Unlock()
	}
}

// outerDone cancels a scope whose foreign parent is done.
func (s *Scope) outerDone() {
	c := s.fromOuter()
	s.mu.Lock()
	defer s.mu.Unlock()
	if c != nil && s.phase == running && s.foreign && !s.shield {
		s.setCauseLocked(c)
	}
}

// fromOuter tells of the cancellation of outer as a cause of ours: the very
// cause of a scope above it, if that is what it passes on. It returns nil if outer
// is not done.
func (s *Scope) fromOuter() *Canceled {
	err := s.outer.Err()
	if err == nil {
		return nil
	}
	cause := context.Cause(s.outer)
	end := standard(err)
	if c, ok := cause.(*Canceled); ok && c.err == end && s.knows(c) {
		return c
	}
	if cause == end {
		cause = nil
	}
	cause, changed := reduce(cause)
	if changed {
		settle(cause)
	}
	return &Canceled{kind: ByParent, err: end, reason: cause, scope: s.Name, within: s.placed()}
}

// watch is called before somebody relies on a Done channel of s: from then on
// the timers of all deadlines that s can see run, and the foreign context around
// them is listened to.
//
// Invariant: what a watched scope can see is watched too, or whoever holds the
// lock while that is not so calls watch on it after. So the way up may end at the
// first scope that is watched.
func (s *Scope) watch() {
	for n := s; n != nil; {
		n.mu.Lock()
		if n.watched || n.phase != running {
			n.mu.Unlock()
			return
		}
		n.watched = true
		n.armLocked()
		up := n.visibleLocked()
		attach := n.attachLocked()
		n.mu.Unlock()
		if attach {
			n.attach()
		}
		n = up
	}
}

// attachLocked reports whether the caller must call attach, without the lock.
func (s *Scope) attachLocked() bool {
	if !s.foreign || s.shield || s.attached {
		return false
	}
	s.attached = true
	return true
}

// attach registers s with its foreign parent, which costs no goroutine while
// nothing is canceled.
func (s *Scope) attach() {
	detach := context.AfterFunc(s.outer, s.outerDone)
	s.mu.Lock()
	stay := s.phase == running && s.foreign
	if stay {
		s.detach = detach
	}
	s.mu.Unlock()
	if !stay {
		detach()
	}
}
