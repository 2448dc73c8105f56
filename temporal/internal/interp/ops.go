package interp

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/internal/corpus"
	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/deadline"
	"github.com/trellis-go/trellis/temporal/nursery"
)

// ops runs a list of operations up to the first that ends in an error.
func (in *interp) ops(ctx workflow.Context, t *task, ops []*corpus.Op) error {
	for _, o := range ops {
		if err := in.op(ctx, t, o); err != nil {
			return err
		}
	}
	return nil
}

// between puts a context of the SDK around a block, or not, depending on the operation. The
// caller calls stop when the block has ended.
func (in *interp) between(ctx workflow.Context, o *corpus.Op) (_ workflow.Context, stop workflow.CancelFunc) {
	type key struct{}
	switch {
	case !in.opts.Wrap || o.N%3 == 0:
		return ctx, func() {}
	case o.N%3 == 1:
		return workflow.WithValue(ctx, key{}, o.N), func() {}
	default:
		return workflow.WithCancel(ctx)
	}
}

func (in *interp) op(ctx workflow.Context, t *task, o *corpus.Op) error {
	switch o.Op {
	case "sleep":
		return in.waited(ctx, t, o, deadline.Sleep(ctx, time.Duration(*o.D)*in.opts.Tick))
	case "forever":
		return in.waited(ctx, t, o, forever(ctx))
	case "wait":
		return in.waited(ctx, t, o, in.events[o.Ev].wait(ctx))
	case "set":
		in.events[o.Ev].fire()
	case "raise":
		return appError(o.Err)
	case "scope", "move_on":
		return in.scope(ctx, t, o)
	case "fail":
		return in.failAfter(ctx, t, o)
	case "nursery":
		return in.nursery(ctx, t, o)
	case "spawn":
		in.spawn(ctx, t, o)
	case "start":
		return in.startTask(ctx, t, o)
	case "started":
		if t.started != nil {
			t.started(o.V)
		}
	case "cancel", "deadline", "shield":
		in.change(o)
	case "effective":
		in.record(ctx, t, o, corpus.Event{What: "effective", Value: in.effective(ctx)})
	case "try":
		return in.try(ctx, t, o)
	case "swallow":
		if err := in.ops(ctx, t, o.Body); err != nil {
			in.recordErr(ctx, t, o, "swallowed", err)
		}
	case "finally":
		return in.finally(ctx, t, o)
	case "tcancel":
		if h := in.handles[o.Task]; h != nil && o.Task != t.name {
			h.Cancel(fmt.Errorf("operation %d", o.N))
		}
	case "join":
		return in.join(ctx, t, o)
	default:
		panic(fmt.Sprintf("interp: operation %q has no interpretation", o.Op))
	}
	return nil
}

// waited records how a cancelable wait has ended.
func (in *interp) waited(ctx workflow.Context, t *task, o *corpus.Op, err error) error {
	if err == nil {
		in.record(ctx, t, o, corpus.Event{What: "ok"})
		return nil
	}
	in.record(ctx, t, o, corpus.Event{What: corpus.CanceledRecord})
	return err
}

// left records how a scope that let nothing through was left.
func (in *interp) left(ctx workflow.Context, t *task, o *corpus.Op, s *cancelscope.Scope) {
	if s.CanceledCaught() {
		in.record(ctx, t, o, corpus.Event{What: "caught"})
	} else {
		in.record(ctx, t, o, corpus.Event{What: "left"})
	}
}

func (in *interp) scope(ctx workflow.Context, t *task, o *corpus.Op) error {
	around, stop := in.between(ctx, o)
	defer stop()
	s := in.scopes[o.ID].scope
	err := s.Run(around, func(ctx workflow.Context) error {
		in.enter(o.ID, s, nil)
		return in.ops(ctx, t, o.Body)
	})
	in.leave(o.ID)
	if err == nil {
		in.left(ctx, t, o, s)
	}
	return err
}

func (in *interp) failAfter(ctx workflow.Context, t *task, o *corpus.Op) error {
	around, stop := in.between(ctx, o)
	defer stop()
	s := in.newScope(o.ID, o.D, o.Shield)
	err := deadline.FailScope(around, s, func(ctx workflow.Context) error {
		in.enter(o.ID, s, nil)
		return in.ops(ctx, t, o.Body)
	})
	in.leave(o.ID)
	if err == nil {
		in.left(ctx, t, o, s)
	}
	return err
}

func (in *interp) nursery(ctx workflow.Context, t *task, o *corpus.Op) error {
	around, stop := in.between(ctx, o)
	defer stop()
	var s *cancelscope.Scope
	err := nursery.Config{Name: o.ID}.Run(around, func(ctx workflow.Context, n *nursery.Nursery) error {
		s = n.Scope()
		in.enter(o.ID, s, n)
		return in.ops(ctx, t, o.Body)
	})
	in.leave(o.ID)
	if err != nil {
		in.recordErr(ctx, t, o, "failed", err)
		return err
	}
	in.left(ctx, t, o, s)
	return nil
}

