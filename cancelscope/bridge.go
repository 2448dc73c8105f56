package cancelscope

import (
	"context"
	"reflect"
	"time"
)

// What stands between a scope and the standard library.
//
// Contexts derived from a scope's context, directly or with values in between, attach
// to the nearest context of the library's own make, which they ask for by a private
// key, and cost a goroutine each where there is none. The bridge of a scope is that
// context. It is made when Done or the key is first asked for.
//
// A bridge is an ordinary child in the library's own tree wherever that is possible: of
// the foreign context around, or of the bridge of a scope around. Then the library
// closes it, with all that hangs below, before the cancel function of a context outside
// returns, and the tree of scopes learns from the bridge what has happened. Such a bridge
// is attached. The library only cancels children that were put in its tree when they were
// made, and only with the Err of their parent, with context.Canceled, or with
// context.DeadlineExceeded at a time that was known when they were made. Where more is
// needed, the bridge is relayed: it hangs below a parent of our own make, and is closed
// when the tree of scopes has learned of the cancellation, by context.AfterFunc or by a
// timer. Tried before: embedding a context in every scope costs half as much again for
// every scope; AfterFunc on our own type fails as soon as a WithValue hides it.

// A span is how the bridge of a scope is built.
type span uint8

const (
	attached span = iota // an ordinary child in the library's tree
	bare                 // attached, and nothing but the library's timer context
	relayed              // closed by the tree of scopes
)

// cancelCtxKey is the key by which the standard library finds its own contexts. It is
// nil if the library does not show it any more; then every bridge is relayed.
var cancelCtxKey = learnKey()

func learnKey() *int {
	probe := keyProbe{Context: context.Background(), key: new(*int)}
	_ = context.Cause(probe)
	return *probe.key
}

// A keyProbe is a context that keeps the key it is asked for.
type keyProbe struct {
	context.Context
	key **int
}

func (keyProbe) Err() error { return context.Canceled }

func (p keyProbe) Value(key any) any {
	if k, ok := key.(*int); ok {
		*p.key = k
	}
	return nil
}

// standardOf returns the context of the standard library that alone decides when
// ctx is done, and whether there is one. It may be given to the library under a lock,
// because it calls no code of the user's.
func standardOf(ctx context.Context) (context.Context, bool) {
	done := ctx.Done()
	if done == nil {
		return context.Background(), true
	}
	p, ok := ctx.Value(cancelCtxKey).(context.Context)
	if !ok || reflect.TypeOf(p) != ownType || p.Done() != done {
		return nil, false
	}
	return p, true
}

// ownType is the type of what the standard library's contexts have for cancelCtxKey. A
// type of the user's may have itself for every key.
var ownType = func() reflect.Type {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	return reflect.TypeOf(ctx.Value(cancelCtxKey))
}()

// attaches reports whether the bridge of s can be attached. What this depends on changes in a
// running scope only from false to true, except that the scope may be canceled.
func (s *Scope) attaches() bool {
	return !s.Adjustable && !s.has(shielded|movable) && s.cause.Load() == nil
}

// buildBridge makes the bridge if there is none yet.
func (s *Scope) buildBridge() {
	if s.has(bridged) {
		return
	}
	s.link() // before the bridge is there: a cancellation closes it, or is found below
	var parent context.Context
	wild := false
	if s.attaches() {
		parent, wild = s.aboveBridge()
	}
	s.mu.Lock()
	if s.has(bridged) {
		s.mu.Unlock()
		return
	}
	if parent != nil && s.phase == running && s.attaches() {
		s.attachLocked(parent, wild)
	} else {
		s.relayLocked()
	}
	s.done = s.bridge.Done()
	s.setLocked(bridged, true)
	if s.span == relayed || s.has(late) {
		s.armLocked(now())
	}
	subscribe := s.span == relayed && s.cause.Load() == nil
	s.mu.Unlock()
	if subscribe {
		s.subscribe()
	}
}

