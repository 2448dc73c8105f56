package tasktree

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/trellis-go/trellis/internal/record"
)

// A report is what is known about the scope that an entry is in.
type report struct {
	record.Report
	from record.Reporter
	text string // of the reason
}

// report fills in the report of each entry: that of its own scope, otherwise that of the
// entry around it. Then it asks what only code of the program can say.
func (s *snapshot) report(t *Tree) {
	for _, i := range s.inOrder {
		e := &s.entries[i]
		scope := e.node.Hosted()
		switch {
		case e.depth > maxDepth: // it is not shown, and would take steps for each scope around it
		case scope != nil:
			s.reports = append(s.reports, &report{Report: scope.Report(), from: scope})
			e.report = int32(len(s.reports) - 1)
		case e.parent != none:
			e.report = s.entries[e.parent].report
		}
	}
	if missing := ask(s.reports); missing != "" {
		t.Notes = append(t.Notes, missing)
	}
}

const (
	askLimit  = time.Second
	maxStuck  = 4   // calls of ask that have not ended, after which no more is asked
	maxReason = 200 // bytes of the text of a reason
)

// stuck counts calls of ask that wait for code of the program beyond their limit.
var stuck atomic.Int32

// An asker calls code of the program, in a goroutine of its own, because that code may
// never return.
type asker struct {
	mu      sync.Mutex
	over    bool           // guarded by mu; no code waits for answers any more
	ended   bool           // guarded by mu; there will be no more
	outside []answer       // guarded by mu
	texts   map[any]string // guarded by mu; of reasons, by the identity of their cause

	// reports are those to ask about. Only the asker writes the fields that answers
	// are stored in, and it stores them in maps first: Take may have gone on.
	reports []*report
	done    chan struct{} // closed by the asker
}

// An answer is what a context from outside of all scopes has said.
type answer struct {
	about    *report
	cause    *record.Cause
	deadline time.Time
}

// ask completes reports, and says in words what it could not find out.
func ask(reports []*report) (missing string) {
	a := &asker{texts: make(map[any]string), done: make(chan struct{})}
	for _, r := range reports {
		if r.Outer != nil || r.Cause != nil && r.Cause.Reason != nil {
			a.reports = append(a.reports, r)
		}
	}
	if len(a.reports) == 0 {
		return ""
	}
	if stuck.Load() >= maxStuck {
		return "reasons are left out: methods that earlier calls of Take have called, of errors or contexts, have not returned"
	}
	go a.run()
	timer := time.NewTimer(askLimit)
	defer timer.Stop()
	select {
	case <-a.done:
	case <-timer.C:
		missing = "some reasons are missing: the method of an error or of a context has not returned within " + askLimit.String()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		missing = ""
	} else {
		a.over = true
		stuck.Add(1)
	}
	for _, o := range a.outside {
		o.about.Cause = o.cause
		if d := o.deadline; !d.IsZero() && (o.about.Deadline.IsZero() || d.Before(o.about.Deadline)) {
			o.about.Deadline, o.about.Of = d.Round(0), nil
		}
	}
	for _, r := range reports {
		if r.Cause != nil {
			r.text = a.texts[r.Cause.Identity]
		}
	}
	return missing
}

// run is the goroutine of the asker.
func (a *asker) run() {
	defer func() {
		a.mu.Lock()
		a.ended = true
		if a.over {
			stuck.Add(-1)
		}
		a.mu.Unlock()
		close(a.done)
	}()
	for _, r := range a.reports {
		cause := r.Cause
		if cause == nil {
			cause = a.askOutside(r)
		}
		if cause != nil && !a.askReason(cause) {
			return
		}
	}
}

// askOutside asks the context around a scope why it is done.
func (a *asker) askOutside(r *report) (cause *record.Cause) {
	defer func() { _ = recover() }() // of the user's code: the answer is missing then
	cause, deadline := r.from.Ask(r.Outer)
	if cause == nil && deadline.IsZero() {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.over {
		a.outside = append(a.outside, answer{r, cause, deadline})
	}
	return cause
}

// askReason takes the text of a reason, and reports whether answers are still wanted.
func (a *asker) askReason(cause *record.Cause) bool {
	a.mu.Lock()
	_, known := a.texts[cause.Identity]
	over := a.over
	a.mu.Unlock()
	if over || known || cause.Reason == nil {
		return !over
	}
	text := errorText(cause.Reason)
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.over {
		a.texts[cause.Identity] = text
	}
	return !a.over
}

// errorText returns the text of an error as one short line.
func errorText(err error) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = fmt.Sprintf("%T (its Error method panicked)", err)
		}
	}()
	return oneLine(err.Error(), maxReason)
}

// oneLine returns text without line breaks and other characters that do not print, and cut
// if it has more than limit bytes.
func oneLine(text string, limit int) string {
	cut := len(text) > limit
	if cut {
		text = strings.ToValidUTF8(text[:limit], "") // the last character may have been cut
	}
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
	if text = printable(text); cut {
		text += "…"
	}
	return text
}

// printable replaces the characters of a text that do not print.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, text)
}
