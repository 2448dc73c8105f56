package corpus

import (
	"errors"
	"math/rand/v2"
	"slices"
)

// The model is a discrete-event simulator of the semantics that Trio gives to
// the operations. It is sequential: one step of one task at a time, chosen by
// a seeded schedule, on a clock that is a number. It uses nothing of the
// library, so that the two can be held against each other.

// Errors of [Predict].
var (
	// ErrStuck means that the program never ends under some schedule.
	ErrStuck = errors.New("corpus: program never ends")
	// ErrTie means that two timers were due at the same tick.
	ErrTie = errors.New("corpus: two timers at the same tick")
	// ErrDepends means that two schedules give different outcomes.
	ErrDepends = errors.New("corpus: outcome depends on the schedule")
)

// Predict returns the outcome of a program when schedules schedules, drawn
// from seed, agree about it.
func Predict(p *Program, flavor Flavor, pace Pace, seed uint64, schedules int) (*Outcome, error) {
	var first *Outcome
	for i := range schedules {
		out, err := simulate(p, pace, rand.New(rand.NewPCG(seed, uint64(i))))
		if err != nil {
			return nil, err
		}
		if first == nil {
			first = out
		} else if Diff(flavor, out, first) != nil {
			return nil, ErrDepends
		}
	}
	return first, nil
}

// simErr is an error as far as programs can distinguish errors: the names of the
// application errors in it, and whether a cancellation is in it. Nil is none.
type simErr struct {
	names []string
	c     bool
}

func application(name string) *simErr { return &simErr{names: []string{name}} }

var cancellation = &simErr{c: true}

// join returns both errors as one.
func (e *simErr) join(other *simErr) *simErr {
	switch {
	case e == nil:
		return other
	case other == nil:
		return e
	}
	return &simErr{names: append(slices.Clone(e.names), other.names...), c: e.c || other.c}
}

// withoutCancellation returns what is left of e.
func (e *simErr) withoutCancellation() *simErr {
	if e == nil || len(e.names) == 0 {
		return nil
	}
	return &simErr{names: e.names}
}

// onlyCancellation returns what is left of e without the application errors.
func (e *simErr) onlyCancellation() *simErr {
	if e == nil || !e.c {
		return nil
	}
	return cancellation
}

func (e *simErr) classify() (names []string, c bool) {
	names = []string{}
	if e == nil {
		return names, false
	}
	names = append(names, e.names...)
	slices.Sort(names)
	return names, e.c
}

// A simScope is a cancel scope. A task has one as well, between its nursery
// and what it enters, so that it can move, and be canceled by itself.
type simScope struct {
	parent   *simScope // nil for the scope of main, and before entry
	exists   bool
	inside   bool // entered and not left
	shield   bool
	called   bool
	byTime   bool // called by its deadline, and by nothing before
	caught   bool
	deadline *int64 // the tick, while inside
}

// canceled reports whether code in the scope is canceled.
func (s *simScope) canceled() bool { return s.called || s.sees() }

// sees reports whether a cancellation around the scope is visible in it.
func (s *simScope) sees() bool {
	return !s.shield && s.parent != nil && s.parent.canceled()
}

// effective returns the deadline in force, nil for none.
func (s *simScope) effective() *int64 {
	if s.shield || s.parent == nil {
		return s.deadline
	}
	around := s.parent.effective()
	if s.deadline == nil || around != nil && *around < *s.deadline {
		return around
	}
	return s.deadline
}

// absorb returns what goes up when a block ends with err and the scope is
// left.
func (s *simScope) absorb(err *simErr) *simErr {
	if err != nil && err.c && s.canceled() && !s.sees() {
		s.caught = true
		return err.withoutCancellation()
	}
	return err
}

// A simNursery counts what keeps it open.
type simNursery struct {
	scope    *simScope
	opened   bool
	closed   bool
	body     bool // runs
	children int
	starts   int // pending
	err      *simErr
	waiter   *simTask // the task whose body has ended
}

// A simTask is a task with its stack of blocks.
type simTask struct {
	name     string
	scope    *simScope   // around the whole task
	nursery  *simNursery // it belongs to, nil for main
	origin   *Op         // that spawned or started it
	stack    []*frame
	err      *simErr // going up
	priority float64
	begun    bool // may run in a paced schedule

	ended    bool
	endErr   *simErr
	startIn  *simNursery // where started will move it, nil if not run by start
	hasValue bool
	value    int64

	wait wait
}

// A frame is a block: operations, how many have run, and what it is for.
type frame struct {
	op      *Op // nil for the body of a task
	ops     []*Op
	next    int
	scope   *simScope // innermost in this block
	nursery *simNursery
	saved   *simErr  // of the body, during the cleanup of a finally
	child   *simTask // of a start
	phase   int
}

// A wait is what a task is blocked in.
type wait struct {
	kind  waitKind
	op    *Op
	until int64    // of a sleep
	on    *simTask // of a join
}

type waitKind int

const (
	runnable waitKind = iota
	onTimer
	onNothing // until canceled
	onEvent   // as onNothing, and until the event
	onTask    // as onNothing, and until the other task has ended
	onNursery // a nursery: cannot be canceled
	// checkpoint does not block, but is canceled if its scope is when the
	// task continues.
	checkpoint
	// woken and interrupted have been blocked, and record the end of it.
	woken
	interrupted
)

