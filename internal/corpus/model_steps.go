package corpus

import "fmt"

// step lets a task do one thing: end a wait, leave a block, or begin an
// operation. Whatever another task could do in between is between two steps.
func (s *sim) step(t *simTask) {
	f := t.stack[len(t.stack)-1]
	switch {
	case t.wait.kind != runnable:
		s.resume(t)
	case t.err != nil || f.next == len(f.ops):
		s.leaveBlock(t, f)
	default:
		f.next++
		s.begins(t, f.ops[f.next-1])
	}
}

// resume records how a wait has ended.
func (s *sim) resume(t *simTask) {
	w := t.wait
	t.wait = wait{}
	if w.kind == checkpoint {
		w.kind = woken
		if t.current().canceled() {
			w.kind = interrupted
		}
	}
	switch {
	case w.op == nil: // a nursery that has closed: the block is left next
	case w.kind == interrupted:
		s.record(t, w.op.N, Event{What: CanceledRecord})
		t.err = cancellation
	case w.op.Op == "join":
		s.recordErr(t, w.op.N, "joined", w.on.endErr)
	default:
		s.record(t, w.op.N, Event{What: "ok"})
	}
}

// block makes the task wait, cancellably. A wait in a scope that is canceled
// already ends at once.
func (s *sim) block(t *simTask, w wait) {
	t.wait = w
	if t.current().canceled() {
		t.wait.kind = interrupted
	}
}

func (t *simTask) push(f *frame) {
	if f.scope == nil {
		f.scope = t.current()
	}
	t.stack = append(t.stack, f)
}

// begins does an operation, or enters its block.
func (s *sim) begins(t *simTask, o *Op) {
	switch o.Op {
	case "sleep":
		if *o.D <= 0 {
			t.wait = wait{kind: checkpoint, op: o}
			return
		}
		s.block(t, wait{kind: onTimer, op: o, until: s.now + *o.D})
	case "forever":
		s.block(t, wait{kind: onNothing, op: o})
	case "wait":
		if s.events[o.Ev] {
			t.wait = wait{kind: checkpoint, op: o}
			return
		}
		s.block(t, wait{kind: onEvent, op: o})
	case "set":
		s.set(o.Ev)
	case "raise":
		t.err = application(o.Err)
	case "scope", "move_on", "fail", "nursery":
		s.enter(t, o)
	case "spawn":
		s.spawn(t, o)
	case "start":
		s.start(t, o)
	case "started":
		s.started(t, o.V)
	case "cancel", "deadline", "shield":
		s.change(s.scopes[o.ID], o)
	case "effective":
		s.record(t, o.N, Event{What: "effective", Value: effectiveValue(t.current())})
	case "try", "swallow", "finally":
		t.push(&frame{op: o, ops: o.Body})
	case "tcancel":
		if other := s.byName[o.Task]; other != nil && other != t && !other.ended {
			s.cancel(other.scope)
		}
	case "join":
		s.join(t, o)
	default:
		panic(fmt.Sprintf("corpus: the model does not know operation %q", o.Op))
	}
}

func (s *sim) set(ev string) {
	s.events[ev] = true
	for _, t := range s.tasks {
		if t.wait.kind == onEvent && t.wait.op.Ev == ev {
			t.wait.kind = woken
		}
	}
}

func effectiveValue(sc *simScope) string {
	if sc.canceled() {
		return `"past"`
	}
	if d := sc.effective(); d != nil {
		return fmt.Sprint(*d)
	}
	return "null"
}

func (s *sim) enter(t *simTask, o *Op) {
	sc := s.scopes[o.ID]
	sc.parent, sc.exists, sc.inside = t.current(), true, true
	f := &frame{op: o, ops: o.Body, scope: sc}
	if o.Op == "nursery" {
		n := s.nurseries[o.ID]
		n.opened, n.body = true, true
		f.nursery = n
	} else {
		sc.shield = o.Shield
		s.setDeadline(sc, o.D)
	}
	t.push(f)
}

// setDeadline counts from now. A deadline that is not ahead cancels at once.
func (s *sim) setDeadline(sc *simScope, d *int64) {
	sc.deadline = nil
	if d == nil {
		return
	}
	at := s.now + *d
	sc.deadline = &at
	if at <= s.now {
		s.expire(sc)
	}
}

func (s *sim) change(sc *simScope, o *Op) {
	switch {
	case !sc.exists:
	case o.Op == "cancel":
		s.cancel(sc)
	case !sc.inside:
	case o.Op == "deadline":
		s.setDeadline(sc, o.D)
	case o.On && sc.canceled():
		// A shield does not undo a cancellation.
	default:
		sc.shield = o.On
		s.deliver()
	}
}

func (s *sim) spawn(t *simTask, o *Op) {
	n := s.nurseries[o.In]
	switch {
	case !n.opened:
		s.record(t, o.N, Event{What: "none"})
	case n.closed:
		s.record(t, o.N, Event{What: "closed"})
	default:
		s.byName[o.Task] = s.begin(o.Task, n, o.Body, o)
		s.record(t, o.N, Event{What: "spawned"})
	}
}

// start runs the task in a nursery of its own, in the scope of the caller,
// who waits until that is empty: the task has ended or moved.
func (s *sim) start(t *simTask, o *Op) {
	n := s.nurseries[o.In]
	switch {
	case !n.opened:
		s.record(t, o.N, Event{What: "none"})
		return
	case n.closed:
		s.record(t, o.N, Event{What: "closed"})
		return
	}
	n.starts++
	own := &simNursery{scope: &simScope{parent: t.current(), inside: true}, opened: true, body: true}
	f := &frame{op: o, scope: own.scope, nursery: own}
	f.child = s.begin(o.Task, own, o.Body, o)
	f.child.startIn = n
	t.push(f)
}

