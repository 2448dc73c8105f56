package tasktree

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trellis-go/trellis/internal/record"
)

// maxDepth is how many nodes may be inside each other in a tree. Decoders of JSON have a
// limit too.
const maxDepth = 1000

// A builder makes the nodes of a tree, level by level from the roots, so that what is left
// out is far inside.
type builder struct {
	*snapshot
	tree    *Tree
	options Options
	names   map[uintptr]string    // of functions, by their entry
	places  map[uintptr][2]string // file with line, and function, by a return address
	reasons map[any]string        // as they are shown, by the identity of the cause
}

// A family is a node whose children are still to be made, or the roots.
type family struct {
	node   *Node // nil for the roots
	groups []group
	size   int // how many entries there are in all groups
}

func (b *builder) build() {
	b.tree.Total = len(b.inOrder)
	left := b.options.Max
	switch {
	case left == 0:
		left = DefaultMax
	case left < 0:
		left = len(b.inOrder)
	}
	level := []family{{groups: b.groups(b.roots, b.options.Unfolded)}}
	for depth := 0; len(level) > 0; depth++ {
		most := fair(level, left)
		if depth == maxDepth {
			most = 0
		}
		var next []family
		for _, f := range level {
			shown := b.choose(f.groups, most)
			left -= len(shown)
			next = append(next, b.add(f, shown)...)
		}
		level = next
	}
}

// fair returns how many groups of each family are shown if there is room for left in all:
// all, or as many as there is room for, but half of it if something is left out, for what
// is further inside.
func fair(level []family, left int) int {
	total, largest := 0, 0
	for _, f := range level {
		total += len(f.groups)
		largest = max(largest, len(f.groups))
	}
	if total <= left {
		return largest
	}
	low, high := 0, largest // low fits, high does not
	for low+1 < high {
		most, total := (low+high)/2, 0
		for _, f := range level {
			total += min(len(f.groups), most)
		}
		if total <= (left+1)/2 {
			low = most
		} else {
			high = most
		}
	}
	return low
}

// choose returns at most so many groups, those first that are canceled.
func (b *builder) choose(groups []group, most int) []group {
	if len(groups) <= most {
		return groups
	}
	canceled := func(g group) bool {
		r := b.entries[g.example].report
		return r != none && b.reports[r].Cause != nil
	}
	chosen := slices.Clone(groups)
	slices.SortStableFunc(chosen, func(x, y group) int { return int(flag(canceled(y))) - int(flag(canceled(x))) })
	chosen = chosen[:most]
	slices.SortStableFunc(chosen, func(x, y group) int { return b.compareAge(x.example, y.example) })
	return chosen
}

// add makes the nodes of groups that are chosen from those of f, and returns their
// families. The number of entries that are in none of them is left in f.node.
func (b *builder) add(f family, shown []group) []family {
	var families []family
	if len(shown) < len(f.groups) {
		b.tree.Truncated = true
	}
	if f.node != nil {
		f.node.Omitted = f.size
	}
	for _, g := range shown {
		n := b.node(g)
		if f.node == nil {
			b.tree.Roots = append(b.tree.Roots, n)
		} else {
			f.node.Children = append(f.node.Children, n)
			f.node.Omitted -= b.size(g)
		}
		if b.entries[g.example].first == none {
			continue
		}
		var members []int32
		b.children(g.example, func(child int32) { members = append(members, child) })
		inside := family{node: n, groups: b.groups(members, b.options.Unfolded)}
		for _, g := range inside.groups {
			inside.size += b.size(g)
		}
		families = append(families, inside)
	}
	return families
}

// size returns how many entries a group has, with what is inside them.
func (b *builder) size(g group) int {
	size := int(b.entries[g.example].count)
	for _, i := range g.others {
		size += int(b.entries[i].count)
	}
	return size
}

// kinds are the names of the kinds.
var kinds = map[record.Kind]Kind{
	record.Nursery: KindNursery, record.Scope: KindScope, record.Limit: KindLimit, record.Shield: KindShield,
	record.Task: KindTask, record.Item: KindItem, record.Pending: KindStart, record.Background: KindBackground,
	record.Group: KindGroup,
}