// aboveBridge returns what the bridge of s may be derived from, nil if there is nothing
// of the kind, and whether that may be canceled by others than us. Scopes without a
// bridge are passed over, if all that ends them reaches s in other ways: a deadline
// would not, and a bare bridge cannot be closed with a cause by the tree of scopes.
func (s *Scope) aboveBridge() (parent context.Context, wild bool) {
	below := s.private && s.timed() // everything between s and the bridge above is private
	for n := s; ; {
		if n.has(foreign) {
			parent, ok := standardOf(n.outer)
			switch {
			case ok:
				return parent, parent.Done() != nil
			case n == s:
				return nil, false
			}
			n.buildBridge()
			return n.bridge, n.wild
		}
		up := n.up.Load()
		if up == nil {
			return context.Background(), false
		}
		if below && !up.private || !up.attaches() || up.has(late) || up.timed() {
			up.buildBridge()
		}
		if up.has(bridged) {
			return up.bridge, up.wild
		}
		n = up
	}
}

// attachLocked makes an attached bridge.
func (s *Scope) attachLocked(parent context.Context, wild bool) {
	s.parent, s.wild = parent, wild
	if !s.timed() {
		s.bridge, s.closer = context.WithCancelCause(parent)
		return
	}
	l := s.limit
	s.wild, l.timed = true, true
	timers(1)
	at := l.deadline
	if !monotonic(at) { // and would be read anew from the wall clock
		at = time.Now().Add(time.Duration(s.deadline() - now()))
	}
	cause := s.expiredLocked()
	l.above = parent
	if s.private {
		s.span = bare
		s.bridge, l.stop = context.WithDeadlineCause((*undated)(s), at, cause)
		return
	}
	l.above, s.closer = context.WithCancelCause(parent)
	s.bridge, l.stop = context.WithDeadlineCause((*undated)(s), at, cause)
}

// timed reports whether the bridge of s needs a timer of the library's: it has a deadline
// that was set before Run, and so has no scope around s an earlier one, or the same, that
// cannot move to a later time and that s will see for as long as it runs: no scope from s
// up to that one may raise its shield or be moved.
func (s *Scope) timed() bool {
	own := s.deadline()
	if own == never || s.has(late) {
		return false
	}
	for in := s; !in.Adjustable && !in.has(movable); {
		n := in.visible()
		if n == nil {
			break
		}
		if at := n.deadline(); at != never && at <= own && !n.Adjustable && !n.has(late) {
			return false
		}
		in = n
	}
	return true
}

// An undated is the parent that a timer context of the library gets. It has no
// deadline: below an earlier one the library would install no timer, and would rely on
// a method that may be the user's own.
type undated Scope

func (u *undated) Deadline() (time.Time, bool) { return time.Time{}, false }
func (u *undated) Done() <-chan struct{}       { return u.limit.above.Done() }
func (u *undated) Err() error                  { return u.limit.above.Err() }
func (u *undated) Value(key any) any           { return u.limit.above.Value(key) }

// closed reports whether the standard library has closed the bridge.
func (s *Scope) closed() bool {
	return s.has(bridged) && s.span != relayed && s.bridge.Err() != nil
}

// closeBridgeLocked closes a bridge that is attached, and reports whether c may become the
// cause of s. The standard library decides that: if it has canceled the bridge before,
// because of something else, the contexts below have that one's Err, and poll finds out
// what it was.
func (s *Scope) closeBridgeLocked(c *Canceled) bool {
	if !s.has(bridged) || s.span == relayed {
		return true
	}
	if c.err == context.DeadlineExceeded && (s.parent.Err() != nil || s.limit != nil && c == s.limit.expired) {
		// Only the library closes a context with that Err: by a timer that is due, or
		// because a context outside is being canceled. It never waits for us. The
		// context outside is not canceled where the user's own type, which had it for
		// its parent when the bridge was made, has another one now.
		<-s.done
	}
	s.shutLocked(c)
	if c == exited {
		return s.bridge.Err() == c.err // no code needs to know which of the two it was
	}
	cause := context.Cause(s.bridge)
	switch raw := c.raw(); {
	case c.kind == ByParent:
		// An error that is neither of the two is the user's own, which is not asked
		// under a lock. It has come from outside, as c has.
		err := s.bridge.Err()
		return err == c.err || err != context.Canceled && err != context.DeadlineExceeded
	case cause == raw:
		return true
	default:
		_, ours := cause.(*Canceled)
		return s.span == bare && !ours && s.bridge.Err() == c.err
	}
}