// started moves the task to where it was started, unless its caller is
// canceled: then it ends under the caller.
func (s *sim) started(t *simTask, v int64) {
	if t.startIn == nil {
		return
	}
	t.hasValue, t.value = true, v
	own := t.nursery
	if own.scope.canceled() {
		return
	}
	t.nursery = t.startIn
	t.nursery.children++
	t.scope.parent = t.nursery.scope
	own.children--
	s.checkClosed(own)
	s.deliver()
}

func (s *sim) join(t *simTask, o *Op) {
	other := s.byName[o.Task]
	switch {
	case other == nil || other == t:
		s.record(t, o.N, Event{What: "none"})
	case other.ended:
		t.wait = wait{kind: checkpoint, op: o, on: other}
	default:
		s.block(t, wait{kind: onTask, op: o, on: other})
	}
}

// checkClosed closes a nursery in which nothing runs any more.
func (s *sim) checkClosed(n *simNursery) {
	if n.body || n.children > 0 || n.starts > 0 || n.closed {
		return
	}
	n.closed = true
	if n.waiter != nil {
		n.waiter.wait.kind = woken
	}
}

// fail notes an error of the body or of a child of a nursery.
func (s *sim) fail(n *simNursery, err *simErr) {
	if err != nil {
		n.err = n.err.join(err)
		s.cancel(n.scope)
	}
}

// leaveBlock ends the innermost block of a task. A nursery takes two steps:
// its body ends, then, when it has closed, the block is left.
func (s *sim) leaveBlock(t *simTask, f *frame) {
	if f.nursery != nil && f.phase == 0 {
		f.phase, f.next = 1, len(f.ops)
		f.nursery.body = false
		s.fail(f.nursery, t.err)
		t.err = nil
		f.nursery.waiter = t
		t.wait = wait{kind: onNursery}
		s.checkClosed(f.nursery)
		return
	}
	if f.op != nil && f.op.Op == "finally" && f.phase == 0 {
		f.phase, f.saved, t.err = 1, t.err, nil
		f.ops, f.next = f.op.Cleanup, 0
		return
	}
	t.stack = t.stack[:len(t.stack)-1]
	if f.op == nil {
		s.endTask(t)
		return
	}
	switch f.op.Op {
	case "scope", "move_on", "fail":
		s.leaveScope(t, f)
	case "nursery":
		s.leaveNursery(t, f)
	case "start":
		s.endStart(t, f)
	case "try":
		if t.err != nil {
			s.recordErr(t, f.op.N, "tried", t.err)
			t.err = t.err.onlyCancellation()
		}
	case "swallow":
		if t.err != nil {
			s.recordErr(t, f.op.N, "swallowed", t.err)
			t.err = nil
		}
	case "finally":
		if t.err == nil {
			t.err = f.saved
		}
	}
}

func (s *sim) leaveScope(t *simTask, f *frame) {
	sc := f.scope
	sc.inside = false
	t.err = sc.absorb(t.err)
	switch {
	case t.err != nil:
	case f.op.Op == "fail" && sc.caught && sc.byTime:
		t.err = application("TooSlow")
	default:
		s.recordLeft(t, f)
	}
}

func (s *sim) recordLeft(t *simTask, f *frame) {
	if f.scope.caught {
		s.record(t, f.op.N, Event{What: "caught"})
	} else {
		s.record(t, f.op.N, Event{What: "left"})
	}
}

func (s *sim) leaveNursery(t *simTask, f *frame) {
	f.scope.inside = false
	t.err = f.scope.absorb(f.nursery.err)
	if t.err != nil {
		s.recordErr(t, f.op.N, "failed", t.err)
	} else {
		s.recordLeft(t, f)
	}
}

func (s *sim) endStart(t *simTask, f *frame) {
	t.err = f.scope.absorb(f.nursery.err)
	switch {
	case t.err != nil:
		s.recordErr(t, f.op.N, "startfailed", t.err)
	case !f.child.hasValue:
		s.record(t, f.op.N, Event{What: "notstarted"})
		t.err = application("NotStarted")
	default:
		s.byName[f.op.Task] = f.child
		s.record(t, f.op.N, Event{What: "started", Value: fmt.Sprint(f.child.value)})
	}
	f.child.startIn.starts--
	s.checkClosed(f.child.startIn)
}

// endTask ends a task, in its nursery as well.
func (s *sim) endTask(t *simTask) {
	t.ended, t.endErr = true, t.err
	for i, other := range s.tasks {
		if other == t {
			s.tasks = append(s.tasks[:i], s.tasks[i+1:]...)
			break
		}
	}
	if t.nursery != nil {
		s.recordErr(t, t.origin.N, "exit", t.err)
		t.nursery.children--
		s.fail(t.nursery, t.scope.absorb(t.err))
		s.checkClosed(t.nursery)
	}
	// Tasks that wait for this one come last: a task in the nursery that its
	// failure has canceled is canceled. So is a task that is canceled before
	// it continues.
	for _, other := range s.tasks {
		if other.wait.kind == onTask && other.wait.on == t {
			other.wait.kind = checkpoint
		}
	}
}
