package cancelscope

import (
	"context"

	"github.com/trellis-go/trellis/internal/record"
	"github.com/trellis-go/trellis/internal/tree"
)

// The tree of scopes. Lock order:
//
//  1. The lock of a scope is taken after that of a scope around it, never before.
//  2. Two scopes, one not around the other, are never locked at once.
//  3. Under a lock we call package context, which takes locks of its own and calls
//     nothing of ours that locks. No other code runs under a lock: no method of a
//     context or an error that may be the user's own.
//
// Every scope knows the one around it. A cancellation is found from below, on the way
// up, by the scope that asks (see poll). Only scopes with a bridge must hear of it
// from above, because goroutines may wait for the bridge to be closed; these are linked
// to the scopes around them, and so are all scopes on the way up.

// enter makes s a running scope inside ctx.
func (s *Scope) enter(ctx context.Context) {
	if record.On() || record.Is(ctx) {
		s.enterRecorded(ctx)
		return
	}
	up, where := surroundings(ctx)
	s.begin(ctx, up, where)
}

// begin makes s a running scope with that outer, inside up. where is as surroundings returns
// it.
func (s *Scope) begin(ctx context.Context, up *Scope, where uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != fresh {
		panic("cancelscope: second Run of a Scope: use a new Scope for each block")
	}
	s.phase = running
	s.outer = ctx
	if up != nil {
		s.up.Store(up)
	}
	if where != 0 {
		s.setLocked(where, true)
	}
	if s.limit != nil {
		s.at.Store(int64(s.limit.begin()))
	}
	// A deadline that has passed already, and a scope around that is canceled already,
	// are for poll to notice: no code has the context of s yet.
}

// surroundings finds the scope that is nearest to the holder of ctx, if any. It returns
// no flag if a scope inside ctx learns of cancellations from that scope alone, foreign if
// it must ask ctx itself, because contexts from elsewhere stand between them, or above,
// and custom as well if these have their own means to learn what happens to that scope.
func surroundings(ctx context.Context) (up *Scope, where uint32) {
	if c, ok := ctx.(*scopeContext); ok {
		return (*Scope)(c), 0
	}
	if ctx == context.Background() || ctx == context.TODO() {
		return nil, 0
	}
	c, ok := ctx.Value(tree.Key{}).(*scopeContext)
	if !ok {
		return nil, foreign
	}
	up = (*Scope)(c)
	switch done := ctx.Done(); {
	case done == nil:
		return nil, 0 // behind a context.WithoutCancel
	case !up.has(bridged):
		return up, foreign | custom // it was not asked for its own channel
	case done == up.done && (!isClosed(done) || onlyValuesBetween(ctx, up)):
		return up, 0
	}
	if _, ok := standardOf(ctx); !ok {
		return up, foreign | custom
	}
	return up, foreign
}

// isClosed reports whether done is closed.
func isClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// onlyValuesBetween reports whether the standard library finds in ctx the bridge of up
// itself. It gives one closed channel to all contexts that are canceled before Done is
// called, so two that have the same one need not be related.
func onlyValuesBetween(ctx context.Context, up *Scope) bool {
	return cancelCtxKey != nil && ctx.Value(cancelCtxKey) == up.bridge.Value(cancelCtxKey)
}

// exit ends the scope. It returns why the scope was effectively canceled when
// its block ended, and which cancellation of its parent it could see then; nil
// where there was none.
func (s *Scope) exit() (cause, visible *Canceled) {
	if cause = s.poll(); cause != nil {
		visible = s.outside(cause)
	}
	s.mu.Lock()
	if cause != nil && s.deadline() != never && s.deadline().passed(now()) {
		s.flags.Or(called) // it would have been noticed, had there been no other cause
	}
	s.phase = left
	s.stopTimerLocked()
	// What has been derived from the scope's context and is still there must
	// not wait for ever.
	s.setCauseLocked(exited)
	if s.cause.Load() == nil { // the library was faster, if only just now
		s.mu.Unlock()
		last := s.fromBridge()
		s.mu.Lock()
		s.setCauseLocked(last)
	}
	var ended *record.Node
	if s.has(recorded | older) {
		ended = s.endedNode()
	}
	up := s.up.Load() // an ended scope is not moved
	in := s.has(linked)
	s.mu.Unlock()

	s.unsubscribe()
	if in {
		up.mu.Lock()
		s.unlinkLocked(up)
		up.mu.Unlock()
	}
	if ended != nil {
		ended.End()
	}
	return cause, visible
}

// outside returns the cancellation of the parent that s, which has been canceled
// itself, can see; nil if there is none.
func (s *Scope) outside(cause *Canceled) *Canceled {
	switch up := s.up.Load(); {
	case s.has(shielded):
		return nil
	case s.has(foreign):
		if cause.cameInAt(s) {
			return cause
		}
		if s.outerErr() == nil {
			return nil
		}
		return s.fromOuter()
	case up != nil:
		s.mu.Lock()
		own := s.own
		s.mu.Unlock()
		if c := up.poll(); c != nil || own {
			return c
		}
		// The standard library may have passed to s the cancellation of a scope further
		// out that has not recorded it as its cause yet. That scope holds its lock.
		for n := up; n != nil; n = n.visible() {
			n.mu.Lock()
			//lint:ignore SA2001 to wait is all there is to do
			n.mu.Unlock()
		}
		return up.poll()
	}
	return nil
}