// shutLocked closes a bridge that is attached, and gives up its place in the library's
// tree, also if it is closed.
func (s *Scope) shutLocked(c *Canceled) {
	if s.closer != nil {
		s.closer(c.raw())
	}
	if s.limit != nil && s.limit.stop != nil {
		s.limit.stop()
	}
}

// adoptCause finds out why the standard library has closed the bridge of s, makes that the
// cause of s, and returns it.
func (s *Scope) adoptCause() *Canceled {
	c, ok := context.Cause(s.bridge).(*Canceled)
	if p := s.foreignParent(); ok && p != nil && context.Cause(p) == error(c) {
		c = nil // whatever it is, it has come from outside
	}
	if c == nil {
		for n := s; n != nil && c == nil; n = n.visible() {
			if c = n.cause.Load(); c == nil && n.has(foreign) && !n.has(shielded) {
				c = n.outerDone()
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c != nil {
		s.setCauseLocked(c)
	}
	if s.limit != nil && c == s.limit.expired && c != nil {
		s.flags.Or(called)
		s.own = s.cause.Load() == c
	}
	if s.cause.Load() == nil {
		s.mu.Unlock()
		c = s.fromBridge()
		s.mu.Lock()
		s.setCauseLocked(c)
	}
	return s.cause.Load()
}

// fromBridge makes a cause of what the closed bridge says. It must be called without
// locks, because the Err of the bridge may be an error of the user's.
func (s *Scope) fromBridge() *Canceled {
	c, _ := s.fromOutside(standard(s.bridge.Err()), context.Cause(s.bridge))
	return c // its reason is final when the scope is left: see Canceled.settle
}

// foreignParent returns the foreign context in sight of s that its bridge hangs below,
// nil if there is none.
func (s *Scope) foreignParent() context.Context {
	var parent context.Context
	for n := s; n != nil; n = n.visible() {
		if n.has(bridged) {
			parent = n.parent
		}
		if n.has(foreign) {
			return parent
		}
	}
	return nil
}

// outerDone cancels s because its foreign parent is done, and returns its cause.
func (s *Scope) outerDone() *Canceled {
	c := s.fromOuter()
	s.mu.Lock()
	if c != nil && s.phase == running && s.has(foreign) && !s.has(shielded) {
		s.setCauseLocked(c)
	}
	c = s.cause.Load()
	s.mu.Unlock()
	if c != nil {
		s.unsubscribe()
	}
	return c
}

// fromOuter returns the cancellation of outer as a *Canceled: the cause of a scope above
// outer itself, if outer passes that on. It returns nil if outer is not done.
func (s *Scope) fromOuter() *Canceled {
	err := s.outer.Err()
	if err == nil {
		return nil
	}
	cause, end := context.Cause(s.outer), standard(err)
	if p, ok := standardOf(s.outer); ok {
		// What the library passes on counts, and not what a type around it says.
		if err := p.Err(); err == nil {
			end = context.Canceled
		} else {
			end = standard(err)
		}
	}
	if up := s.up.Load(); up != nil && !s.has(custom) {
		if c := up.poll(); c != nil && c.err == end && c.kind == ByParent && identical(c.raw(), cause) {
			return c
		}
	}
	if c, ok := cause.(*Canceled); ok && c.err == end && s.knows(c) {
		return c
	}
	c, changed := s.fromOutside(end, cause)
	if changed {
		settle(c.reason)
	}
	return c
}

// identical compares two errors, of which each may be of a type that cannot be
// compared, such as a slice.
func identical(a, b error) (same bool) {
	defer func() {
		if recover() != nil {
			id := identity(a)
			same = id != nil && id == identity(b)
		}
	}()
	return a == b
}
