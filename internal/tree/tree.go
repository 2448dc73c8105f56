package tree

import (
	"context"
	"time"

	"github.com/trellis-go/trellis/internal/record"
)

// A Node is the context of a running cancel scope. The methods beyond
// [context.Context] are for the packages of this module; they may be called
// from any goroutine, and only AwaitPropagation blocks.
type Node interface {
	context.Context

	// Effective is the earliest deadline in force in the scope, also if it can move
	// to a later time; zero if there is none. canceled reports whether the scope is
	// effectively canceled; then t is zero.
	Effective() (t time.Time, canceled bool)

	// Fail cancels the scope because one of its tasks has failed. Like every
	// cancellation it changes nothing if the scope has a cause already. Another
	// goroutine may then still be canceling the scopes inside: see AwaitPropagation.
	Fail(reason error)

	// AwaitPropagation blocks until every scope inside knows of the cancellation of
	// this one. It returns at once if this one is not canceled.
	AwaitPropagation()

	// Movable declares that the scope may be moved. Until it is, it publishes
	// no deadline of the scopes around it: a context of the standard library
	// that relied on such a deadline would lose its own after the move.
	Movable()

	// Private declares that no code can cancel the scope, move its deadline or put up
	// its shield. It is called before any other code has the context. The bridge to
	// the standard library is then cheaper.
	Private()

	// Move hangs the scope, with all that is inside it, below to, and reports
	// whether it did: a scope that is canceled already stays where it is. If
	// to is canceled, so is the scope when Move returns.
	Move(to Node) bool

	// Around returns the context of the scope around this one, nil if there is none.
	Around() context.Context

	// Internal declares that the scope is no part of the program, so that package
	// tasktree does not show it.
	Internal()

	// Record returns what package tasktree shows of the scope, and makes it if the scope
	// was entered while recording was off. It returns nil if recording is off then.
	Record() *record.Node
}

// Key is the key under which a [context.Context] gives the Node that is
// nearest to it.
type Key struct{}

// Of returns the innermost scope around the holder of ctx, nil if there is
// none.
func Of(ctx context.Context) Node {
	n, _ := ctx.Value(Key{}).(Node)
	return n
}

// Record returns the node that the holder of ctx is inside of, nil if there is none: that of
// a task or of the innermost scope, whichever is nearer.
func Record(ctx context.Context) *record.Node {
	node, scope := record.Of(ctx), Of(ctx)
	if scope == nil || node != nil && Of(node.Inside()) == scope {
		// A task or group that is inside the scope. It may have begun while recording was
		// off and a trace was taken.
		if node != nil {
			Link(node)
		}
		return node
	}
	return scope.Record()
}

// Link puts a node into the lists of nodes, if it is not there, with what is around it.
func Link(node *record.Node) {
	if record.On() {
		if orphan := node.Orphan(); orphan != nil {
			orphan.Adopt(Record(around(orphan)))
		}
	}
	node.Link()
}

// around returns a context that is around the node: the one that it was made in or, for a task
// with a scope of its own, which may have moved since, that of the scope around.
func around(node *record.Node) context.Context {
	if kind := node.Kind(); kind == record.Task || kind == record.Background {
		if scope, ok := node.Hosted().(Node); ok {
			if ctx := scope.Around(); ctx != nil {
				return ctx
			}
		}
	}
	return node.Inside()
}

// Disguised marks the errors that cancelscope.AsCancellation makes. The method is never
// called.
type Disguised interface{ Disguised() }

// A Limiter is a Node that knows whose the deadline in force is. The module for gRPC
// announces it to servers.
type Limiter interface {
	// Limiter returns the name of the scope whose deadline Effective returns, that deadline,
	// and the Reason of the scope. The deadline is zero if there is no deadline, if it is not that
	// of a scope, or if the scope is canceled.
	Limiter() (name string, t time.Time, reason error)
}