// visible returns the scope whose cancellation is one of s as well: the one
// around it, unless a shield or a foreign context lies between.
func (s *Scope) visible() *Scope {
	if s.has(shielded | foreign) {
		return nil
	}
	return s.up.Load()
}

// link puts s into the list of the scope around it, and so on up. Invariant: what is
// around a linked scope is linked, so it begins at the top.
func (s *Scope) link() {
	for !s.has(linked | foreign) {
		up := s.up.Load()
		if up == nil {
			return
		}
		up.link()
		up.mu.Lock()
		s.mu.Lock()
		ok := s.up.Load() == up && !s.has(foreign)
		if ok && s.phase != left && !s.has(linked) {
			s.linkLocked(up)
		}
		s.mu.Unlock()
		up.mu.Unlock()
		if ok {
			return
		}
	}
}

// linkLocked puts s into the list of up, whose lock is held as well.
func (s *Scope) linkLocked(up *Scope) {
	s.setLocked(linked, true)
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
	s.prev, s.next = nil, nil
	s.setLocked(linked, false)
}

// Move implements [tree.Node].
func (c *scopeContext) Move(to tree.Node) bool {
	s, up := (*Scope)(c), (*Scope)(to.(*scopeContext))
	if s.encloses(up) {
		panic("cancelscope: move of a scope into itself: a task cannot be started into a nursery that it waits for")
	}
	if !s.cutOff() {
		return false
	}
	s.unsubscribe()
	up.link()
	up.mu.Lock()
	s.mu.Lock()
	s.up.Store(up)
	s.setLocked(movable, false)
	s.linkLocked(up)
	s.endCalmLocked()
	hasBridge := s.has(bridged)
	s.mu.Unlock()
	up.mu.Unlock()
	if hasBridge {
		s.subscribe()
	}
	s.poll()
	return true
}

// cutOff takes a running scope out of its place in the tree, unless it is
// canceled. The caller puts it elsewhere.
func (s *Scope) cutOff() bool {
	if s.poll() != nil {
		return false
	}
	s.link() // so that the lock of the scope around it is needed in any case
	up := s.up.Load()
	if s.has(foreign) {
		up = nil
	}
	if up != nil {
		up.mu.Lock() // a cancellation of up comes before this or does not reach s
		defer up.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause.Load() != nil {
		return false
	}
	if s.has(linked) {
		s.unlinkLocked(up)
	}
	s.setLocked(foreign|custom, false)
	s.up.Store(nil)
	return true
}

// setCauseLocked makes c the cause of s and of every scope inside it that is linked,
// has none yet and is not shielded.
func (s *Scope) setCauseLocked(c *Canceled) {
	if s.cause.Load() != nil {
		return // and so has everything inside
	}
	s.endCalmLocked() // Done channels are closed before causes are stored
	if s.closeBridgeLocked(c) {
		closing()
		s.cause.Store(c)
	}
	relaying()
	s.stopTimerLocked()
	s.closeRelayLocked()
	propagating()
	for in := s.children; in != nil; in = in.next {
		in.mu.Lock() // after the lock of its parent; also to wait for another goroutine
		if !in.has(shielded) {
			in.setCauseLocked(c)
		}
		in.mu.Unlock()
	}
}

// inherit makes the cause of top, which is around s, that of s and of the scopes
// between, from the top down, as far as they can see it. So each of them is canceled at
// a moment when it has no shield and the next one is canceled.
func (s *Scope) inherit(top *Scope) {
	up := s.visible()
	if s == top || up == nil || s.cause.Load() != nil {
		return
	}
	up.inherit(top)
	c := up.poll() // the standard library may have canceled it before
	if c == nil {
		return
	}
	// An attached bridge of s may hang below a relayed one of up, and must get its Err:
	// to close it first would give it context.Canceled, whatever c says.
	up.awaitBridge()
	inheriting()
	s.mu.Lock()
	if s.visible() == up {
		s.setCauseLocked(c)
	}
	s.mu.Unlock()
}

// awaitPropagation blocks until the cancellation of s, if there is one, has reached
// every scope inside.
func (s *Scope) awaitPropagation() {
	if s.poll() != nil {
		// Another goroutine may be propagating it at this moment, with the lock held.
		s.mu.Lock()
		//lint:ignore SA2001 to wait is all there is to do
		s.mu.Unlock()
	}
}

// Tests replace these, to be called at moments that last a few instructions.
var (
	closing     = func() {} // with the lock held: the bridge is closed, if it is attached, and the cause is not stored yet
	relaying    = func() {} // with the lock held: the cause is stored, a relayed bridge is not closed yet
	propagating = func() {} // with the lock held: the scopes inside have not been canceled yet
	inheriting  = func() {} // without locks: a scope is about to take over the cause of the one around it
)
