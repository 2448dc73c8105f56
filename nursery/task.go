package nursery

import (
	"context"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/tree"
)

// bodyName stands for the body of a nursery where tasks are named.
const bodyName = "body"

// who is a task for those who must name it.
type who struct {
	name string
	task any // its function, for the name if it was given none
}

func (w who) String() string {
	if w.name != "" || w.task == nil {
		return w.name
	}
	name := runtime.FuncForPC(reflect.ValueOf(w.task).Pointer()).Name()
	return name[strings.LastIndexByte(name, '/')+1:]
}

// run is the goroutine of a task without a name; the name would cost every task the
// memory for it.
func (n *Nursery) run(task func(ctx context.Context) error) { n.runNamed("", task) }

// runNamed is the goroutine of a task.
func (n *Nursery) runNamed(name string, task func(ctx context.Context) error) {
	n.runFor(who{name, task}, task)
}

// runFor is the goroutine of a task that stands for w.
func (n *Nursery) runFor(w who, task func(ctx context.Context) error) {
	returned := false
	defer func() {
		if returned {
			n.quit()
			return
		}
		defer n.quit() // OnPanic may exit
		n.broken(w, recover())
	}()
	err := task(n.ctx)
	returned = true
	if err != nil {
		n.failed(w, err)
	}
}

// failed takes the error of a task that has ended.
//
// It is judged here and not when the nursery ends. What has been canceled stays
// canceled, so the judgement would be the same; but an error from before the
// cancellation is real even if it is called context.Canceled, and ten thousand
// canceled tasks need not be remembered.
func (n *Nursery) failed(w who, err error) {
	canceled, rest := cancelscope.Split(n.ctx, err)
	if rest == nil && n.noted.Load() {
		return
	}
	fatal := !n.supervise || w.task == nil || rest == nil
	var failure *TaskError
	if rest != nil {
		failure = &TaskError{Task: w.String(), Err: rest}
	}
	n.mu.Lock()
	ends := n.endsLocked()
	if canceled != nil {
		ends.canceled = true
	}
	if failure != nil {
		ends.failures = append(ends.failures, failure)
		if fatal && ends.first == nil {
			ends.first = failure
		}
	}
	first := ends.first // whoever comes first to cancel blames the first to fail
	n.mu.Unlock()
	switch {
	case rest == nil:
		n.ctx.(tree.Node).Fail(nil) // only notes it: what made the task end in cancellations is the cause
		n.noted.Store(true)
	case fatal:
		n.fail(first)
	}
}

// fail cancels the nursery on account of a task. When it returns, everybody in it knows,
// also if somebody else was first to cancel it and has only begun to tell.
func (n *Nursery) fail(reason error) {
	n.ctx.(tree.Node).Fail(reason)
	n.told()
}

// told returns when everybody in the nursery knows of its cancellation, if it has been
// canceled. A task with a handle waits for that before it ends, also if it ends in a
// cancellation, so that whoever waits for it in the same nursery is canceled when the
// wait ends, whatever comes first. Tasks without one do not, unless they fail: they may
// be thousands that have just been woken, and would queue up.
func (n *Nursery) told() { n.ctx.(tree.Node).Told() }

// An ending is how a task ended. At most one field is set.
type ending struct {
	err      error       // its error; also a panic or Goexit that has been converted to one
	panicked *PanicError // it panicked
	exited   bool        // it called runtime.Goexit
}

// broken takes the end of a task that did not return: by a panic, or by
// runtime.Goexit if value is nil. It is called by the deferred function that has
// recovered the panic, on top of the stack of the panic.
func (n *Nursery) broken(w who, value any) ending {
	end := n.ending(w, value)
	switch {
	case end.panicked != nil:
		n.mu.Lock()
		ends := n.endsLocked()
		ends.panics = append(ends.panics, end.panicked)
		n.mu.Unlock()
		n.fail(&TaskError{Task: w.String(), Err: end.panicked})
	case end.exited:
		n.mu.Lock()
		n.endsLocked().goexit = true
		n.mu.Unlock()
		n.fail(&TaskError{Task: w.String(), Err: ErrGoexit})
	default:
		n.failed(w, end.err)
	}
	return end
}

// ending applies the nursery's policy to the end of a task that did not return. Under
// CrashOnPanic it does not return after a panic.
func (n *Nursery) ending(w who, value any) ending {
	convert := PanicPolicy(n.panics) == ConvertPanics
	if value == nil {
		if convert && w.task != nil {
			return ending{err: ErrGoexit}
		}
		return ending{exited: true}
	}
	p, ok := value.(*PanicError) // raised by a nursery inside the task: it says more
	if !ok {
		p = &PanicError{Value: value, Task: w.String(), Stack: debug.Stack()}
	}
	if n.onPanic != nil {
		n.onPanic(p)
	}
	switch {
	case PanicPolicy(n.panics) == CrashOnPanic:
		crash(p)
	case convert:
		return ending{err: p}
	}
	return ending{panicked: p}
}

// crash ends the process with the text of p, whoever might recover panics in this
// goroutine. Not to recover in the first place would do for the tasks, but then
// runtime.Goexit could not be told from a panic.
func crash(p *PanicError) {
	go panic(p)
	select {}
}
