package tasktree

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/trellis-go/trellis/internal/record"
)

// A StallKind says what a [Stall] is.
type StallKind string

const (
	StallCanceled StallKind = "canceled" // a scope was canceled, and still runs
	StallWaiting  StallKind = "waiting"  // a nursery whose body has ended waits for the same tasks
)

// A Stall is something that [Watch] reports.
type Stall struct {
	Kind StallKind

	// Node is the scope, nursery or task as it was when the stall was noticed.
	Node *Node

	// Path has the names of what is around Node, the outermost first.
	Path []string

	// Since is when Node was canceled, or since when it waits for the same tasks. If Node did
	// not know when it was canceled, it is the time of the look that found it canceled first.
	Since time.Time

	// Noticed is when the tree was taken in which the stall was noticed.
	Noticed time.Time

	// Over reports whether this is the second report, because Node has ended, or waits
	// for other tasks.
	Over bool

	// Lasted is the time from Since to Noticed, or in the second report to the look that
	// noticed the end.
	Lasted time.Duration

	// Waits are the nodes that keep Node from ending, as they were when the stall was
	// noticed, at most 100, in the order of the tree. If Node was canceled they are the canceled
	// nodes in it that have no canceled node inside; if there is nothing canceled inside
	// Node, that is Node itself. If Node is a nursery that waits, they are its tasks.
	Waits []*Node

	// More is how many there are beside Waits.
	More int

	// Tree is the tree in which the stall was noticed.
	Tree *Tree

	// Files are the names of the files that were written about the stall, and FilesErr is
	// why some are missing.
	Files    []string
	FilesErr error

	in    []string // Path with the kinds
	outer []*Node  // around Node, the outermost first; nil once complete was called
}

const maxWaits = 100

// complete fills in what only a stall that is reported needs.
func (s *Stall) complete(t *Tree) {
	s.Tree = t
	for _, n := range s.outer {
		s.Path = append(s.Path, n.Title())
		s.in = append(s.in, string(n.Kind)+" "+n.Title())
	}
	s.outer = nil
	add := func(n *Node) {
		if len(s.Waits) < maxWaits {
			s.Waits = append(s.Waits, n)
		} else {
			s.More++
		}
	}
	if s.Kind == StallWaiting {
		for _, c := range s.Node.awaited() {
			add(c)
		}
		return
	}
	s.Node.innermost(add)
}

// innermost calls add with the canceled nodes in n, n among them, that have none inside,
// and reports whether there are any.
func (n *Node) innermost(add func(*Node)) bool {
	inside := false
	for _, c := range n.Children {
		inside = c.innermost(add) || inside
	}
	if !inside && n.Canceled != nil {
		add(n)
		return true
	}
	return inside
}

// over returns the second report.
func (s *Stall) over(now time.Time) *Stall {
	end := *s
	end.Over = true
	end.Lasted = now.Sub(s.Since)
	return &end
}

// String returns the stall in one line, such as
//
//	task "press 7" (stream/batch.go:40) was canceled 12s ago (by a call in "press 7": pressed again) and still runs: task "reader" (stream/tab.go:71): chan receive, in main.read (stream/tab.go:88)
func (s *Stall) String() string {
	var b strings.Builder
	b.WriteString(s.Node.describe())
	lasted := round(s.Lasted)
	switch {
	case s.Over && s.Kind == StallCanceled:
		fmt.Fprintf(&b, " ended %v after it was canceled", lasted)
		return b.String()
	case s.Over:
		fmt.Fprintf(&b, " waited for the same tasks for %v, and does no longer", lasted)
		return b.String()
	case s.Kind == StallCanceled:
		fmt.Fprintf(&b, " was canceled %v ago", lasted)
		if c := s.Node.Canceled; c.Text != "" {
			fmt.Fprintf(&b, " (%s)", oneLine(c.Text, maxReason))
		}
		b.WriteString(" and still runs: ")
	default:
		fmt.Fprintf(&b, " has waited for the same tasks for %v: ", lasted)
	}
	b.WriteString(strings.Join(s.waits(10), "; "))
	return b.String()
}

// waits describes at most so many of what it waits for, and counts the others.
func (s *Stall) waits(limit int) []string {
	var all []string
	for i, n := range s.Waits {
		if i == limit {
			break
		}
		text := n.describe()
		if g := n.Goroutine; g != nil {
			text += ": " + g.State
			if g.Wait > 0 {
				text += fmt.Sprintf(", %d minutes", g.Wait/time.Minute)
			}
			if g.line != "" {
				text += ", in " + g.line
			}
		}
		all = append(all, text)
	}
	if more := len(s.Waits) - len(all) + s.More; more > 0 {
		all = append(all, fmt.Sprintf("and %d more", more))
	}
	return all
}

// log writes a record. Its attributes have the same names whatever the kind of the stall.
func (s *Stall) log(ctx context.Context, log *slog.Logger) {
	level, message := slog.LevelWarn, "canceled, and still runs"
	switch {
	case s.Over && s.Kind == StallCanceled:
		level, message = slog.LevelInfo, "ended late after its cancellation"
	case s.Over:
		level, message = slog.LevelInfo, "no longer waits for the same tasks"
	case s.Kind == StallWaiting:
		message = "waits for the same tasks"
	}
	attrs := []slog.Attr{
		slog.String("kind", string(s.Node.Kind)), slog.String("name", s.Node.Title()), slog.String("place", s.Node.Place),
		slog.Duration("for", round(s.Lasted)),
	}
	if len(s.in) > 0 {
		attrs = append(attrs, slog.Any("in", s.in))
	}
	if c := s.Node.Canceled; c != nil && c.Text != "" {
		attrs = append(attrs, slog.String("reason", c.Text))
	}
	if !s.Over {
		attrs = append(attrs, slog.Any("waits", s.waits(10)))
		if len(s.Files) > 0 {
			attrs = append(attrs, slog.Any("files", s.Files))
		}
		if s.FilesErr != nil {
			attrs = append(attrs, slog.String("files_error", s.FilesErr.Error()))
		}
	}
	log.LogAttrs(ctx, level, message, attrs...)
}

func round(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}

// Title returns what the text and the page call a node: its Name or, if it has none, the
// function that it runs or whose call made it. It is empty for a node with none of them.
func (n *Node) Title() string {
	switch {
	case n.Name != "":
		return n.Name
	case n.Func != "":
		return n.Func
	}
	if n.Call == "" {
		return ""
	}
	return record.Title(n.Call)
}

// describe returns kind, name and place of a node.
func (n *Node) describe() string {
	text := string(n.Kind)
	if title := n.Title(); title != "" {
		text += fmt.Sprintf(" %q", oneLine(title, maxReason))
	}
	if n.Place != "" {
		text += " (" + n.Place + ")"
	}
	return text
}
