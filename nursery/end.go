package nursery

import (
	"runtime/debug"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/tree"
)

// How a task ends. The body, plain tasks, tasks with handles, started tasks, background
// tasks, items and sequences all take these steps, in this order:
//
//  1. run: the function returns, panics, or calls runtime.Goexit.
//  2. judge: its error is divided into cancellations and real errors. This calls
//     methods of the error.
//  3. record: what the nursery must remember is recorded, and the result of the handle
//     is fixed.
//  4. cancel: the nursery is canceled if the end demands it.
//  5. publish: the result of the handle becomes visible.
//  6. call back: OnPanic and OnError are called.
//  7. exit: the share in the nursery is given back.
//
// User code runs in steps 1, 2 and 6. A panic or Goexit in step 1 or 2 is the end of the
// task: steps 3 to 7 follow for it. In step 6 everything is recorded and the others are
// canceled already; a panic or Goexit there is recorded beside the first end. User code
// that does not return keeps the task from ending, and loses nothing.
//
// Each kind of task calls endWithError when its function has returned an error, and
// endAbnormally from a deferred function when it has not returned: because endWithError
// did not return either, or because the function did not.

// An outcome is how a task ended. At most one of err, panicked and exited is set.
type outcome struct {
	err      error       // its error; also a panic or Goexit that has been converted to one
	panicked *PanicError // it panicked
	value    any         // with this value, which panicked may wrap
	exited   bool        // it called runtime.Goexit
}

// A handle is where the result of a task goes, beside the nursery.
type handle interface {
	// fix takes the outcome, before others are canceled because of it. It does
	// nothing when called again.
	fix(outcome)
	// publish makes the outcome visible. It does nothing when called again.
	publish()
}

// endWithError takes the error of a task, which is not nil, through steps 2 to 6. It is
// judged by the nursery's context.
//
// It is judged here and not when the nursery ends. What has been canceled stays
// canceled, so the judgment would be the same; but an error from before the
// cancellation is real even if it is called context.Canceled, and ten thousand
// canceled tasks need not be remembered.
func (n *Nursery) endWithError(l label, err error, h handle) {
	n.end(l, outcome{err: err}, nil, h)
}

// endAbnormally takes a panic with that value through steps 2 to 6, or a Goexit if value
// is nil. It is called by the deferred function that has recovered the panic, so that
// the stack of the panic is still there.
func (n *Nursery) endAbnormally(l label, value any, h handle) {
	o, p := n.abnormal(l, value)
	n.end(l, o, p, h)
}

// abnormal applies the nursery's policy to the end of a task that did not return. p is
// nil after a Goexit.
func (n *Nursery) abnormal(l label, value any) (o outcome, p *PanicError) {
	convert := PanicPolicy(n.panics) == ConvertPanics
	if value == nil {
		if convert && l.kind != body {
			return outcome{err: ErrGoexit}, nil
		}
		return outcome{exited: true}, nil
	}
	p, ok := value.(*PanicError) // of a nursery inside the task, which says more
	if !ok || p == nil {
		p = &PanicError{Value: value, Task: l.String(), Stack: debug.Stack()}
	}
	if convert {
		return outcome{err: p}, p
	}
	return outcome{panicked: p, value: value}, p
}

// end takes an outcome through steps 2 to 6. p is the panic to report, nil if there was
// none.
func (n *Nursery) end(l label, o outcome, p *PanicError, h handle) {
	var canceled, failure error
	if o.err != nil {
		canceled, failure = n.judge(l, o.err)
	}
	if h != nil {
		h.fix(o)
	}
	var failed *TaskError
	if failure != nil || o.panicked != nil || o.exited {
		var reason *TaskError
		failed, reason = n.recordEnd(l, o, canceled, failure)
		if reason != nil {
			n.cancelFor(reason)
		}
	} else if canceled != nil {
		n.noteCanceled(canceled, h != nil)
	}
	if h != nil {
		// A task that waits for this one in the same nursery has then been canceled, if
		// the nursery has, whichever of the two it looks at first.
		n.awaitPropagation()
		h.publish()
	}
	n.callBack(l, p, failed)
}

// judge divides the error of a task. A background task sees no cancellation but that of
// the background scope, which means that its work is done.
func (n *Nursery) judge(l label, err error) (canceled, failure error) {
	if l.kind == backgroundTask {
		_, failure = cancelscope.Split(n.backgroundContext(), err)
		return nil, failure
	}
	return cancelscope.Split(n.ctx, err)
}

// noteCanceled records that a task has ended in nothing but cancellations. When
// thousands of tasks have just been canceled, the first records it and the others do not
// wait for a lock. With wait, everything is recorded when it returns.
func (n *Nursery) noteCanceled(canceled error, wait bool) {
	switch n.canceledNoted.Load() {
	case noted:
		return
	case noting:
		if !wait {
			return // the task that records it keeps the nursery open meanwhile
		}
	default:
		if !n.canceledNoted.CompareAndSwap(0, noting) && !wait {
			return
		}
	}
	n.mu.Lock()
	if r := n.ledgerLocked(); r.cut == nil {
		r.cut = canceled
	}
	n.mu.Unlock()
	n.ctx.(tree.Node).Fail(nil) // only makes CancelCalled true: the scope has a cause already
	n.canceledNoted.Store(noted)
}

