package cancelscope

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/trellis-go/trellis/internal/record"
)

// A Scope is a part of a program that can be canceled as a whole: the block
// given to [Scope.Run], with all that the block calls and waits for.
//
// The zero value is ready for use: a scope without name, deadline or shield. A
// Scope runs one block in its life and must not be copied. Its methods may be
// called by any number of goroutines at once, before, during and after Run.
type Scope struct {
	// Name appears in the texts of cancellations; it may be empty. It must not
	// be changed once Run has been called.
	Name string

	// Reason says why the scope has a deadline, and may be nil. When the deadline
	// passes, [errors.Is] and [errors.As] find it in the cause, and in the
	// [*TooSlowError] of the functions of package deadline that fail. It plays no
	// part in verdicts on errors. It must not be changed once Run has been called.
	Reason error

	// Adjustable allows the deadline of the running scope to be moved to a
	// later time, or lifted, and its shield to be raised. It has a price. The scope
	// does not publish its deadline: the Deadline method of its context leaves it out,
	// because contexts of the standard library install no timer of their own below an
	// earlier deadline, and would have no timer at all if the earlier one moved away.
	// And when a context outside of all scopes is canceled, Done channels in the
	// scope, and contexts derived from it, are closed by another goroutine, shortly
	// after; see the package documentation. Adjustable must not be changed once Run
	// has been called.
	Adjustable bool

	// private is written before any code but this module's has the context: see tree.Node.
	private bool

	// Guarded by mu.
	phase  phase
	caught bool // the scope removed its own cancellation from an error
	own    bool // the cause is the scope's own

	// span and wild are written before bridged is set, read-only after. wild says that
	// the standard library may close the bridge without asking us.
	span span
	wild bool

	// flags are written under mu, except for linked, which is written under up.mu, and
	// called, which is written without a lock where it comes without a cause. Read without a
	// lock.
	flags atomic.Uint32

	// looks counts calls of Err and Done that found the scope not calm. It need not be
	// exact.
	looks atomic.Uint32

	mu sync.Mutex // see tree.go for the order

	// outer is the context given to Run. It is written by enter, before
	// other goroutines can reach the running scope, and read-only after. Its
	// methods are never called with mu held: it may be the user's own type.
	outer context.Context

	// up is the nearest scope around this one. It is kept after the end, for verdicts
	// on errors. It is written under mu, by enter and when the scope is moved. Read
	// without a lock.
	up atomic.Pointer[Scope]

	// cause is how the scope came to be effectively canceled, nil as long as that is not
	// known. Invariant: it is written under mu, once, from nil to its final value; by the
	// time mu is released the bridge is closed, and so are those of all scopes inside
	// that can see this one. Read without a lock.
	cause atomic.Pointer[Canceled]

	// calm, if not nil, is all that has to be asked to know that the scope is not
	// canceled: see calm.go. Written under mu, read without a lock.
	calm atomic.Pointer[context.Context]

	// at is the deadline of the scope's own, an instant. Written under mu, read without
	// a lock.
	at atomic.Int64

	// See bridge.go. Read-only once bridged is set.
	done   <-chan struct{}
	bridge context.Context
	parent context.Context         // what the bridge was derived from, if it is attached
	closer context.CancelCauseFunc // closes the bridge, if it is attached

	relay *relay // guarded by mu; of a scope whose bridge is relayed
	limit *limit // guarded by mu; nil until a deadline is set

	// The scopes directly inside that are linked, newest first. Guarded by mu; prev
	// and next of a scope are guarded by up.mu.
	children   *Scope
	prev, next *Scope
}

// The flags of a scope.
const (
	shielded   uint32 = 1 << iota
	foreign           // the parent is outer, which is none of our contexts
	custom            // foreign, and outer learns from the scope around it by means of its own
	movable           // see tree.Node
	veiled            // it was shielded or movable at some time, and its Deadline left out those around it
	late              // the deadline was set or moved while the scope ran, and it is not Adjustable
	linked            // it is in the list of up
	calmInside        // this scope or one inside that is linked may be calm
	recorded          // outer is its node: see record.go
	older             // its node is in olders
	internal          // see tree.Node

	// called says that Cancel was called, or that the scope's own deadline passed. It is
	// never taken back. Where it comes with the cause it is set under mu, and
	// CancelCalled looks at it under mu.
	called

	// bridged is set after done, bridge and what belongs to them have been written,
	// which are read-only from then on.
	bridged
)

