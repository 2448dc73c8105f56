package corpus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

// ops runs a list of operations up to the first that ends in an error.
func (in *interp) ops(ctx context.Context, t *task, ops []*Op) error {
	for _, o := range ops {
		select {
		case <-in.abort:
			return errAborted
		default:
		}
		if err := in.op(ctx, t, o); err != nil {
			return err
		}
	}
	return nil
}

// wrapped counts the contexts of the standard library around, for Options.Wrap.
type wrapped struct{}

// between puts a context of the standard library around a block, or not,
// depending on the operation. The caller calls stop when the block has ended.
func (in *interp) between(ctx context.Context, o *Op) (_ context.Context, stop context.CancelFunc) {
	n, _ := ctx.Value(wrapped{}).(int)
	switch {
	case in.opts.Wrap == 0 || o.N%3 == 0:
		return ctx, func() {}
	case o.N%3 == 1 || n == in.opts.Wrap:
		return context.WithValue(ctx, wrapped{}, n), func() {}
	default:
		return context.WithCancel(context.WithValue(ctx, wrapped{}, n+1))
	}
}

func (in *interp) op(ctx context.Context, t *task, o *Op) error {
	switch o.Op {
	case "sleep":
		return in.waited(t, o, deadline.Sleep(ctx, time.Duration(*o.D)*Tick))
	case "forever":
		return in.waited(t, o, in.forever(ctx))
	case "wait":
		return in.waited(t, o, in.events[o.Ev].wait(ctx, in.abort))
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
		in.spawn(t, o)
	case "start":
		return in.startTask(ctx, t, o)
	case "started":
		if t.started != nil {
			t.started(o.V)
		}
	case "cancel", "deadline", "shield":
		in.change(o)
	case "effective":
		in.record(t, o, Event{What: "effective", Value: in.effective(ctx)})
	case "try":
		return in.try(ctx, t, o)
	case "swallow":
		if err := in.ops(ctx, t, o.Body); err != nil {
			in.recordErr(t, o, "swallowed", err)
		}
	case "finally":
		return in.finally(ctx, t, o)
	case "tcancel":
		in.cancelTask(t, o)
	case "join":
		return in.join(ctx, t, o)
	default:
		panic(fmt.Sprintf("corpus: operation %q has no interpretation", o.Op))
	}
	return nil
}

// waited records how a cancelable wait has ended.
func (in *interp) waited(t *task, o *Op, err error) error {
	if err == nil {
		in.record(t, o, Event{What: "ok"})
		return nil
	}
	in.record(t, o, Event{What: CanceledRecord})
	return err
}

func (in *interp) forever(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-in.abort:
		return errAborted
	}
}

// left records how a scope that let nothing through was left.
func (in *interp) left(t *task, o *Op, s *cancelscope.Scope) {
	if s.CanceledCaught() {
		in.record(t, o, Event{What: "caught"})
	} else {
		in.record(t, o, Event{What: "left"})
	}
}

// scope makes no difference between a scope and a move_on: there is nothing
// that deadline.MoveOnAfter adds for a scope that has to be at hand before it
// is entered.
func (in *interp) scope(ctx context.Context, t *task, o *Op) error {
	ctx, stop := in.between(ctx, o)
	defer stop()
	st, _ := in.state(o.ID)
	s := st.scope
	err := s.Run(ctx, func(ctx context.Context) error {
		in.enter(o.ID, s, nil)
		return in.ops(ctx, t, o.Body)
	})
	in.leave(o.ID)
	if err == nil {
		in.left(t, o, s)
	}
	return err
}

func (in *interp) failAfter(ctx context.Context, t *task, o *Op) error {
	ctx, stop := in.between(ctx, o)
	defer stop()
	s := in.newScope(o.ID, o.D, o.Shield)
	err := deadline.FailScope(ctx, s, func(ctx context.Context) error {
		in.enter(o.ID, s, nil)
		return in.ops(ctx, t, o.Body)
	})
	in.leave(o.ID)
	if err == nil {
		in.left(t, o, s)
	}
	return err
}

func (in *interp) nursery(ctx context.Context, t *task, o *Op) error {
	ctx, stop := in.between(ctx, o)
	defer stop()
	var s *cancelscope.Scope
	config := nursery.Config{Name: o.ID, Adjustable: in.opts.Adjustable[o.ID]}
	err := config.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		s = n.Scope()
		in.enter(o.ID, s, n)
		return in.ops(ctx, t, o.Body)
	})
	in.leave(o.ID)
	if err != nil {
		in.recordErr(t, o, "failed", err)
		return err
	}
	in.left(t, o, s)
	return nil
}

// child runs the body of a spawned or started task.
func (in *interp) child(ctx context.Context, t *task, o *Op) error {
	in.addLive(1)
	defer in.addLive(-1)
	if in.opts.Pace == Paced {
		// A moment of fake time passes when all others are blocked. It is
		// too short for a tick, however many of them there are.
		time.Sleep(time.Nanosecond)
	}
	err := in.ops(ctx, t, o.Body)
	in.recordErr(t, o, "exit", err)
	return err
}

func (in *interp) spawn(t *task, o *Op) {
	st, opened := in.state(o.In)
	if !opened {
		in.record(t, o, Event{What: "none"})
		return
	}
	child := in.task(o.Task)
	var err error
	if in.opts.Flavor == Asyncio {
		err = in.spawnHandle(st.nursery, child, o)
	} else {
		err = st.nursery.TryGo(o.Task, func(ctx context.Context) error {
			return in.child(ctx, child, o)
		})
	}
	switch {
	case err == nil:
		in.record(t, o, Event{What: "spawned"})
	case errors.Is(err, nursery.ErrClosed):
		in.record(t, o, Event{What: "closed"})
	default:
		in.record(t, o, Event{What: "?" + err.Error()})
	}
}