// node makes the node of a group, without its children.
func (b *builder) node(g group) *Node {
	e := &b.entries[g.example]
	v := e.node.View()
	n := &Node{
		ID: v.ID, Kind: kinds[v.Kind], Func: b.function(v.Func), Since: v.Since, State: StateRunning,
		WaitingSince: v.Over, Older: v.Older, Goroutine: b.goroutines[v.GoID],
	}
	switch {
	case v.Kind != record.Item:
		n.Name = b.shown(v.Name)
	case v.Item == record.Source:
		n.Name = v.Name
	default:
		n.Name = "item " + strconv.Itoa(v.Item)
	}
	n.Place, n.Call = b.place(v.Place, v.Call)
	if v.Into != nil {
		n.Into = v.Into.ID()
	}
	switch {
	case v.Counter != nil:
		n.Running = v.Counter.Running()
	case v.Kind == record.Group:
		b.children(g.example, func(child int32) {
			if b.entries[child].node.Kind() == record.Task {
				n.Running++
			}
		})
	}
	switch {
	case n.Running == 0:
		n.WaitingSince = time.Time{} // it is about to end
	case !n.WaitingSince.IsZero():
		n.State = StateWaiting
	}
	if e.report != none {
		b.addReport(n, b.reports[e.report])
		n.Shielded = n.Shielded && v.Scope != nil // tasks see the shield of their nursery
	}
	b.addSame(n, g, v.Name)
	return n
}

// addReport adds what the scope of n says.
func (b *builder) addReport(n *Node, r *report) {
	n.Shielded = r.Shielded
	if c := r.Cause; c != nil {
		n.State = StateCanceled
		n.Canceled = &Cancellation{Since: c.Since, Kind: c.Kind, By: b.shown(c.By), Reason: b.reason(r)}
		n.Canceled.Text = n.Canceled.line()
		return
	}
	if !r.Deadline.IsZero() {
		at := encodable(r.Deadline)
		n.Deadline = &Deadline{At: at, Left: at.Sub(b.tree.Taken)}
		if r.Of != nil {
			n.Deadline.From = r.Of.ID()
		}
	}
}

// What JSON can encode in each time zone is between these.
var (
	firstTime = time.Date(0, 1, 2, 0, 0, 0, 0, time.UTC)
	lastTime  = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
)

// encodable returns t, which may be the deadline of a context of the program's, or the nearest
// time that JSON can encode.
func encodable(t time.Time) time.Time {
	switch {
	case t.Before(firstTime):
		return firstTime
	case t.After(lastTime):
		return lastTime
	}
	return t.Local() // its own time zone may be one that JSON cannot encode
}

// line is the text of a cancellation.
func (c *Cancellation) line() string {
	text := map[string]string{
		"call": "by a call", "deadline": "because a deadline passed", "task": "because a task failed",
		"parent": "from outside", "exit": "because a scope around it has ended",
	}[c.Kind]
	if c.By != "" {
		text += " in " + strconv.Quote(c.By)
	}
	if c.Reason != "" {
		text += ": " + c.Reason
	}
	return text
}

// addSame says which other entries n stands for.
func (b *builder) addSame(n *Node, g group, name string) {
	if len(g.others) == 0 {
		return
	}
	newest := b.entries[g.others[len(g.others)-1]]
	n.Same = &Same{Count: len(g.others), Newest: record.Time(newest.node.Start())}
	switch {
	case n.Kind == KindItem && strings.HasPrefix(n.Name, "item "):
		n.Same.Name = "item #"
	case g.differ:
		n.Same.Name = b.shown(nameOf(name))
	}
}

// shown returns how a name of the program stands in the tree.
func (b *builder) shown(name string) string { return short(b.redacted(name)) }

func (b *builder) redacted(text string) string {
	if text != "" && b.options.Redact != nil {
		return b.options.Redact(text)
	}
	return text
}

// reason returns how the text of a reason stands in the tree. It is redacted once for all nodes
// with the same cause, because it may be long.
func (b *builder) reason(r *report) string {
	text, ok := b.reasons[r.Cause.Identity]
	if !ok {
		text = oneLine(b.redacted(r.text), maxReason)
		b.reasons[r.Cause.Identity] = text
	}
	return text
}

// function returns the name of the function with that entry.
func (b *builder) function(entry uintptr) string {
	if entry == 0 {
		return ""
	}
	name, ok := b.names[entry]
	if !ok {
		name = record.FuncName(entry)
		b.names[entry] = name
	}
	return name
}

// place returns the file and line of a return address, and the function that was called
// there, in which call is a return address.
func (b *builder) place(pc, call uintptr) (place, called string) {
	if pc == 0 {
		return "", ""
	}
	known, ok := b.places[pc]
	if !ok {
		_, file, line := record.Frame(pc)
		known[0] = shortFile(file) + ":" + strconv.Itoa(line)
		if call != 0 {
			known[1] = record.CalledFunc(call)
		}
		b.places[pc] = known
	}
	return known[0], known[1]
}

// shortFile returns the file with its folder.
func shortFile(file string) string {
	dir, base := path.Split(file)
	return path.Join(path.Base(dir), base)
}
