package record

import (
	"context"
	"runtime"
	"time"
)

// A Report says how a cancel scope is.
type Report struct {
	Shielded bool

	// Cause is nil if the scope is not canceled.
	Cause *Cause

	// Deadline is the earliest deadline in force of the scope and those around it, the
	// zero time if there is none, and Of the node of the scope that has it, nil if that has
	// none.
	Deadline time.Time
	Of       *Node

	// Outer is a context from outside of all scopes which the scope sees, nil if there is
	// none. It may be of the user's own type, and has not been asked.
	Outer context.Context
}

// A Cause says by what a scope was canceled.
type Cause struct {
	Identity any    // a pointer, as a rule the same for all scopes with this cause
	Kind     string // as cancelscope.Kind prints it
	By       string // the name of the scope where it began
	Reason   error  // may be nil; its methods are the user's
	Since    time.Time
}

// A View is a node as it is at one moment.
type View struct {
	ID      uint64
	Kind    Kind
	Name    string
	Into    *Node     // of a pending start, the nursery it is to move to
	Since   time.Time // the zero time if the node is older
	Over    time.Time // when the body of a nursery ended
	Item    int       // of a worker
	GoID    uint64    // the goroutine, zero if it is not known
	Older   bool
	Place   uintptr // for Frame: where the node was made, zero if it is not known
	Call    uintptr // one in our function that was called there
	Func    uintptr // the entry of the function of a task
	Scope   Reporter
	Counter Counter
}

// View returns the node as it is now.
func (n *Node) View() View {
	v := View{
		ID: n.ID(), Kind: n.Kind(), Name: n.name, Since: Time(n.start.Load()), Item: int(n.item.Load()),
		Older: n.Older(), GoID: n.goid.Load(), Place: n.place, Call: n.call, Func: n.fn,
	}
	if b := n.block; b != nil {
		v.Into, v.Over = b.into.Load(), Time(b.over.Load())
		v.Scope, _ = b.scope.get()
		v.Counter, _ = b.counter.get()
	}
	return v
}

// ID returns the number of the node, which is its own for the life of the process; zero if
// the node has never been in the lists.
func (n *Node) ID() uint64 {
	if life := n.life.Load(); life != linked && life != ended {
		return 0
	}
	return n.id
}

// Kind returns what the node is now.
func (n *Node) Kind() Kind { return Kind(n.kind.Load()) }

// Name returns the name that the node was given.
func (n *Node) Name() string { return n.name }

// Start returns when the node began, on our clock.
func (n *Node) Start() int64 { return n.start.Load() }

// Lives reports whether the node is in the lists.
func (n *Node) Lives() bool { return n.life.Load() == linked }

// Hidden reports whether the node is not to be shown now: it is no part of the program, or
// that of a worker without an item.
func (n *Node) Hidden() bool {
	kind := Kind(n.kind.Load())
	return kind == Internal || kind == Item && n.item.Load() == Idle
}

// Frame returns the function, the file and the line of a call with that return address, or of
// a go statement that stands for one.
//
//go:norace
func Frame(pc uintptr) (function, file string, line int) {
	if i := int(pc) - 1; 0 <= i && i < len(goStatements) {
		at := goStatements[i].Load()
		return "", at.file, at.line
	}
	frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	return frame.Function, frame.File, frame.Line
}
