package cancelscope

import (
	"context"
	"sync"
	"sync/atomic"
)

// A Scope is a part of a program that can be canceled as a whole: the block
// given to [Scope.Run], with all that the block calls and waits for. It is
// Trio's CancelScope.
//
// The zero value is ready for use: a scope without name, deadline or shield. A
// Scope runs one block in its life and must not be copied. Its methods may be
// called by any number of goroutines at once, before, during and after Run.
type Scope struct {
	// Name appears in the texts of cancellations; it may be empty. It must not
	// be changed once Run has been called.
	Name string

	// Adjustable allows the deadline of the running scope to be moved to a
	// later time, or lifted. The price is that the scope keeps its own deadline
	// to itself: the Deadline method of its context does not tell it, because
	// contexts of the standard library install no timer of their own below an
	// earlier deadline, and would be left without any if that one moved away.
	// It must not be changed once Run has been called.
	Adjustable bool

	// Reason says why the scope has a deadline, and may be nil. When the deadline
	// passes, [errors.Is] and [errors.As] find it in the cause, and in the
	// [*TooSlowError] of the functions of package deadline that fail. It plays no
	// part in verdicts on errors. It must not be changed once Run has been called.
	Reason error

	// outer is the context given to Run. It is written by enter, before
	// anybody else can reach the running scope, and read-only after. Its
	// methods are never called with mu held: it may be the user's own type.
	outer context.Context

	// beyond is the nearest scope around outer if that is a foreign context, nil if
	// there is none. It is written and read like outer.
	beyond *Scope

	// cause is how the scope came to be effectively canceled, nil while it is
	// not. Invariant: it is written under mu, once, from nil to its final
	// value, and by the time mu is released the bridge and every scope below
	// that is not shielded have been told. Read without a lock.
	cause atomic.Pointer[Canceled]

	// due is the earliest of the scope's own deadline and those that it can see
	// around it, zero if there is none, and source the nearest scope, itself
	// included, whose outer is a foreign context that it can see. Both are derived:
	// inheritLocked writes them under mu, and whoever changes what they are derived
	// from calls it on the whole subtree. Read without a lock. Invariant: a change is
	// stored in the parent before the lock of the child is taken, so that a child
	// which reads its parent's values under its own lock either reads the new ones
	// or is visited afterwards.
	due    atomic.Int64
	source atomic.Pointer[Scope]

	// entered is set by the first Run, before it takes any lock: the second one may
	// be a call from inside the first.
	entered atomic.Bool

	// bridged is set after done and bridge have been written, which are
	// read-only from then on.
	bridged atomic.Bool
	done    <-chan struct{}
	bridge  context.Context

	// called says that Cancel was called, or that the scope's own deadline passed. It
	// is never taken back. Where it comes with the cause it is stored under mu, and
	// CancelCalled looks at it under mu.
	called atomic.Bool

	// linked is guarded by up.mu, as prev and next are.
	linked bool

	mu sync.Mutex // taken after the mu of a scope around this one, never before it

	// Guarded by mu.
	phase    phase
	caught   bool // the scope removed its own cancellation from an error
	shield   bool
	movable  bool        // see tree.Node
	foreign  bool        // the parent is a context that is none of ours: outer
	watched  bool        // somebody holds a Done channel that this scope's timers and outer must close
	attached bool        // outerDone is registered with outer, or about to be
	limit    *limit      // the scope's own deadline, nil until one is set
	detach   func() bool // undoes the registration with outer
	fire     func()      // closes the bridge
	up       *Scope      // the nearest scope around this one; kept after the end, for verdicts on errors
	children *Scope      // running scopes directly inside, newest first

	// Guarded by up.mu while linked.
	prev, next *Scope
}

// A phase is where a scope is in its life.
type phase uint8

const (
	fresh phase = iota
	running
	left
)

