package interp

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/internal/corpus"
	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/deadline"
	"github.com/trellis-go/trellis/temporal/nursery"
	"github.com/trellis-go/trellis/temporal/wait"
)

// Options say how a program is run.
type Options struct {
	Flavor corpus.Flavor
	Pace   corpus.Pace
	Tick   time.Duration // how long a tick lasts on the workflow's clock

	// Wrap puts contexts of workflow.WithCancel, and ones that only have a value, between
	// the scopes.
	Wrap bool

	// Guard gives up a program that takes longer than all its durations together. It costs
	// a timer in the history.
	Guard bool
}

// Run executes a program in a workflow and returns what it did.
func Run(ctx workflow.Context, p *corpus.Program, opts Options) *corpus.Outcome {
	in := newInterp(ctx, p, opts)
	if !opts.Guard {
		return in.outcome(in.main(ctx))
	}
	done, settle := workflow.NewFuture(ctx)
	workflow.GoNamed(ctx, "main", func(ctx workflow.Context) { settle.Set(nil, in.main(ctx)) })
	hung := false
	guardCtx, stop := workflow.WithCancel(ctx)
	s := workflow.NewSelector(ctx)
	var err error
	s.AddFuture(done, func(f workflow.Future) { err = f.Get(ctx, nil) })
	s.AddFuture(workflow.NewTimer(guardCtx, in.limit()), func(workflow.Future) { hung = true })
	s.Select(ctx)
	stop()
	if hung {
		return &corpus.Outcome{Problem: "hung", Trace: in.trace}
	}
	return in.outcome(err)
}

// main runs the task main.
func (in *interp) main(ctx workflow.Context) error {
	err := in.ops(ctx, &task{name: "main"}, in.program.Main)
	in.end = in.now(ctx)
	return err
}

// limit is longer than the program can take: no operation runs twice.
func (in *interp) limit() time.Duration {
	ticks := int64(1)
	corpus.Walk(in.program.Main, func(o *corpus.Op) {
		if o.D != nil {
			ticks += max(*o.D, 0)
		}
	})
	return time.Duration(ticks) * in.opts.Tick
}

// An appError is the error of a raise operation.
type appError string

func (e appError) Error() string { return string(e) }

// Classify returns what the records of a program say about an error: the sorted names of the
// application errors in it, and whether a cancellation is in it as well. An error of any other
// origin is named by its text, so that it cannot be overlooked.
func Classify(err error) (names []string, canceled bool) {
	names = []string{}
	var walk func(error)
	walk = func(err error) {
		if err == nil {
			return
		}
		switch e := err.(type) {
		case appError:
			names = append(names, string(e))
			return
		case *cancelscope.Canceled:
			canceled = true
			return
		case *deadline.TooSlowError:
			names = append(names, "TooSlow")
			return
		}
		if members, ok := err.(interface{ Unwrap() []error }); ok {
			for _, inner := range members.Unwrap() {
				walk(inner)
			}
			return
		}
		switch err {
		case nursery.ErrNotStarted:
			names = append(names, "NotStarted")
			return
		case workflow.ErrCanceled:
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

// An interp is one program running. Everything in it belongs to the workflow.
type interp struct {
	program *corpus.Program
	opts    Options
	start   time.Time
	end     int64

	trace   map[string][]corpus.Event
	scopes  map[string]*scopeState
	events  map[string]*event
	handles map[string]*nursery.Task[struct{}]
	live    int // tasks that run, main not counted
}

// A scopeState is what the operations know about a scope, which for a nursery is the
// nursery's.
type scopeState struct {
	scope   *cancelscope.Scope // nil before a fail scope or a nursery is entered
	nursery *nursery.Nursery
	inside  bool // entered and not left
}

// An event is a one-shot event.
type event struct {
	set    workflow.Future
	settle workflow.Settable
}

// A task is the place of one task of the program.
type task struct {
	name    string
	started func(int64) // nil unless run by start
}

func newInterp(ctx workflow.Context, p *corpus.Program, opts Options) *interp {
	in := &interp{
		program: p,
		opts:    opts,
		start:   workflow.Now(ctx),
		trace:   make(map[string][]corpus.Event),
		scopes:  make(map[string]*scopeState),
		events:  make(map[string]*event),
		handles: make(map[string]*nursery.Task[struct{}]),
	}
	for _, d := range p.Scopes {
		s := new(scopeState)
		if d.Kind == "scope" || d.Kind == "move_on" {
			s.scope = in.newScope(d.ID, d.D, d.Shield)
		}
		in.scopes[d.ID] = s
	}
	for _, name := range p.Events {
		ev := new(event)
		ev.set, ev.settle = workflow.NewFuture(ctx)
		in.events[name] = ev
	}
	return in
}

// newScope makes a scope that has not been entered.
func (in *interp) newScope(id string, d *int64, shield bool) *cancelscope.Scope {
	s := &cancelscope.Scope{Name: id}
	if d != nil {
		s.SetTimeout(time.Duration(*d) * in.opts.Tick)
	}
	if shield {
		s.SetShield(true)
	}
	return s
}

func (in *interp) now(ctx workflow.Context) int64 {
	return int64(workflow.Now(ctx).Sub(in.start) / in.opts.Tick)
}

func (in *interp) outcome(err error) *corpus.Outcome {
	out := &corpus.Outcome{End: in.end, Trace: in.trace, Scopes: make(map[string]corpus.Flags)}
	out.Errors, out.Canceled = Classify(err)
	for _, d := range in.program.Scopes { // not over the map, whose order is random
		if s := in.scopes[d.ID].scope; s != nil {
			out.Scopes[d.ID] = corpus.Flags{Called: s.CancelCalled(), Caught: s.CanceledCaught()}
		}
	}
	if in.live > 0 {
		out.Problem = fmt.Sprintf("%d tasks were still running when main had ended", in.live)
	}
	return out
}

func (in *interp) record(ctx workflow.Context, t *task, o *corpus.Op, e corpus.Event) {
	e.Tick, e.N = in.now(ctx), o.N
	in.trace[t.name] = append(in.trace[t.name], e)
}

func (in *interp) recordErr(ctx workflow.Context, t *task, o *corpus.Op, what string, err error) {
	names, c := Classify(err)
	in.record(ctx, t, o, corpus.Event{What: what, Names: names, C: c})
}

// enter notes that the block of a scope has begun, with the nursery if it is one.
func (in *interp) enter(id string, s *cancelscope.Scope, n *nursery.Nursery) {
	st := in.scopes[id]
	st.scope, st.nursery, st.inside = s, n, true
}

func (in *interp) leave(id string) { in.scopes[id].inside = false }

// wait waits for the event, cancelably.
func (e *event) wait(ctx workflow.Context) error {
	if err := cancelscope.Cause(ctx); err != nil {
		return err // also if the event is set: every wait in a canceled scope fails
	}
	return wait.Get(ctx, e.set, nil)
}

func (e *event) fire() {
	if !e.set.IsReady() {
		e.settle.Set(nil, nil)
	}
}

// forever waits until ctx is canceled.
func forever(ctx workflow.Context) error {
	never, _ := workflow.NewFuture(ctx)
	return wait.Get(ctx, never, nil)
}
