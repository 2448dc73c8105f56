package tasktree

import (
	"context"
	"runtime"
	"time"

	"github.com/trellis-go/trellis/internal/record"
	"github.com/trellis-go/trellis/internal/tree"
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
	// Take keeps what is near the roots, and of siblings those that are canceled and still
	// run.
	Max int

	// Unfolded shows each of several identical siblings. Otherwise siblings that are
	// alike in kind, function, place, state and in what is inside them are shown as one,
	// the oldest, with the number of the others in Node.Same. Their names may differ
	// in numbers if there are at least ten of them.
	Unfolded bool

	// Redact, if not nil, is called with each name that the program gave, and with the
	// text of each reason, before they enter the tree, and returns what stands there. It
	// is called by the goroutine that calls Take.
	Redact func(text string) string

	// Stacks asks for the state and the stack of the goroutines of tasks. Only tasks
	// that were recorded with Config.Labels have them. All goroutines of the process stand
	// still for as long as it takes to copy their stacks. Tree.Notes says so if stacks were
	// left out, because the process has more than MaxStacks goroutines.
	Stacks bool

	// Force asks for stacks also if there are more than MaxStacks goroutines.
	Force bool

	id uint64 // if not zero, restricts the tree to the node with this ID
}

// Take returns a tree of what lives in the process. While recording is off the tree is
// empty.
//
// Take does not block, with one exception. It calls the Error methods of the reasons for
// which scopes were canceled, and methods of contexts that the program has made itself. It
// holds no lock then, and calls up to 16 at the same time, in goroutines of its own. It
// waits for one second at most for all of them together. A reason that is not known by then
// says so in its text, and so does Tree.Notes. As long as a method does not return, its
// goroutine remains, later calls of Take do not wait for it, and it is not called again:
// so a method may call Take itself. While 16 methods have not returned for a second, no
// other ones are called.
//
// Any number of goroutines may call Take.
func Take(o Options) *Tree {
	t := &Tree{
		Version: Version, Taken: time.Now().Round(0), RecordingSince: record.Since(), Labels: record.Labels(),
		Goroutines: runtime.NumGoroutine(), Roots: []*Node{},
	}
	if t.RecordingSince.IsZero() {
		return t
	}
	s := collect()
	if o.Within != nil {
		s.restrict(tree.Record(o.Within))
	}
	if o.id != 0 {
		s.restrict(s.withID(o.id))
	}
	s.order()
	s.report(t)
	if o.Stacks {
		s.goroutines = stacks(t, o.Force)
	}
	b := builder{
		snapshot: s, tree: t, options: o,
		names: make(map[uintptr]string), places: make(map[uintptr][2]string), reasons: make(map[any]string),
	}
	if o.Redact == nil {
		s.sign(func(r *report) string { return short(r.text) })
	} else {
		s.sign(b.reason)
	}
	b.build()
	return t
}