// Run runs fn inside the scope and returns when fn has returned. It calls fn in
// its own goroutine and always calls it, even if the scope has been canceled
// before: the first wait of fn fails then.
//
// The context given to fn is done once the scope is effectively canceled: its
// own cancel was called or its deadline has passed, or the scope is not
// shielded and ctx is done. Its Err is context.Canceled or
// context.DeadlineExceeded, its cause (see [context.Cause]) a [*Canceled], and
// its values are those of ctx. When Run has returned, it is done in any case.
//
// Run returns the error of fn, seen from outside. If the scope is effectively
// canceled when fn returns and ctx is not (or hidden by the shield), the
// cancellations are removed from the error and [Scope.CanceledCaught] reports
// true if there were any; what remains, nil or real errors, is returned. If ctx
// is done as well, nothing is removed: the cancellation goes on up. An error of a
// scope that was not canceled is returned as it is, the same value. [Split]
// tells what counts as a cancellation. If fn returned nil, so does Run. All this
// is Trio's rule.
//
// If fn panics or calls runtime.Goexit, the scope is left properly and the
// panic or exit goes on.
//
// Run panics if ctx or fn is nil, or if the scope has been run before.
func (s *Scope) Run(ctx context.Context, fn func(ctx context.Context) error) error {
	if ctx == nil {
		panic("cancelscope: Run with a nil context: pass context.Background() if there is none")
	}
	if fn == nil {
		panic("cancelscope: Run with a nil function: there is nothing to run")
	}
	s.enter(ctx)
	returned := false
	defer func() {
		if !returned {
			cause, _ := s.leave()
			cause.settle()
		}
	}()
	err := fn((*scopeContext)(s))
	returned = true
	cause, visible := s.leave()
	return s.filter(err, cause, visible)
}

// absorb removes the cancellations from err, the error of the ended block.
func (s *Scope) absorb(err error, cause *Canceled) error {
	rest, some := judge{cause.err, cause, s}.absorb(err)
	if some {
		s.mu.Lock()
		s.caught = true
		s.mu.Unlock()
	}
	return rest
}

// Cancel cancels the scope: when it returns, the contexts of the scope and of
// every scope inside it that is not shielded are done, with a [*Canceled] that
// carries reason as their cause. The reason is for those who ask why, and may
// be nil; it never makes an error out of a cancellation.
//
// Only the first cancellation has an effect; later calls, also after a deadline
// or a cancellation from outside, do nothing beyond making
// [Scope.CancelCalled] true. Cancel before Run makes the first wait of the block
// fail; Cancel after Run only records the call. It does not block, and does not
// wait for the block to end.
func (s *Scope) Cancel(reason error) {
	s.cancel(ByCall, reason)
}

func (s *Scope) cancel(kind Kind, reason error) {
	s.look() // a deadline that has passed unnoticed came first
	reason, changed := reduce(reason)
	s.mu.Lock()
	s.called.Store(true)
	if s.phase != left && s.cause.Load() == nil {
		s.setCauseLocked(&Canceled{kind: kind, err: context.Canceled, reason: reason, scope: s.Name})
	}
	s.mu.Unlock()
	if changed {
		settle(reason)
	}
}

// CancelCalled reports whether the scope's own cancellation has been asked for:
// Cancel was called, or the deadline passed before the block ended. It compares
// clocks, so that a deadline counts from the instant it has passed, and stays
// true once it is. A cancellation from outside does not count.
func (s *Scope) CancelCalled() bool {
	s.look()
	s.expireOwn(now())
	s.mu.Lock() // who has been called has told, when it is seen here
	defer s.mu.Unlock()
	return s.called.Load()
}

// CanceledCaught reports whether the block has ended and the scope removed its
// own cancellation from the block's error. It is false while the block runs, and
// remains false if the block returned nil or only real errors.
func (s *Scope) CanceledCaught() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.caught
}

// Cause returns the [*Canceled] that says how the scope came to be canceled,
// by itself or from outside: what [context.Cause] gives inside. It returns nil if
// the scope is not canceled, or was not when its block ended.
func (s *Scope) Cause() error {
	if c := s.look(); c != nil && c.kind != ByExit {
		return c
	}
	return nil
}
