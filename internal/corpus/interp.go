package corpus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

// Tick is how long one tick of a program lasts on the clock of the bubble.
const Tick = time.Millisecond

// A Pace says when a spawned task begins.
type Pace int

const (
	// Eager tasks begin at once.
	Eager Pace = iota
	// Paced tasks begin when everything else has come to rest. The recording
	// libraries run one task at a time and a new one last, so the outcome of
	// some recorded programs depends on that: a nursery has closed before
	// the child of a child of a child looks at it.
	Paced
)

// Options say how a program is run. None of them changes its outcome, if that is
// the same under every schedule.
type Options struct {
	Flavor Flavor
	Pace   Pace
	// Wrap puts contexts of the standard library between the scopes: some that
	// only have a value, and in any chain up to so many that can be canceled.
	Wrap int
	// Adjustable says which scopes are adjustable. If it is nil, those are of which an
	// operation sets the deadline or the shield, needed or not.
	Adjustable map[string]bool
}

// Run executes a program and returns what it did. It must be called in a
// synctest bubble. A program that never ends is given up when more time has
// passed than all its durations together; the outcome says so in Problem.
func Run(p *Program, opts Options) *Outcome {
	in := newInterp(p, opts)
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer in.recoverMain()
		err = in.ops(context.Background(), in.task("main"), p.Main)
		in.end = in.now()
	}()

	limit := p.timeLimit()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		problem := "hung; goroutines:\n" + bubbleStacks()
		close(in.abort)
		timer.Reset(limit)
		select {
		case <-done:
		case <-timer.C:
			problem = "hung, not even aborting the program ended it; " + problem
		}
		return &Outcome{Problem: problem, Trace: in.traces()}
	}

	out := &Outcome{End: in.end, Trace: in.traces(), Scopes: in.flags(), Problem: in.problem, Needs: in.needs}
	out.Errors, out.Canceled = Classify(err)
	if out.Problem == "" && in.running() > 0 {
		out.Problem = fmt.Sprintf("%d tasks were still running when main had ended", in.running())
	}
	return out
}

// timeLimit is longer than the program can take: no operation runs twice.
func (p *Program) timeLimit() time.Duration {
	ticks := int64(1)
	Walk(p.Main, func(o *Op) {
		if o.D != nil {
			ticks += max(*o.D, 0)
		}
	})
	return time.Duration(ticks) * Tick
}

// bubbleStacks returns the stacks of all goroutines in bubbles.
func bubbleStacks() string {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	var in []string
	for g := range strings.SplitSeq(string(buf), "\n\n") {
		if head, _, _ := strings.Cut(g, "\n"); strings.Contains(head, "synctest bubble") {
			in = append(in, g)
		}
	}
	return strings.Join(in, "\n\n")
}

// An appError is the error of a raise operation.
type appError string

func (e appError) Error() string { return string(e) }

// errAborted ends the operations of a program that has been given up.
var errAborted = errors.New("corpus: program given up")

// Classify returns what the records of a program say about an error: the
// sorted names of the application errors in it, and whether a cancellation is
// in it as well. An error of any other origin is named by its text, so that
// it cannot be overlooked.
func Classify(err error) (names []string, canceled bool) {
	names = []string{}
	var walk func(error)
	walk = func(err error) {
		switch e := err.(type) {
		case nil:
			return
		case appError:
			names = append(names, string(e))
			return
		case *deadline.TooSlowError:
			names = append(names, "TooSlow")
			return
		case *cancelscope.Canceled:
			// What it unwraps to is why, not what else happened.
			canceled = true
			return
		case interface{ Unwrap() []error }:
			for _, err := range e.Unwrap() {
				walk(err)
			}
			return
		}
		switch err {
		case nursery.ErrNotStarted:
			names = append(names, "NotStarted")
			return
		case context.Canceled, context.DeadlineExceeded:
			canceled = true
			return
		}
		if inner := errors.Unwrap(err); inner != nil {
			walk(inner)
			return
		}
		names = append(names, fmt.Sprintf("?%T(%v)", err, err))
	}
	walk(err)
	slices.Sort(names)
	return names, canceled
}

// An interp is one program running.
type interp struct {
	program *Program
	opts    Options
	start   time.Time
	abort   chan struct{} // closed when the program is given up

	// Written by the goroutine of main, read once that has ended.
	end     int64
	problem string

	moving sync.Mutex // held while a deadline is compared and moved

	mu      sync.Mutex // guards what follows; not held while waiting
	trace   map[string][]Event
	scopes  map[string]*scopeState
	events  map[string]*event
	handles map[string]*nursery.Task[struct{}]
	live    int // tasks that run, main not counted
	needs   map[string]bool
}

// A scopeState is what the operations know about a scope, which for a nursery
// is the nursery's.
type scopeState struct {
	scope   *cancelscope.Scope // nil before a fail scope or a nursery is entered
	nursery *nursery.Nursery
	inside  bool // entered and not left
}

// A task is the place of one task of the program.
type task struct {
	name    string
	started func(int64) // nil unless run by start
}