// The values of Nursery.canceledNoted, beside 0.
const (
	noting uint32 = iota + 1 // a task that has not ended yet is recording it
	noted                    // it is recorded
)

// recordEnd records a failure, a panic or a Goexit. It returns the failure for OnError,
// nil if there is none, and the reason to cancel the nursery, nil if it continues.
func (n *Nursery) recordEnd(l label, o outcome, canceled, failure error) (failed, reason *TaskError) {
	e := &TaskError{Task: l.String(), madeUp: l.madeUp()}
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.ledgerLocked()
	if canceled != nil && r.cut == nil {
		r.cut = canceled
	}
	switch {
	case o.panicked != nil:
		e.Err = o.panicked
		if l.kind == body {
			r.bodyPanic = &bodyPanic{value: o.value}
		} else {
			r.panics = append(r.panics, o.panicked)
		}
	case o.exited:
		e.Err = ErrGoexit
		r.goexit = true
	default:
		e.Err, failed = failure, e
		if n.keepsLocked(r) {
			r.failures = append(r.failures, e)
		} else {
			r.dropped++
		}
		if n.supervise && l.kind != body {
			return failed, nil
		}
	}
	if r.first == nil {
		r.first = e
	}
	// Of several failures at the same time, whichever task comes first to cancel the
	// nursery names the one that was recorded first.
	return failed, r.first
}

// keepsLocked reports whether one more failure is kept.
func (n *Nursery) keepsLocked(r *ledger) bool {
	return n.hooks == nil || n.hooks.keep == 0 || len(r.failures) < n.hooks.keep
}

// cancelFor cancels the nursery because of a failure. When it returns, everything in the
// nursery has been canceled, also if another goroutine was first.
func (n *Nursery) cancelFor(reason error) {
	n.ctx.(tree.Node).Fail(reason)
	n.awaitPropagation()
}

// awaitPropagation returns when the cancellation of the nursery, if there is one, has
// reached all scopes inside. Plain tasks that end in a cancellation do not wait for
// that: they may be thousands that have just been woken, and would queue up.
func (n *Nursery) awaitPropagation() { n.ctx.(tree.Node).AwaitPropagation() }

// callBack calls OnPanic and OnError as far as there is something to report. Under
// CrashOnPanic it does not return after a panic.
func (n *Nursery) callBack(l label, p *PanicError, failed *TaskError) {
	if p != nil {
		n.reportPanic(l, p)
	}
	if failed == nil || n.hooks == nil || n.hooks.onError == nil {
		return
	}
	returned := false
	defer func() {
		if !returned {
			o, p := n.abnormal(l, recover())
			n.recordExtra(l, o)
			if p != nil {
				n.reportPanic(l, p)
			}
		}
	}()
	n.hooks.onError(failed)
	returned = true
}

// reportPanic calls OnPanic, and ends the process under CrashOnPanic whatever OnPanic
// does.
func (n *Nursery) reportPanic(l label, p *PanicError) {
	if PanicPolicy(n.panics) == CrashOnPanic {
		defer crash(p)
	}
	if n.hooks == nil || n.hooks.onPanic == nil {
		return
	}
	returned := false
	defer func() {
		if !returned {
			o, _ := n.abnormal(l, recover())
			n.recordExtra(l, o)
		}
	}()
	n.hooks.onPanic(p)
	returned = true
}

// recordExtra records the panic or Goexit of a callback, and cancels the nursery for it.
// As a failure, under ConvertPanics, it is kept whatever Config.Keep says, since OnError
// may not be called for it.
func (n *Nursery) recordExtra(l label, o outcome) {
	e := &TaskError{Task: l.String(), Err: o.err, madeUp: l.madeUp()}
	n.mu.Lock()
	r := n.ledgerLocked()
	switch {
	case o.panicked != nil:
		e.Err = o.panicked
		r.panics = append(r.panics, o.panicked)
	case o.exited:
		e.Err = ErrGoexit
		r.goexit = true
	default:
		r.failures = append(r.failures, e)
	}
	if r.first == nil {
		r.first = e
	}
	reason := r.first
	n.mu.Unlock()
	n.cancelFor(reason)
}

// raise panics if the body or a task has panicked, unless the panic of the body is
// already on its way.
func (n *Nursery) raise(passing error) {
	switch r := n.closed(); {
	case r.bodyPanic == nil && len(r.panics) > 0:
		panic(n.joinedPanics(passing))
	case r.bodyPanic != nil && !r.bodyPanic.raised:
		panic(r.bodyPanic.value)
	}
}

// A bodyPanic is a panic of the body.
type bodyPanic struct {
	value  any
	raised bool // runBody has raised it again
}

// crash ends the process with the text of p, whatever might recover panics in this
// goroutine. Not to recover in the first place would do for the tasks, but then
// a runtime.Goexit would look like a panic.
func crash(p *PanicError) {
	go panic(p)
	select {}
}
