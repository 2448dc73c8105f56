package cancelscope

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/internal/tree"
)

// A Scope is a part of a workflow that can be canceled as a whole: the block given to
// [Scope.Run], with all that the block calls and waits for.
//
// The zero value is ready for use: a scope without name, deadline or shield. A Scope runs
// one block in its life and must not be copied. Its methods may be called by any coroutine
// of the workflow, before, during and after Run, and do not block.
type Scope struct {
	// Name appears in the texts of cancellations and beside the scope's timer in the
	// Temporal UI; it may be empty. It must not be changed once Run has been called.
	Name string

	// Reason is the reason of the cancellation if the deadline of the scope passes:
	// errors.Is and errors.As find it in the cause and in a TooSlowError. It may be nil,
	// and must not be changed once Run has been called.
	Reason error

	_ tree.NoCopy

	// All fields belong to the workflow, which runs one coroutine at a time; there is no
	// lock. Contexts are set by enter and dropped by leave, so that an error which keeps
	// its scope for the verdict on later errors keeps no context with it.

	outer       workflow.Context    // given to Run
	inner       workflow.Context    // given to the block
	cancelInner workflow.CancelFunc // closes Done of inner

	phase   phase
	called  bool      // Cancel was called, or the own deadline passed; never taken back
	caught  bool      // the scope removed its own cancellation from an error
	shield  bool      //
	foreign bool      // outer is not the context of up: a cancellation may come from between
	noticed bool      // see tree.Node
	cause   *Canceled // nil while the scope is not effectively canceled; written once

	up          *Scope // the nearest scope around; kept after the end, for verdicts on errors
	first, last *Scope // running scopes directly inside, oldest first
	prev, next  *Scope // siblings

	limit limit
	ended workflow.Channel // closed when the scope ends; nil unless outer is watched
}

// A phase is where a scope is in its life.
type phase uint8

const (
	fresh phase = iota
	running
	left
)

// Run runs fn inside the scope and returns when fn has returned. It calls fn in the calling
// coroutine and always calls it, even if the scope has been canceled before: the first wait
// of fn fails then.
//
// The context given to fn is canceled once the scope is effectively canceled, and in any
// case when Run has returned. [Cause] gives the reason inside. Its values, activity options
// among them, are those of ctx.
//
// Run returns the error of fn, seen from outside. If the scope is effectively canceled when
// fn returns and ctx is not (or is hidden by the shield), the cancellations are removed from
// the error, and [Scope.CanceledCaught] reports whether there were any; what remains, nil or
// real errors, is returned. If ctx is canceled as well, the cancellations are returned. An
// error of a scope that was not canceled is returned as it is. If fn returned nil, so does
// Run. [Split] says what counts as a cancellation.
//
// A panic of fn leaves the scope and passes. The SDK then fails the workflow task, and tries
// it again when a worker with other code is there.
//
// Run panics if ctx or fn is nil, or if the scope has been run before.
func (s *Scope) Run(ctx workflow.Context, fn func(ctx workflow.Context) error) error {
	if ctx == nil {
		panic("cancelscope: Run with a nil context: pass the one of the workflow or task")
	}
	if fn == nil {
		panic("cancelscope: Run with a nil function: there is nothing to run")
	}
	s.enter(ctx)
	returned := false
	defer func() {
		if returned {
			return
		}
		// recover gives nil when the worker lets go of the workflow, which ends each
		// coroutine by runtime.Goexit. Nothing may be done then: the workflow continues
		// elsewhere, from its history.
		if r := recover(); r != nil {
			s.leave()
			panic(r)
		}
	}()
	err := fn(s.inner)
	returned = true
	cause, visible := s.leave()
	switch {
	case err == nil || cause == nil:
		return err
	case visible != nil:
		return passUp(err, s, cause, visible)
	}
	canceled, rest := judge{cause, s}.split(err)
	s.caught = canceled != nil
	return rest
}

// enter begins the scope in ctx.
func (s *Scope) enter(ctx workflow.Context) {
	if s.phase != fresh {
		panic("cancelscope: second Run of a scope: make a scope for each block")
	}
	s.phase = running
	s.outer = ctx
	up := scopeOf(ctx)
	s.foreign = up == nil || ctx.Done() != up.inner.Done()
	s.inner, s.cancelInner = workflow.NewDisconnectedContext(ctx)
	s.inner = workflow.WithValue(s.inner, tree.Key{}, (*node)(s))
	s.link(up)
	s.limit.begin(workflow.Now(ctx))
	if s.cause != nil { // canceled before Run
		cause := s.cause
		s.cause = nil
		s.setCause(cause)
	}
	s.look()
	s.arm()
	s.watch()
}

// leave ends the scope and returns its cause, and the cause of what is around it as far as
// the scope can see it.
func (s *Scope) leave() (cause, visible *Canceled) {
	now := workflow.Now(s.outer)
	cause = s.lookAt(now)
	s.expireOwn(now) // for CancelCalled, also if something else canceled the scope first
	if !s.shield {
		visible = s.around(now)
	}
	s.phase = left
	s.unlink()
	s.disarm()
	if s.ended != nil {
		s.ended.Close()
	}
	s.cancelInner()
	s.outer, s.inner, s.cancelInner, s.ended = nil, nil, nil, nil
	return cause, visible
}