func newInterp(p *Program, opts Options) *interp {
	in := &interp{
		program: p,
		opts:    opts,
		needs:   make(map[string]bool),
		start:   time.Now(),
		abort:   make(chan struct{}),
		trace:   make(map[string][]Event),
		scopes:  make(map[string]*scopeState),
		events:  make(map[string]*event),
		handles: make(map[string]*nursery.Task[struct{}]),
	}
	if opts.Adjustable == nil {
		in.opts.Adjustable = make(map[string]bool)
	}
	Walk(p.Main, func(o *Op) {
		if opts.Adjustable == nil && (o.Op == "deadline" || o.Op == "shield" && o.On) {
			in.opts.Adjustable[o.ID] = true
		}
	})
	for _, d := range p.Scopes {
		s := new(scopeState)
		if d.Kind == "scope" || d.Kind == "move_on" {
			s.scope = in.newScope(d.ID, d.D, d.Shield)
		}
		in.scopes[d.ID] = s
	}
	for _, ev := range p.Events {
		in.events[ev] = newEvent()
	}
	return in
}

// newScope makes a scope that has not been entered.
func (in *interp) newScope(id string, d *int64, shield bool) *cancelscope.Scope {
	s := &cancelscope.Scope{Name: id, Adjustable: in.opts.Adjustable[id]}
	if d != nil {
		s.SetTimeout(time.Duration(*d) * Tick)
	}
	if shield {
		s.SetShield(true)
	}
	return s
}

func (in *interp) now() int64 { return int64(time.Since(in.start) / Tick) }

func (in *interp) task(name string) *task { return &task{name: name} }

// recoverMain turns a panic of main into a problem.
func (in *interp) recoverMain() {
	if r := recover(); r != nil {
		buf := make([]byte, 1<<14)
		in.problem = fmt.Sprintf("panic: %v\n%s", r, buf[:runtime.Stack(buf, false)])
	}
}

func (in *interp) record(t *task, o *Op, e Event) {
	e.Tick, e.N = in.now(), o.N
	in.mu.Lock()
	defer in.mu.Unlock()
	in.trace[t.name] = append(in.trace[t.name], e)
}

func (in *interp) recordErr(t *task, o *Op, what string, err error) {
	names, c := Classify(err)
	in.record(t, o, Event{What: what, Names: names, C: c})
}

func (in *interp) traces() map[string][]Event {
	in.mu.Lock()
	defer in.mu.Unlock()
	traces := make(map[string][]Event)
	for task, events := range in.trace {
		traces[task] = slices.Clone(events)
	}
	return traces
}

func (in *interp) flags() map[string]Flags {
	in.mu.Lock()
	defer in.mu.Unlock()
	flags := make(map[string]Flags)
	for id, st := range in.scopes {
		if st.scope != nil {
			flags[id] = Flags{st.scope.CancelCalled(), st.scope.CanceledCaught()}
		}
	}
	return flags
}

func (in *interp) running() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.live
}

// state returns the scope of that id if it exists by now.
func (in *interp) state(id string) (s scopeState, ok bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	s = *in.scopes[id]
	return s, s.scope != nil
}

// enter notes that the block of a scope has begun, with the nursery if it is
// one; leave, that it has been left.
func (in *interp) enter(id string, s *cancelscope.Scope, n *nursery.Nursery) {
	in.mu.Lock()
	defer in.mu.Unlock()
	st := in.scopes[id]
	st.scope, st.nursery, st.inside = s, n, true
}

func (in *interp) leave(id string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.scopes[id].inside = false
}

// need notes that what is done to a running scope needs it to be adjustable, and
// reports whether it is. If not, the program must be run again: see Outcome.Needs.
func (in *interp) need(id string) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.needs[id] = true
	return in.opts.Adjustable[id]
}

func (in *interp) addLive(n int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.live += n
}

// An event is a one-shot event. Whether a waiter has got it or has been
// canceled is decided when the event is set, as in Trio: a waiter that only
// looked at two channels when it is woken could not know which came first.
type event struct {
	mu      sync.Mutex
	set     chan struct{} // closed by the first set
	isSet   bool
	waiters map[*waiter]struct{}
}

type waiter struct {
	ctx context.Context
	got bool
}

func newEvent() *event {
	return &event{set: make(chan struct{}), waiters: make(map[*waiter]struct{})}
}

func (e *event) fire() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.isSet {
		return
	}
	e.isSet = true
	for w := range e.waiters {
		w.got = w.ctx.Err() == nil
	}
	close(e.set)
}

func (e *event) wait(ctx context.Context, abort <-chan struct{}) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	w := &waiter{ctx: ctx}
	e.mu.Lock()
	if e.isSet {
		e.mu.Unlock()
		return nil
	}
	e.waiters[w] = struct{}{}
	e.mu.Unlock()
	select {
	case <-e.set:
	case <-ctx.Done():
	case <-abort:
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.waiters, w)
	if w.got {
		return nil
	}
	return cmp.Or(context.Cause(ctx), errAborted)
}