// child runs the body of a spawned or started task.
func (in *interp) child(ctx workflow.Context, t *task, o *corpus.Op) error {
	in.live++
	if in.opts.Pace == corpus.Paced {
		// A moment of virtual time passes when all others are blocked. It is too short
		// for a tick, however many of them there are.
		alone, _ := workflow.NewDisconnectedContext(ctx)
		_ = workflow.NewTimer(alone, time.Nanosecond).Get(alone, nil)
	}
	err := in.ops(ctx, t, o.Body)
	in.recordErr(ctx, t, o, "exit", err)
	in.live--
	return err
}

func (in *interp) spawn(ctx workflow.Context, t *task, o *corpus.Op) {
	st := in.scopes[o.In]
	if st.nursery == nil {
		in.record(ctx, t, o, corpus.Event{What: "none"})
		return
	}
	child := &task{name: o.Task}
	run := func(ctx workflow.Context) error { return in.child(ctx, child, o) }
	var err error
	switch {
	case in.opts.Flavor != corpus.Asyncio:
		err = st.nursery.TryGo(o.Task, run)
	case !st.inside && st.nursery.Running() == 0:
		err = nursery.ErrClosed // Task panics there
	default:
		in.handles[o.Task] = st.nursery.Task(o.Task, run)
	}
	switch {
	case err == nil:
		in.record(ctx, t, o, corpus.Event{What: "spawned"})
	case errors.Is(err, nursery.ErrClosed):
		in.record(ctx, t, o, corpus.Event{What: "closed"})
	default:
		in.record(ctx, t, o, corpus.Event{What: "?" + err.Error()})
	}
}

func (in *interp) join(ctx workflow.Context, t *task, o *corpus.Op) error {
	h := in.handles[o.Task]
	if h == nil || o.Task == t.name {
		in.record(ctx, t, o, corpus.Event{What: "none"})
		return nil
	}
	_, err := h.Wait(ctx)
	if cancelscope.Cause(ctx) != nil && cancelscope.IsCancellation(ctx, err) {
		in.record(ctx, t, o, corpus.Event{What: corpus.CanceledRecord})
		return err
	}
	in.recordErr(ctx, t, o, "joined", err)
	return nil
}

func (in *interp) startTask(ctx workflow.Context, t *task, o *corpus.Op) error {
	st := in.scopes[o.In]
	if st.nursery == nil {
		in.record(ctx, t, o, corpus.Event{What: "none"})
		return nil
	}
	around, stop := in.between(ctx, o)
	defer stop()
	ran, taskErr := false, error(nil)
	run := func(ctx workflow.Context, started func(int64)) error {
		err := in.child(ctx, &task{name: o.Task, started: started}, o)
		ran, taskErr = true, err
		return err
	}
	v, err := in.startWith(around, st.nursery, o.Task, run)
	switch {
	case err == nil:
		in.record(ctx, t, o, corpus.Event{What: "started", Value: fmt.Sprint(v)})
		return nil
	case errors.Is(err, nursery.ErrClosed):
		in.record(ctx, t, o, corpus.Event{What: "closed"})
		return nil
	case ran && taskErr == nil && errors.Is(err, nursery.ErrNotStarted):
		in.record(ctx, t, o, corpus.Event{What: "notstarted"})
	default:
		in.recordErr(ctx, t, o, "startfailed", err)
	}
	return err
}

// startWith starts a task, with a handle where the program may want it.
func (in *interp) startWith(ctx workflow.Context, n *nursery.Nursery, name string, run func(workflow.Context, func(int64)) error) (int64, error) {
	if in.opts.Flavor != corpus.Asyncio {
		return nursery.Start(ctx, n, name, run)
	}
	v, h, err := nursery.StartTask(ctx, n, name, func(ctx workflow.Context, started func(int64)) (struct{}, error) {
		return struct{}{}, run(ctx, started)
	})
	if err == nil {
		in.handles[name] = h
	}
	return v, err
}

// change cancels a scope, or moves its deadline or its shield.
func (in *interp) change(o *corpus.Op) {
	st := in.scopes[o.ID]
	switch {
	case st.scope == nil:
	case o.Op == "cancel":
		st.scope.Cancel(fmt.Errorf("operation %d", o.N))
	case !st.inside:
	case o.Op == "shield":
		st.scope.SetShield(o.On)
	case o.D == nil:
		st.scope.SetDeadline(time.Time{})
	default:
		st.scope.SetTimeout(time.Duration(*o.D) * in.opts.Tick)
	}
}

func (in *interp) effective(ctx workflow.Context) string {
	switch t, ok := deadline.Effective(ctx); {
	case !ok:
		return "null"
	case t.IsZero():
		return `"past"`
	default:
		return fmt.Sprint(int64(t.Sub(in.start) / in.opts.Tick))
	}
}

func (in *interp) try(ctx workflow.Context, t *task, o *corpus.Op) error {
	err := in.ops(ctx, t, o.Body)
	if err == nil {
		return nil
	}
	in.recordErr(ctx, t, o, "tried", err)
	canceled, _ := cancelscope.Split(ctx, err)
	return canceled
}

func (in *interp) finally(ctx workflow.Context, t *task, o *corpus.Op) (err error) {
	err = in.ops(ctx, t, o.Body)
	if cleanup := in.ops(ctx, t, o.Cleanup); cleanup != nil {
		return cleanup
	}
	return err
}