// Cancel cancels the scope: when it returns, the contexts of the scope and of every scope
// inside it that is not shielded are canceled, outermost first, siblings in the order in
// which they were entered. The reason is for [Cause], and may be nil; it never
// makes an error out of a cancellation.
//
// Only the first cancellation has an effect; later calls, also after a deadline or a
// cancellation from outside, only make [Scope.CancelCalled] true. Cancel before Run makes
// the first wait of the block fail; Cancel after Run only records the call. It does not wait
// for the block to end.
func (s *Scope) Cancel(reason error) { s.cancel(ByCall, reason) }

func (s *Scope) cancel(kind Kind, reason error) {
	s.look() // a deadline that has passed unnoticed came first
	s.called = true
	if s.phase != left && s.cause == nil {
		s.setCause(&Canceled{kind: kind, reason: reason, origin: s})
	}
}

// CancelCalled reports whether the scope's own cancellation has been asked for: Cancel was
// called, or the deadline passed before the block ended. A cancellation from outside does
// not count. Once true, it stays true.
func (s *Scope) CancelCalled() bool {
	if s.phase == running {
		now := workflow.Now(s.outer)
		s.lookAt(now)
		s.expireOwn(now)
	}
	return s.called
}

// CanceledCaught reports whether the block has ended and the scope removed its own
// cancellation from the block's error. It is false while the block runs, and remains false
// if the block returned nil or only real errors.
func (s *Scope) CanceledCaught() bool { return s.caught }

// Cause returns the [*Canceled] that says how the scope came to be canceled, by itself or
// from outside. It returns nil if the scope is not canceled, or was not when its block ended.
func (s *Scope) Cause() error {
	if c := s.look(); c != nil {
		return c
	}
	return nil
}

// Cause returns why ctx is canceled: the [*Canceled] of the innermost scope around, or
// workflow.ErrCanceled where the cancellation does not come from a scope. It returns nil if
// ctx is not canceled. Unlike ctx.Err it notices a deadline whose timer has not fired yet.
//
// It is what a function returns that stops because its context is canceled. It panics if ctx
// is nil.
func Cause(ctx workflow.Context) error {
	if ctx == nil {
		panic("cancelscope: Cause with a nil context: pass the one of the workflow or task")
	}
	return tree.Cause(ctx, workflow.Now(ctx))
}

// look brings the state of a running scope up to the workflow's clock.
func (s *Scope) look() *Canceled {
	if s.cause != nil || s.phase != running {
		return s.cause
	}
	return s.lookAt(workflow.Now(s.outer))
}

// lookAt is look at the time t.
func (s *Scope) lookAt(t time.Time) *Canceled {
	if s.cause != nil || s.phase != running {
		return s.cause
	}
	s.expire(t)
	if s.cause == nil && !s.shield {
		if c := s.around(t); c != nil && s.cause == nil {
			s.setCause(c)
		}
	}
	return s.cause
}

// around returns the cause of what is directly around the running scope s, nil if that is not
// canceled.
func (s *Scope) around(t time.Time) *Canceled {
	var c *Canceled
	if s.up != nil {
		c = s.up.lookAt(t) // cancels, through the SDK, the contexts derived from it
	}
	switch {
	case !s.foreign:
		return c
	case s.outer.Err() == nil:
		return nil // of a scope that outer was disconnected from, if any
	case c != nil:
		return c
	}
	if s.cause != nil && s.cause.kind == ByParent && s.cause.origin == s {
		return s.cause
	}
	return &Canceled{kind: ByParent, origin: s}
}

// setCause cancels a scope that has no cause, and the scopes inside that can see it. Before
// Run there is only the cause to keep.
func (s *Scope) setCause(c *Canceled) {
	s.cause = c
	if s.phase != running {
		return
	}
	s.disarm()
	s.cancelInner()
	for in := s.first; in != nil; in = in.next {
		if in.cause == nil && !in.shield && (!in.foreign || in.outer.Err() != nil) {
			in.setCause(c)
		}
	}
}

// encloses reports whether s is in or around in; a scope counts as around itself.
func (s *Scope) encloses(in *Scope) bool {
	for ; in != nil; in = in.up {
		if in == s {
			return true
		}
	}
	return false
}

// link hangs s below up as its youngest child.
func (s *Scope) link(up *Scope) {
	s.up = up
	if up == nil {
		return
	}
	s.prev, s.next = up.last, nil
	if up.last == nil {
		up.first = s
	} else {
		up.last.next = s
	}
	up.last = s
}

// unlink takes s from the children of up, which it keeps.
func (s *Scope) unlink() {
	up := s.up
	if up == nil {
		return
	}
	if s.prev == nil {
		up.first = s.next
	} else {
		s.prev.next = s.next
	}
	if s.next == nil {
		up.last = s.prev
	} else {
		s.next.prev = s.prev
	}
	s.prev, s.next = nil, nil
}