// spawnHandle starts a task and keeps its handle under its name. The lock is
// held across Spawn, which does not wait, because the children of the task
// may look for its handle at once.
func (in *interp) spawnHandle(n *nursery.Nursery, child *task, o *Op) (err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	defer func() {
		// Spawn on a closed nursery is a mistake and panics; these programs
		// make it on purpose.
		if r := recover(); r != nil {
			if !strings.Contains(fmt.Sprint(r), "closed") {
				panic(r)
			}
			err = nursery.ErrClosed
		}
	}()
	in.handles[o.Task] = nursery.Spawn(n, o.Task, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, in.child(ctx, child, o)
	})
	return nil
}

func (in *interp) handle(name string) *nursery.Task[struct{}] {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.handles[name]
}

func (in *interp) cancelTask(t *task, o *Op) {
	if h := in.handle(o.Task); h != nil && o.Task != t.name {
		h.Cancel(fmt.Errorf("operation %d", o.N))
	}
}

func (in *interp) join(ctx context.Context, t *task, o *Op) error {
	h := in.handle(o.Task)
	if h == nil || o.Task == t.name {
		in.record(t, o, Event{What: "none"})
		return nil
	}
	_, err := h.Wait(ctx)
	if ctx.Err() != nil {
		// A cancellation is delivered to a waiting asyncio task even when what it
		// waits for has ended. Wait returns the result then, which is there.
		in.record(t, o, Event{What: CanceledRecord})
		return ctx.Err()
	}
	in.recordErr(t, o, "joined", err)
	return nil
}

func (in *interp) startTask(ctx context.Context, t *task, o *Op) error {
	st, opened := in.state(o.In)
	if !opened {
		in.record(t, o, Event{What: "none"})
		return nil
	}
	ctx, stop := in.between(ctx, o)
	defer stop()
	ran, said, taskErr := false, false, error(nil)
	run := func(ctx context.Context, started func(int64)) error {
		start := func(v int64) { said = true; started(v) }
		err := in.child(ctx, &task{name: o.Task, started: start}, o)
		ran, taskErr = true, err
		return err
	}
	v, err := in.startWith(ctx, st.nursery, o.Task, run)
	switch {
	case err == nil:
		in.record(t, o, Event{What: "started", Value: fmt.Sprint(v)})
		return nil
	case errors.Is(err, nursery.ErrClosed):
		in.record(t, o, Event{What: "closed"})
		return nil
	case ran && taskErr == nil && !said:
		// Where the caller is canceled, Start returns the cancellation of a task that
		// returned nil. In Trio such a task returns its cancellation, and one that
		// returned without it has not started, canceled or not.
		in.record(t, o, Event{What: "notstarted"})
		if _, real := cancelscope.Split(ctx, err); real == nil {
			err = nursery.ErrNotStarted
		}
		if !errors.Is(err, nursery.ErrNotStarted) {
			return fmt.Errorf("start of a task that has not started returns %w", err)
		}
	default:
		in.recordErr(t, o, "startfailed", err)
	}
	return err
}

// startWith starts a task, with a handle where the program may want it.
func (in *interp) startWith(ctx context.Context, n *nursery.Nursery, name string, run func(context.Context, func(int64)) error) (int64, error) {
	if in.opts.Flavor != Asyncio {
		return nursery.Start(ctx, n, name, run)
	}
	v, h, err := nursery.StartTask(ctx, n, "", func(ctx context.Context, started func(int64)) (struct{}, error) {
		return struct{}{}, run(ctx, started)
	})
	if err == nil {
		in.mu.Lock()
		defer in.mu.Unlock()
		in.handles[name] = h
	}
	return v, err
}

// change cancels a scope, or moves its deadline or its shield.
func (in *interp) change(o *Op) {
	st, exists := in.state(o.ID)
	switch {
	case !exists:
	case o.Op == "cancel":
		st.scope.Cancel(fmt.Errorf("operation %d", o.N))
	case !st.inside:
	case o.Op == "shield":
		if !o.On || in.need(o.ID) {
			st.scope.SetShield(o.On)
		}
	default:
		in.moveDeadline(o, st.scope)
	}
}

// moveDeadline moves a deadline as the operation says. Two tasks that move one do so one
// after the other, so that what the deadline was before is what it is now.
func (in *interp) moveDeadline(o *Op, s *cancelscope.Scope) {
	in.moving.Lock()
	defer in.moving.Unlock()
	before, limited := s.Deadline()
	if o.D == nil {
		if !limited || in.need(o.ID) {
			s.SetDeadline(time.Time{})
		}
		return
	}
	d := time.Duration(*o.D) * Tick
	if !limited || !time.Now().Add(d).After(before) || in.need(o.ID) {
		s.SetTimeout(d)
	}
}

func (in *interp) effective(ctx context.Context) string {
	switch t, ok := deadline.Effective(ctx); {
	case !ok:
		return "null"
	case t.IsZero():
		return `"past"`
	default:
		return fmt.Sprint(int64(t.Sub(in.start) / Tick))
	}
}

func (in *interp) try(ctx context.Context, t *task, o *Op) error {
	err := in.ops(ctx, t, o.Body)
	if err == nil {
		return nil
	}
	in.recordErr(t, o, "tried", err)
	canceled, _ := cancelscope.Split(ctx, err)
	return canceled
}

func (in *interp) finally(ctx context.Context, t *task, o *Op) (err error) {
	err = in.ops(ctx, t, o.Body)
	if cleanup := in.ops(ctx, t, o.Cleanup); cleanup != nil {
		return cleanup
	}
	return err
}
