package tasktree

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

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
	joinLimit = 100 * time.Millisecond // for answers that another call of Take has asked for
	maxAskers = 16                     // goroutines of one call of Take that ask
	maxStuck  = 16                     // questions without an answer for askLimit, after which no new one is asked
	maxAsked  = 64                     // questions that are asked at the same time in the process
)

// What stands instead of the text of a reason.
const (
	notReturned = "reason not available: its Error method has not returned"
	notAsked    = "reason not available: methods that were called before it, of errors or contexts, have not returned"
)

// asked are the questions that wait for code of the program. That code may take a tree itself,
// so what is asked already is not asked again before there is an answer.
var asked struct {
	mu    sync.Mutex
	all   map[any]*question // guarded by mu; by their keys
	stuck int               // guarded by mu; how many of them have been late
}

// A question is what only code of the program can answer: the text of a reason, or why a
// context from outside of all scopes is done.
type question struct {
	key   any           // the identity of the cause, or the scope that sees the context
	cause *record.Cause // nil if the question is about a context
	about []*report     // those that want the answer
	late  bool          // guarded by asked.mu

	state  atomic.Uint32 // one of the constants below
	shared atomic.Pointer[question]

	// answer is written by the asker before state is answered, and read-only after.
	answer answer
}

// The values of question.state.
const (
	waiting  uint32 = iota
	refused         // there are too many
	joined          // shared is the same question, which has been asked before
	begun           // code of the program has been called
	answered        // it has returned
)

// An answer to a question about a context has a cause, or a deadline, or nothing.
type answer struct {
	text     string
	cause    *record.Cause
	deadline time.Time
}

// ask completes reports, and says in words what it could not find out.
func ask(reports []*report) (missing string) {
	questions := questionsOf(reports)
	if len(questions) == 0 {
		return ""
	}
	a := &asker{questions: questions, done: make(chan struct{})}
	a.askers.Store(int32(min(len(questions), maxAskers)))
	for range a.askers.Load() {
		go a.run()
	}
	timer := time.NewTimer(askLimit)
	defer timer.Stop()
	select {
	case <-a.done:
		join(questions)
	case <-timer.C:
		a.over.Store(true)
	}
	for _, q := range questions {
		if text := q.deliver(); text != "" {
			missing = text
		}
	}
	return missing
}

// questionsOf returns the questions about reports, those about reasons first, because they
// are seldom stuck.
func questionsOf(reports []*report) []*question {
	var reasons, contexts []*question
	byKey := make(map[any]*question)
	for _, r := range reports {
		switch {
		case r.Cause == nil && r.Outer != nil:
			contexts = append(contexts, &question{key: r.from, about: []*report{r}})
		case r.Cause != nil && r.Cause.Reason != nil:
			q := byKey[r.Cause.Identity]
			if q == nil {
				q = &question{key: r.Cause.Identity, cause: r.Cause}
				byKey[q.key] = q
				reasons = append(reasons, q)
			}
			q.about = append(q.about, r)
		}
	}
	return append(reasons, contexts...)
}

// join waits for the answers to questions that have been asked before.
func join(questions []*question) {
	for begin := time.Now(); time.Since(begin) < joinLimit; time.Sleep(joinLimit / 50) {
		if !slices.ContainsFunc(questions, func(q *question) bool {
			before := q.shared.Load()
			return before != nil && before.state.Load() != answered && !before.isLate()
		}) {
			return
		}
	}
}

func (q *question) isLate() bool {
	asked.mu.Lock()
	defer asked.mu.Unlock()
	return q.late
}

// deliver stores the answer in the reports, or why there is none, which it returns.
func (q *question) deliver() (missing string) {
	with, text := q, ""
	if before := q.shared.Load(); before != nil {
		with = before
	}
	switch with.state.Load() {
	case answered:
		for _, r := range q.about {
			r.take(with.answer)
		}
		return ""
	case begun:
		q.setLate()
		text = notReturned
		missing = "some reasons are missing: the method of an error or of a context has not returned within " + askLimit.String()
	default:
		text = notAsked
		missing = "reasons are left out: methods that were called before, of errors or contexts, have not returned"
	}
	if q.cause != nil {
		for _, r := range q.about {
			r.text = text
		}
	}
	return missing
}

// take stores an answer.
func (r *report) take(a answer) {
	r.text = a.text
	if a.cause != nil {
		r.Cause = a.cause
	}
	if d := a.deadline; !d.IsZero() && (r.Deadline.IsZero() || d.Before(r.Deadline)) {
		r.Deadline, r.Of = d.Round(0), nil
	}
}

// setLate notes that the answer did not come within the limit.
func (q *question) setLate() {
	asked.mu.Lock()
	defer asked.mu.Unlock()
	if asked.all[q.key] == q && !q.late {
		q.late = true
		asked.stuck++
	}
}

// begin reports whether q is to be asked now.
func (q *question) begin() bool {
	asked.mu.Lock()
	defer asked.mu.Unlock()
	switch before := asked.all[q.key]; {
	case before != nil:
		q.shared.Store(before)
		q.state.Store(joined)
		return false
	case asked.stuck >= maxStuck || len(asked.all) >= maxAsked:
		q.state.Store(refused)
		return false
	}
	if asked.all == nil {
		asked.all = make(map[any]*question)
	}
	asked.all[q.key] = q
	q.state.Store(begun)
	return true
}

// end notes the answer.
func (q *question) end(a answer) {
	q.answer = a
	q.state.Store(answered)
	asked.mu.Lock()
	defer asked.mu.Unlock()
	delete(asked.all, q.key)
	if q.late {
		asked.stuck--
	}
}

// An asker calls code of the program, in goroutines of its own, because that code may never
// return.
type asker struct {
	questions []*question
	next      atomic.Int64  // how many have been taken
	over      atomic.Bool   // no code waits for answers any more
	askers    atomic.Int32  // goroutines that ask
	done      chan struct{} // closed by the last of them
}

// run is one of the goroutines. If code of the program ends it with runtime.Goexit, another
// one takes its place.
func (a *asker) run() {
	var q *question
	defer func() {
		switch {
		case q != nil:
			q.end(answer{text: q.exited()})
			go a.run() // instead of this goroutine
		case a.askers.Add(-1) == 0:
			close(a.done)
		}
	}()
	for !a.over.Load() {
		i := a.next.Add(1) - 1
		if i >= int64(len(a.questions)) {
			return
		}
		if next := a.questions[i]; next.begin() {
			q = next
			q.end(q.ask())
			q = nil
		}
	}
}

// exited is the text for a question that was answered by runtime.Goexit.
func (q *question) exited() string {
	if q.cause == nil {
		return ""
	}
	return fmt.Sprintf("%T (its Error method called runtime.Goexit)", q.cause.Reason)
}

// ask calls code of the program.
func (q *question) ask() (a answer) {
	defer func() { _ = recover() }() // of a context of the user's: the answer is missing then
	if a.cause = q.cause; a.cause == nil {
		r := q.about[0]
		a.cause, a.deadline = r.from.Ask(r.Outer)
	}
	if a.cause != nil && a.cause.Reason != nil {
		a.text = errorText(a.cause.Reason)
	}
	return a
}
