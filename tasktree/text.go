package tasktree

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/trellis-go/trellis/internal/record"
)

const (
	defaultWidth = 80
	leastWidth   = 40
	maxTitle     = 60 // bytes of a name
	leastName    = 16 // columns that a name has at least, if the line has to be cut
)

// WriteText writes the tree to w as text for people, in lines of at most width columns,
// which is at least 40. A width of zero means 80. It returns the first error of w.
//
// A node has one line: what it is, how many it stands for, for how long it has run, and
// on the right its place. Lines below it say by what it was canceled, what its
// goroutine does, and how many nodes inside it are left out. Characters of names that do
// not print are replaced.
func (t *Tree) WriteText(w io.Writer, width int) error {
	if width == 0 {
		width = defaultWidth
	}
	p := printer{out: bufio.NewWriter(w), width: max(width, leastWidth), tree: t}
	p.head()
	for _, n := range t.Roots {
		p.node(n, nil, "", "")
	}
	return p.out.Flush()
}

// String returns what [Tree.WriteText] writes for 80 columns.
func (t *Tree) String() string {
	var b strings.Builder
	t.WriteText(&b, 0) // a Builder returns no errors
	return b.String()
}

// A printer writes one tree. Errors of out are returned by its Flush.
type printer struct {
	out   *bufio.Writer
	width int
	tree  *Tree
}

func (p *printer) head() {
	t := p.tree
	if t.RecordingSince.IsZero() {
		p.line("tasktree: recording is off", "")
		return
	}
	text := fmt.Sprintf("tasktree: %s, %s, recording for %s", count(t.Total, "node"), count(t.Goroutines, "goroutine"), duration(t.Taken.Sub(t.RecordingSince)))
	p.line(text, "")
	if t.Truncated {
		p.line("Some nodes are left out.", "")
	}
	for _, note := range t.Notes {
		p.paragraph("", "Note: "+note+".")
	}
}

// node writes n, which is inside around, with what is inside it. Its own line begins with
// first, the others with rest.
func (p *printer) node(n, around *Node, first, rest string) {
	first = cutFront(first, p.width/2) // of a node far inside
	kind, name, state := p.kind(n), p.name(n), p.state(n, around)
	room := p.width - columns(first+kind+state) - columns(n.Place) - 2
	p.line(first+kind+cut(name, max(room, leastName))+state, n.Place)
	inner := rest + "   "
	if len(n.Children) > 0 {
		inner = rest + "│  "
	}
	inner = cutFront(inner, p.width/2)
	if c := n.Canceled; c != nil && !canceledWith(n, around) {
		p.paragraph(inner, "canceled"+p.ago(c.Since)+" "+oneLine(c.Text, 2*maxReason))
	}
	if !n.WaitingSince.IsZero() {
		p.line(inner+"its body ended"+p.ago(n.WaitingSince)+", it waits for "+count(n.Running, "task"), "")
	}
	if g := n.Goroutine; g != nil && (around == nil || around.Goroutine == nil || around.Goroutine.ID != g.ID) {
		p.goroutine(g, inner)
	}
	for i, child := range n.Children {
		if i == len(n.Children)-1 && n.Omitted == 0 {
			p.node(child, n, rest+"└─ ", rest+"   ")
		} else {
			p.node(child, n, rest+"├─ ", rest+"│  ")
		}
	}
	if n.Omitted > 0 {
		p.line(cutFront(rest+"└─ ", p.width/2)+"… "+count(n.Omitted, "node")+" left out", "")
	}
}

func (p *printer) goroutine(g *Goroutine, inner string) {
	text := fmt.Sprintf("goroutine %d: %s", g.ID, oneLine(g.State, maxTitle))
	if g.Wait > 0 {
		text += " for " + duration(g.Wait)
	}
	p.line(inner+text, "")
	for _, call := range g.Stack {
		p.line(inner+"  "+oneLine(call, maxReason), "")
	}
}

// canceledWith reports whether n and what is around it have been canceled by the same.
func canceledWith(n, around *Node) bool {
	return n.Canceled != nil && around != nil && around.Canceled != nil && *n.Canceled == *around.Canceled
}

// state says for how long n has run, and how it is.
func (p *printer) state(n, around *Node) string {
	var parts []string
	switch {
	case n.Older:
		parts = append(parts, "older than the recording")
	case n.Same != nil && !n.Same.Newest.IsZero() && p.age(n.Same.Newest) != p.age(n.Since):
		parts = append(parts, p.age(n.Since)+" to "+p.age(n.Same.Newest))
	default:
		parts = append(parts, p.age(n.Since))
	}
	if n.Running > 0 {
		parts = append(parts, count(n.Running, "task"))
	}
	if d := n.Deadline; d != nil && d.From == n.ID {
		parts = append(parts, duration(d.Left)+" left")
	}
	if n.Shielded && n.Kind != KindShield {
		parts = append(parts, "shielded")
	}
	if n.Kind == KindStart {
		parts = append(parts, "has not called started")
	}
	if canceledWith(n, around) {
		parts = append(parts, "canceled")
	}
	state := ", " + strings.Join(parts, ", ")
	if n.Same != nil {
		state = " × " + digits(n.Same.Count+1) + state
	}
	return state
}

// kind returns the kind as it stands before a name.
func (p *printer) kind(n *Node) string {
	switch name := p.name(n); {
	case name == "":
		return string(n.Kind)
	case n.Kind == KindItem && strings.HasPrefix(name, "item "):
		return ""
	}
	return string(n.Kind) + " "
}

// name returns the name, or what stands for it, if anything does.
func (p *printer) name(n *Node) string {
	name := n.Name
	if n.Same != nil && n.Same.Name != "" {
		name = n.Same.Name
	}
	if name == "" {
		name = n.Func
	}
	if name == "" && n.Call != "" {
		if name = record.Title(n.Call); name == string(n.Kind) {
			return ""
		}
	}
	if n.Kind == KindShield && name == "shield" {
		return "" // the scope of cancelscope.Shield
	}
	return oneLine(name, maxTitle)
}

// age returns for how long something has lasted that began at since.
func (p *printer) age(since time.Time) string { return duration(p.tree.Taken.Sub(since)) }

// ago returns " 5m ago", or nothing if since is not known.
func (p *printer) ago(since time.Time) string {
	if since.IsZero() {
		return ""
	}
	return " " + p.age(since) + " ago"
}

// line writes text, cut if it is too long, with right at the end, in a line of its own if
// there is no room.
func (p *printer) line(text, right string) {
	text, right = printable(text), printable(right)
	used, wanted := columns(text), columns(right)
	switch {
	case right == "":
		p.out.WriteString(cut(text, p.width))
	case used+2+wanted <= p.width:
		p.out.WriteString(text)
		p.out.WriteString(strings.Repeat(" ", p.width-used-wanted))
		p.out.WriteString(right)
	default:
		room := p.width - min(wanted, p.width/2) - 2
		p.out.WriteString(cut(text, room))
		p.out.WriteString(strings.Repeat(" ", p.width-min(used, room)-min(wanted, p.width/2)))
		p.out.WriteString(cutFront(right, p.width/2))
	}
	p.out.WriteByte('\n')
}

// paragraph writes text in as many lines as it needs, each of which begins with prefix.
func (p *printer) paragraph(prefix, text string) {
	room := max(p.width-columns(prefix), leastWidth/2)
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case columns(line)+1+columns(word) <= room:
			line += " " + word
		default:
			p.line(prefix+line, "")
			line = "  " + word
		}
	}
	p.line(prefix+line, "")
}