func (s *Scope) has(flag uint32) bool { return s.flags.Load()&flag != 0 }

// setLocked sets or clears a flag.
func (s *Scope) setLocked(flag uint32, on bool) {
	if on {
		s.flags.Or(flag)
	} else {
		s.flags.And(^flag)
	}
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
// The context given to fn is done once the scope is effectively canceled: Cancel
// was called on it, or its deadline has passed, or the scope is not shielded and
// ctx is done. Its Err is context.Canceled or
// context.DeadlineExceeded, its cause (see [context.Cause]) a [*Canceled], and
// its values are those of ctx. When Run has returned, it is done in any case.
//
// Run returns the error of fn, without the cancellations that this scope caused. If
// the scope is effectively canceled when fn returns, and ctx is not done or is hidden
// by the shield, Run removes the cancellations from the error and returns what
// remains: nil or real errors. [Scope.CanceledCaught] reports whether there were
// any. If ctx is done as well, Run removes nothing, and the cancellation propagates to
// the parent. If the scope was not canceled, Run returns the error of fn as it is, the
// same value. [Split] documents what counts as a cancellation. If fn returned nil, so
// does Run.
//
// If fn panics or calls runtime.Goexit, the scope is left properly and the
// panic or exit continues.
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
			cause, _ := s.exit()
			cause.settle()
			cause.release(s)
		}
	}()
	err := fn((*scopeContext)(s))
	returned = true
	cause, visible := s.exit()
	return s.filter(err, cause, visible)
}

// absorb removes the cancellations from err, the error of the ended block.
func (s *Scope) absorb(err error, cause *Canceled) error {
	rest, some := s.judge(cause).absorb(err)
	if some {
		s.mu.Lock()
		s.caught = true
		s.mu.Unlock()
	}
	return rest
}

// Cancel cancels the scope: when it returns, the contexts of the scope and of
// every scope inside it that is not shielded are done, with a [*Canceled] that
// carries reason as their cause. The reason is for logs and error texts, and
// may be nil; it never turns a cancellation into a failure.
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
	s.poll() // a deadline that has passed unnoticed came first
	reason, changed := reduce(reason)
	s.mu.Lock()
	s.flags.Or(called)
	if s.phase != left && s.cause.Load() == nil {
		c := &Canceled{kind: kind, err: context.Canceled, reason: reason, scope: s.Name, at: record.Now()}
		s.setCauseLocked(c)
		s.own = s.cause.Load() == c
	}
	s.mu.Unlock()
	if changed {
		settle(reason)
	}
	s.unsubscribe()
}

// CancelCalled reports whether the scope's own cancellation has been asked for:
// Cancel was called, or the deadline passed before the block ended. It compares
// clocks, so that a deadline counts from the instant it has passed, and stays
// true once it is. A cancellation from outside does not count.
func (s *Scope) CancelCalled() bool {
	t := now()
	s.pollAt(t)
	s.expireOwn(t)
	s.mu.Lock() // a call that is seen here has reached the scopes inside
	defer s.mu.Unlock()
	return s.has(called)
}

// CanceledCaught reports whether the block has ended and the scope removed its
// own cancellation from the block's error. It is false while the block runs, and
// remains false if the block returned nil or only real errors.
func (s *Scope) CanceledCaught() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.caught
}

// Cause returns the [*Canceled] that says what canceled the scope, the scope itself
// or something outside. It returns nil if the scope is not canceled, or was not when
// its block ended.
//
// Cause is what [context.Cause] returns in the block, with one exception. If a context
// outside of all scopes is canceled, context.Cause returns the cause of that context,
// as it does everywhere below a context of the standard library, and Cause returns a
// [*Canceled] of kind [ByParent] whose reason is that cause.
func (s *Scope) Cause() error {
	if c := s.poll(); c != nil && c.kind != ByExit {
		return c
	}
	return nil
}
