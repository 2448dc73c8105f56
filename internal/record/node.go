package record

import (
	"context"
	"fmt"
	"reflect"
	"runtime/trace"
	"sync/atomic"
	"time"
)

// A Kind says what a node is.
type Kind uint32

const (
	Nursery Kind = iota + 1
	Scope
	Limit
	Shield
	Task
	Item
	Pending // a task of Start before it has called started
	Background
	Group
	Internal // not shown
)

// Key is the key under which a context gives the [Node] that is nearest to it.
type Key struct{}

// A Node is one thing that lives, and the context of what runs in it. Nodes are made by
// [New]; the zero value is of no use, and a Node must not be copied. Its methods may be
// called by any number of goroutines, except where they say otherwise.
type Node struct {
	// Read-only once other goroutines have the node.
	inside context.Context // what this is as a context, never a Node itself
	name   string
	fn     uintptr // the entry of the function that a task runs
	place  uintptr // for Frame: where our function was called, zero if it is not known
	call   uintptr // one in our function that was called there
	silent bool    // it is in no list, and lives while there are nodes inside
	hosts  bool    // the next scope that is entered in it is the one that the node is about
	block  *block  // nil for a task or item that has no scope of its own

	kind   atomic.Uint32
	life   atomic.Uint32        // one of the constants below; linked publishes what was written before: see list.go
	parent atomic.Pointer[Node] // nil for a root; changes when a task moves
	start  atomic.Int64         // on our clock; of a worker, when its item began; zero if recording was off then
	item   atomic.Int64         // of a worker: the index of its item, or one of the constants below
	goid   atomic.Uint64        // the goroutine, if it is known

	// marks is used by the goroutine of the task only, and its context once that runs.
	marks *marks

	id uint64 // written before life is linked, read-only after
	at int    // guarded by the mu of the shard; the index of the node there
}

// A block is what a node has besides that is about a scope, a nursery or a group.
type block struct {
	scope   answer[Reporter]     // the cancel scope
	counter answer[Counter]      // of a nursery
	into    atomic.Pointer[Node] // of a pending start, the nursery it is to move to
	over    atomic.Int64         // on our clock; when the body of a nursery ended
}

// What the item of a worker is where it is no index.
const (
	Source = -1 // what supplies the items is being asked for the next
	Idle   = -2 // the worker waits for an item
)

// The values of Node.life.
const (
	made    uint32 = iota
	linking        // a goroutine is putting it into a list
	linked
	ended   // it was linked
	dropped // it has ended without having been linked
)

// An answer is set once, at any time, and may be read at any time.
type answer[T any] struct {
	from  T
	state atomic.Uint32 // 0, 1 while from is being written, 2 when it has been
}

// set reports whether it was the first call.
func (a *answer[T]) set(from T) bool {
	if !a.state.CompareAndSwap(0, 1) {
		return false
	}
	a.from = from
	a.state.Store(2)
	return true
}

func (a *answer[T]) get() (from T, ok bool) {
	if a.state.Load() == 2 {
		return a.from, true
	}
	return from, false
}

// A Reporter is a cancel scope.
type Reporter interface {
	// Report says how the scope is. It does not block, and calls no code of the user's.
	Report() Report
	// Ask asks a context that the report has named as Outer, which may be of the user's
	// own type: why it is done, or which deadline it has.
	Ask(outer context.Context) (cause *Cause, deadline time.Time)
}

// A Counter is a nursery.
type Counter interface {
	Running() int
}

// A marks is what a task has set for profiles and traces.
type marks struct {
	values context.Context // has the labels, and the trace task
	task   *trace.Task
	region *trace.Region
	reset  func()
}

// New makes a node of that kind, which is inside ctx as a context, and inside parent, which
// may be nil, as a node. fn is the function that the node is about, or nil. The node is not
// in the lists before [Node.Link].
func New(kind Kind, ctx context.Context, parent *Node, name string, fn any) *Node {
	n := &Node{inside: Unwrap(ctx), name: name}
	if outer, ok := ctx.(*Node); ok && outer.marks != nil && outer.marks.values != nil {
		n.marks = &marks{values: outer.marks.values} // which inside does not have
	}
	if kind != Task && kind != Item && kind != Background {
		n.block = new(block)
	}
	n.kind.Store(uint32(kind))
	if parent != nil {
		n.parent.Store(parent)
	}
	if fn != nil {
		n.fn = reflect.ValueOf(fn).Pointer()
	}
	on := current.Load() != nil
	if on || trace.IsEnabled() {
		n.place, n.call = caller()
		if n.place == 0 {
			n.placeOfGoroutine(parent)
		}
	}
	if on {
		n.start.Store(now())
	}
	return n
}

// NewOlder makes a node for what began while recording was off.
func NewOlder(kind Kind, ctx context.Context, parent *Node, name string) *Node {
	n := &Node{inside: Unwrap(ctx), name: name, block: new(block)}
	n.kind.Store(uint32(kind))
	if parent != nil {
		n.parent.Store(parent)
	}
	return n
}

// Of returns the node that is nearest to ctx, nil if there is none.
func Of(ctx context.Context) *Node {
	if n, ok := ctx.(*Node); ok {
		return n
	}
	n, _ := ctx.Value(Key{}).(*Node)
	return n
}

// Unwrap returns the context that a node is, and other contexts as they are.
func Unwrap(ctx context.Context) context.Context {
	if n, ok := ctx.(*Node); ok {
		return n.inside
	}
	return ctx
}

// Is reports whether ctx is a node.
func Is(ctx context.Context) bool {
	_, ok := ctx.(*Node)
	return ok
}

// Inside returns the context that the node is.
func (n *Node) Inside() context.Context { return n.inside }

// Deadline, Done, Err and Value are those of the context that the node is, but for labels,
// trace tasks and [Key].

func (n *Node) Deadline() (time.Time, bool) { return n.inside.Deadline() }
func (n *Node) Done() <-chan struct{}       { return n.inside.Done() }
func (n *Node) Err() error                  { return n.inside.Err() }

func (n *Node) Value(key any) any {
	if key == (Key{}) {
		return n
	}
	if n.marks != nil && n.marks.values != nil {
		return n.marks.values.Value(key)
	}
	return n.inside.Value(key)
}

// String is that of the context, so that the fmt package does not read the fields.
func (n *Node) String() string { return fmt.Sprint(n.inside) }
