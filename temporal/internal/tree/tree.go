package tree

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// A Node is a running cancel scope, for the packages of this module. Like all workflow
// code its methods are called by one coroutine at a time, and none of them blocks.
type Node interface {
	// Look cancels the scope if something that has happened until t, the time on the
	// workflow's clock, cancels it: a deadline in force, or a context around it that
	// was not made by this module. It returns the cause of the scope, nil if the scope
	// is not canceled.
	Look(t time.Time) error

	// Effective returns the earliest deadline in force in the scope, zero if there is
	// none. canceled reports whether the scope is effectively canceled; then t is zero.
	Effective() (t time.Time, canceled bool)

	// Fail cancels the scope because one of its tasks has failed. It changes nothing but
	// the answer of CancelCalled if the scope has a cause already.
	Fail(reason error)

	// Move hangs the scope, with all that is inside it, below to, and reports whether it
	// did: a scope that is canceled already stays where it is. If to is canceled, so is
	// the scope when Move returns.
	Move(to Node) bool

	// Notice notes that a wait in the scope has returned its cancellation; Noticed
	// reports whether it has, here or in a scope inside, also after the end of the scope.
	Notice()
	Noticed() bool
}

// Key is the key under which a [workflow.Context] gives the Node that is nearest to it.
type Key struct{}

// Of returns the innermost scope around the holder of ctx, nil if there is none.
func Of(ctx workflow.Context) Node {
	n, _ := ctx.Value(Key{}).(Node)
	return n
}

// Cause returns why ctx is canceled, at the time t: the cause of the innermost scope
// around, or workflow.ErrCanceled where the cancellation does not come from a scope. It
// returns nil if ctx is not canceled.
func Cause(ctx workflow.Context, t time.Time) error {
	n := Of(ctx)
	var cause error
	if n != nil {
		cause = n.Look(t)
	}
	err := ctx.Err()
	if err == nil {
		return nil // cause, if any, is of a scope that ctx was disconnected from
	}
	if n != nil {
		n.Notice()
	}
	if cause != nil {
		return cause
	}
	return err
}

// NoCopy makes vet complain about copies of the struct that has it as a field.
type NoCopy struct{}

// Lock does nothing.
func (*NoCopy) Lock() {}

// Unlock does nothing.
func (*NoCopy) Unlock() {}