// A sim is one run of a program.
type sim struct {
	program *Program
	rand    *rand.Rand
	paced   bool // a task begins when nothing else can run
	uniform bool // schedule: any task next, instead of by priority
	now     int64
	tied    bool

	scopes    map[string]*simScope
	kinds     map[string]ScopeDecl
	nurseries map[string]*simNursery
	events    map[string]bool
	byName    map[string]*simTask // that have a handle
	tasks     []*simTask          // that have not ended, oldest first
	trace     map[string][]Event
}

func newSim(p *Program, r *rand.Rand) *sim {
	s := &sim{
		program:   p,
		rand:      r,
		uniform:   r.IntN(2) == 0,
		scopes:    make(map[string]*simScope),
		kinds:     make(map[string]ScopeDecl),
		nurseries: make(map[string]*simNursery),
		events:    make(map[string]bool),
		byName:    make(map[string]*simTask),
		trace:     make(map[string][]Event),
	}
	for _, d := range p.Scopes {
		s.kinds[d.ID] = d
		s.scopes[d.ID] = &simScope{exists: d.Kind == "scope" || d.Kind == "move_on"}
		if d.Kind == "nursery" {
			s.nurseries[d.ID] = &simNursery{scope: s.scopes[d.ID]}
		}
	}
	return s
}

// simulate runs a program under one schedule.
func simulate(p *Program, pace Pace, r *rand.Rand) (*Outcome, error) {
	s := newSim(p, r)
	s.paced = pace == Paced
	main := s.begin("main", nil, p.Main, nil)
	for !main.ended {
		if t := s.choose(); t != nil {
			s.step(t)
		} else if !s.advance() {
			return nil, ErrStuck
		}
	}
	if s.tied {
		return nil, ErrTie
	}
	out := &Outcome{End: s.now, Trace: s.trace, Scopes: make(map[string]Flags)}
	out.Errors, out.Canceled = main.endErr.classify()
	for id, sc := range s.scopes {
		if sc.exists {
			out.Scopes[id] = Flags{sc.called, sc.caught}
		}
	}
	return out, nil
}

// begin makes a task runnable in a nursery.
func (s *sim) begin(name string, n *simNursery, body []*Op, origin *Op) *simTask {
	sc := new(simScope)
	if n != nil {
		sc.parent = n.scope
		n.children++
	}
	t := &simTask{name: name, scope: sc, nursery: n, origin: origin, priority: s.rand.Float64()}
	t.stack = []*frame{{ops: body, scope: sc}}
	s.tasks = append(s.tasks, t)
	return t
}

// choose returns the task to run next, nil if all are blocked. Half of the
// schedules take any; the others the one of the highest priority, which
// changes now and then, because that finds orders in which one task waits
// long for its turn.
func (s *sim) choose() *simTask {
	var ready []*simTask
	for _, t := range s.tasks {
		switch t.wait.kind {
		case runnable, checkpoint, woken, interrupted:
			ready = append(ready, t)
		}
	}
	if len(ready) == 0 {
		return nil
	}
	if s.paced {
		begun := slices.DeleteFunc(slices.Clone(ready), func(t *simTask) bool { return !t.begun })
		if len(begun) == 0 {
			for _, t := range ready {
				t.begun = true
			}
		} else {
			ready = begun
		}
	}
	if s.uniform {
		return ready[s.rand.IntN(len(ready))]
	}
	best := slices.MaxFunc(ready, func(a, b *simTask) int {
		if a.priority < b.priority {
			return -1
		}
		return 1
	})
	if s.rand.IntN(8) == 0 {
		best.priority = s.rand.Float64()
	}
	return best
}

// advance moves the clock to the next timer and fires it; false if there is
// none.
func (s *sim) advance() bool {
	type timer struct {
		at   int64
		fire func()
	}
	var due []timer
	add := func(at int64, fire func()) {
		if len(due) > 0 && at < due[0].at {
			due = due[:0]
		}
		if len(due) == 0 || at == due[0].at {
			due = append(due, timer{at, fire})
		}
	}
	for _, t := range s.tasks {
		if t.wait.kind == onTimer {
			add(t.wait.until, func() {
				if t.wait.kind == onTimer { // and not interrupted just now
					t.wait.kind = woken
				}
			})
		}
	}
	for _, d := range s.program.Scopes { // not over the map: a seed has one schedule
		if sc := s.scopes[d.ID]; sc.inside && !sc.called && sc.deadline != nil {
			add(*sc.deadline, func() { s.expire(sc) })
		}
	}
	if len(due) == 0 {
		return false
	}
	s.now = max(s.now, due[0].at)
	s.tied = s.tied || len(due) > 1
	s.rand.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
	for _, t := range due {
		t.fire()
	}
	return true
}

// current is the innermost scope around what the task does.
func (t *simTask) current() *simScope { return t.stack[len(t.stack)-1].scope }

// cancel cancels a scope, and expire says that its deadline has passed.
func (s *sim) cancel(sc *simScope) {
	sc.called = true
	s.deliver()
}

func (s *sim) expire(sc *simScope) {
	if !sc.called {
		sc.byTime = true
		s.cancel(sc)
	}
}

// deliver interrupts every task that waits in a scope which is canceled now.
func (s *sim) deliver() {
	for _, t := range s.tasks {
		switch t.wait.kind {
		case onTimer, onNothing, onEvent, onTask:
			if t.current().canceled() {
				t.wait.kind = interrupted
			}
		}
	}
}

func (s *sim) record(t *simTask, n int, e Event) {
	e.Tick, e.N = s.now, n
	s.trace[t.name] = append(s.trace[t.name], e)
}

func (s *sim) recordErr(t *simTask, n int, what string, err *simErr) {
	names, c := err.classify()
	s.record(t, n, Event{What: what, Names: names, C: c})
}
