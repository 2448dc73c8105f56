package tasktree

import "time"

// Version is the version of the JSON encoding of a [Tree].
const Version = 1

// A Tree is what lived in the program at about one time. [Take] makes it. A Tree does not
// change and may be kept; any number of goroutines may read it.
type Tree struct {
	// Version is the version of the encoding: the constant Version.
	Version int `json:"version"`

	// Taken is when Take was called.
	Taken time.Time `json:"taken"`

	// RecordingSince is when recording was turned on. It is the zero time if recording is
	// off; then there are no roots.
	RecordingSince time.Time `json:"recordingSince,omitzero"`

	// Labels reports whether tasks are recorded with labels and goroutines now.
	Labels bool `json:"labels,omitempty"`

	// Goroutines is how many goroutines the process has, those of tasks and others.
	Goroutines int `json:"goroutines"`

	// Total is how many nodes there were, counting those that are folded into another
	// one or left out.
	Total int `json:"total"`

	// Truncated reports whether nodes were left out because of Options.Max.
	Truncated bool `json:"truncated,omitempty"`

	// Notes say in words what the tree does not show, and why.
	Notes []string `json:"notes,omitempty"`

	// Roots are the nodes that are inside no other one, the oldest first.
	Roots []*Node `json:"roots"`
}

// A Kind says what a [Node] is.
type Kind string

const (
	KindNursery    Kind = "nursery"    // a nursery: of nursery.Run, ForEach, Map and so on
	KindScope      Kind = "scope"      // a cancel scope without a deadline
	KindLimit      Kind = "limit"      // a scope that had a deadline when it was entered
	KindShield     Kind = "shield"     // a scope that had a shield when it was entered
	KindTask       Kind = "task"       // a task of a nursery or of an error group
	KindItem       Kind = "item"       // an item of ForEach and the like, or what supplies the items
	KindStart      Kind = "start"      // a task of nursery.Start that has not called started yet
	KindBackground Kind = "background" // a background task
	KindGroup      Kind = "group"      // an error group that has tasks
)

// A State says how far a [Node] is.
type State string

const (
	StateRunning  State = "running"  // it runs
	StateWaiting  State = "waiting"  // the body of the nursery has ended, and the nursery waits for its tasks
	StateCanceled State = "canceled" // it has been canceled, and has not ended
)

// A Node is one thing that lives: a nursery, a scope, a task.
type Node struct {
	// ID is a number that no other node of the process has, not even after this one has
	// ended.
	ID uint64 `json:"id"`

	Kind Kind `json:"kind"`

	// Name is the name that the program gave, or "item 3" for an item. It may be empty. A
	// name of more than 200 bytes is cut, and so are the names in the other fields.
	Name string `json:"name,omitempty"`

	// Func is the function that a task runs, or that an item is given to.
	Func string `json:"func,omitempty"`

	// Place is the file and the line of the call that made the node, the file with its
	// folder, as in "chat/server.go:41". Call is the function that was called there, as
	// in "nursery.ForEach".
	Place string `json:"place,omitempty"`
	Call  string `json:"call,omitempty"`

	// Since is when the node began. It is the zero time if the node is Older.
	Since time.Time `json:"since,omitzero"`

	State State `json:"state"`

	// Canceled says by what the node was canceled, and why. It is nil if the node is not
	// canceled.
	Canceled *Cancellation `json:"canceled,omitempty"`

	// Deadline is the earliest deadline in force. It is nil if there is none, or if the
	// node is canceled already.
	Deadline *Deadline `json:"deadline,omitempty"`

	// Shielded reports whether cancellations and deadlines from outside are hidden now.
	Shielded bool `json:"shielded,omitempty"`

	// Running is how many tasks a nursery or group has that have not ended, as far as they
	// are recorded for a group.
	Running int `json:"running,omitempty"`

	// WaitingSince is when the body of a nursery ended that waits for its tasks. It is
	// the zero time if the body runs, or if the nursery is older than the recording.
	WaitingSince time.Time `json:"waitingSince,omitzero"`

	// Into is the ID of the nursery that a pending start is to move to.
	Into uint64 `json:"into,omitempty"`

	// Older reports whether the node began while recording was off. What is in an older
	// node may be incomplete.
	Older bool `json:"older,omitempty"`

	// Goroutine is the goroutine of a task, or of the body of a nursery. It is nil unless
	// stacks were asked for and the node was recorded with labels.
	Goroutine *Goroutine `json:"goroutine,omitempty"`

	// Same says how many siblings are like this one and not shown: this is their example.
	// It is nil if there is none.
	Same *Same `json:"same,omitempty"`

	// Omitted is how many nodes inside this one were left out because of Options.Max.
	Omitted int `json:"omitted,omitempty"`

	// Children are the nodes directly inside, the oldest first, pending starts included.
	Children []*Node `json:"children,omitempty"`
}

// A Cancellation is why a node is canceled.
type Cancellation struct {
	// Since is when the scope was canceled, or when that was noticed for a cancellation
	// from outside of all scopes. It is the zero time if that was while recording was off,
	// if it has not been noticed yet, and for an error group, which does not notice it.
	Since time.Time `json:"since,omitzero"`

	// Kind is that of the cause, as cancelscope.Kind prints it: "call", "deadline",
	// "task", "parent" or "exit".
	Kind string `json:"kind"`

	// By is the name of the scope where the cancellation began, which may be empty.
	By string `json:"by,omitempty"`

	// Reason is the text of the reason, one line of at most 200 bytes. It may be empty.
	Reason string `json:"reason,omitempty"`

	// Text says all of that in one line, without the age, as it can stand behind
	// "canceled": `because a task failed in "serve": connection refused`.
	Text string `json:"text"`
}

// A Deadline is when a node will be canceled.
type Deadline struct {
	// At is the deadline, or the end of the year 9999 if that is earlier: JSON has no later
	// times.
	At time.Time `json:"at"`

	// Left is the time from Tree.Taken to At.
	Left time.Duration `json:"left"`

	// From is the ID of the node whose deadline it is: this one, or one around it. It is
	// zero if the deadline is that of a context outside of all recorded scopes.
	From uint64 `json:"from,omitempty"`
}

// A Goroutine is the goroutine of a node, as a goroutine dump shows it.
type Goroutine struct {
	ID uint64 `json:"id"`

	// State is what it does, such as "running", "chan receive" or "IO wait".
	State string `json:"state"`

	// Wait is for how long it has done that, in steps of a minute, zero for less.
	Wait time.Duration `json:"wait,omitempty"`

	// Stack has a line for each call, the innermost first, without the calls of this
	// module: "main.handle (chat/server.go:77)".
	Stack []string `json:"stack,omitempty"`

	line string // that of Stack that is innermost, and not in the standard library
}

// A Same says how many siblings a node stands for.
type Same struct {
	// Count is how many there are beside the example.
	Count int `json:"count"`

	// Name is what the names have in common, with "#" for numbers in which they differ,
	// as in "connection #". It is empty if all names are that of the example.
	Name string `json:"name,omitempty"`

	// Newest is when the last of them began.
	Newest time.Time `json:"newest,omitzero"`
}
