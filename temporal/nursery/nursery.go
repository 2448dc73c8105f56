package nursery

import (
	"errors"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/internal/tree"
)

// A Nursery is where tasks are started: functions that run in coroutines of their own, and
// that [Run] waits for.
//
// Nurseries are made by [Run] and [Config.Run]. The zero value is a nursery that has closed; a
// Nursery must not be copied. Its methods may be called by any coroutine of the workflow, and
// do not block.
type Nursery struct {
	scope  cancelscope.Scope
	config Config
	ctx    workflow.Context // of scope; written before the body runs, dropped when it has closed

	// All fields belong to the workflow, which runs one coroutine at a time.

	open  bool // false once everything has ended, for good
	tasks int  // ordinary tasks and pending Starts
	body  int  // 1 while the body runs

	background []*cancelscope.Scope // of the background tasks that run, in the order of their start
	retired    bool                 // background tasks have been canceled, for good

	closed workflow.Settable // set when the nursery closes; nil unless the body waits

	failures []*TaskError // real errors that are kept, first failure first
	more     int          // real errors that are not kept
	first    *TaskError   // the failure that canceled the nursery
	canceled bool         // a task ended in a cancellation
}

// Run opens a nursery, calls body in it, in the calling coroutine, and returns when body and
// every task that was started in the nursery have ended, however they ended.
//
// The context given to body and to the tasks belongs to the nursery's cancel scope (see
// [Nursery.Scope]), which lies inside ctx. The first error of the body or a task cancels the
// scope; cancelscope.Cause then names the task and its error. All errors are returned in one
// [*Error], always wrapped, the first failure first. Cancellations that the nursery caused
// itself are not in it, so a nursery that was canceled through its scope, and in which nothing
// failed, returns nil. If ctx is canceled, its cancellation is returned: beside real errors in
// the [*Error], otherwise alone, as a [*cancelscope.Canceled]. A nursery whose body and tasks all
// returned nil returns nil, whatever ctx says.
//
// Run panics if ctx or body is nil.
func Run(ctx workflow.Context, body func(ctx workflow.Context, n *Nursery) error) error {
	return Config{}.Run(ctx, body)
}

// A Config has the settings of a nursery. The zero value is what [Run] uses.
type Config struct {
	// Name appears in the texts of errors and cancellations.
	Name string

	// Supervise keeps the tasks apart: one that fails does not cancel the others, and all
	// errors are returned in the end. An error of the body still cancels the tasks.
	Supervise bool

	// Timeout, if not zero, is the time limit of the nursery, from its entry. When it has
	// passed, the tasks are canceled and Run returns nil unless something failed; for a
	// limit that is an error put deadline.FailAfter around the nursery.
	Timeout time.Duration

	// Shield hides the cancellations and deadlines further out from the nursery.
	Shield bool

	// OnError, if not nil, is called when a task or the body has failed, in its coroutine,
	// with the error that Run will return, after it has been recorded and the siblings have
	// been canceled. It must not block.
	OnError func(*TaskError)

	// Keep says how many failures the [*Error] keeps: 0 all of them, n the first n, -1 none.
	// The others are counted. With another value than 0, OnError must be set.
	Keep int
}

var errBackground = errors.New("the tasks that needed it have ended")

// Run is like the function [Run], with the settings of c. It also panics if Keep is set and
// OnError is nil, or if Keep is less than -1.
func (c Config) Run(ctx workflow.Context, body func(ctx workflow.Context, n *Nursery) error) error {
	switch {
	case ctx == nil:
		panic("nursery: Run with a nil context: pass the one of the workflow or task")
	case body == nil:
		panic("nursery: Run with a nil body: there is nothing to run")
	case c.Keep != 0 && c.OnError == nil:
		panic("nursery: Keep without OnError: errors would be lost")
	case c.Keep < -1:
		panic("nursery: Keep less than -1: pass how many failures to keep, 0 for all, -1 for none")
	}
	n := &Nursery{config: c, open: true, body: 1}
	n.scope.Name = c.Name
	n.scope.SetShield(c.Shield)
	if c.Timeout != 0 {
		n.scope.SetTimeout(c.Timeout)
	}
	passing := n.scope.Run(ctx, func(ctx workflow.Context) error {
		n.ctx = ctx
		if err := body(ctx, n); err != nil {
			n.failed(label{name: bodyName}, err)
		}
		n.wait()
		if n.canceled {
			return cancelscope.Cause(ctx)
		}
		return nil
	})
	n.ctx = nil
	return n.joined(passing)
}

// wait gives back the share of the body and returns when the nursery has closed. It does not
// end when the nursery is canceled: the tasks do then.
func (n *Nursery) wait() {
	n.body = 0
	n.settle()
	if n.open {
		var closed workflow.Future
		closed, n.closed = workflow.NewFuture(n.ctx)
		_ = closed.Get(n.ctx, nil) // ready means closed; it is never set to an error
	}
}

// join takes a share in the nursery, and reports whether it was open.
func (n *Nursery) join() bool {
	if n.open {
		n.tasks++
	}
	return n.open
}

// quit gives a share back.
func (n *Nursery) quit() {
	n.tasks--
	n.settle()
}

// settle cancels the background tasks when all others have ended, and closes the nursery when
// everything has.
func (n *Nursery) settle() {
	if n.body+n.tasks > 0 {
		return
	}
	if len(n.background) == 0 {
		n.open = false
		if n.closed != nil {
			n.closed.Set(nil, nil)
		}
		return
	}
	if !n.retired {
		n.retired = true
		// A task that has been woken runs later, so the list does not change meanwhile.
		for _, s := range n.background {
			s.Cancel(errBackground)
		}
	}
}

// addBackground notes that a background task runs in s.
func (n *Nursery) addBackground(s *cancelscope.Scope) {
	n.background = append(n.background, s)
	if n.retired {
		s.Cancel(errBackground)
	}
}

// quitBackground notes that the background task in s has ended.
func (n *Nursery) quitBackground(s *cancelscope.Scope) {
	i := slices.Index(n.background, s)
	n.background = slices.Delete(n.background, i, i+1)
	n.settle()
}

// failed takes the error of a task that has ended. What has been canceled stays canceled, so
// it can be judged now; and an error from before the cancellation is real.
func (n *Nursery) failed(w label, err error) {
	canceled, rest := cancelscope.Split(n.ctx, err)
	if canceled != nil {
		n.canceled = true
	}
	if rest == nil {
		n.node().Fail(nil) // only notes it: what made the task end in cancellations is the cause
		return
	}
	failure := &TaskError{Task: w.String(), Err: rest, unnamed: w.unnamed()}
	if keep := n.config.Keep; keep == 0 || len(n.failures) < keep {
		n.failures = append(n.failures, failure)
	} else {
		n.more++
	}
	if fatal := !n.config.Supervise || w.task == nil; fatal {
		if n.first == nil {
			n.first = failure
		}
		n.node().Fail(n.first)
	}
	if n.config.OnError != nil {
		n.config.OnError(failure)
	}
}

func (n *Nursery) node() tree.Node { return tree.Of(n.ctx) }

// Scope returns the cancel scope of the nursery: to cancel all its tasks and the body, to set a
// deadline or a shield. It is the same for the whole life of the nursery. Its CancelCalled is
// true also when the body or a task ended in an error or in a cancellation.
func (n *Nursery) Scope() *cancelscope.Scope { return &n.scope }

// Running returns how many tasks of the nursery have not ended yet, counting background tasks
// and tasks that are being started by [Start] and not counting the body. A query handler may
// call it.
func (n *Nursery) Running() int { return n.tasks + len(n.background) }

// Go starts task in a coroutine of its own, with the context of the nursery. It does not block,
// and the task begins when the calling coroutine waits. [ForEach] and its relatives bound how
// many tasks work at a time.
//
// Any coroutine may call Go as long as the body or any task of the nursery runs. In a nursery
// that has been canceled the task is started as well and runs to its first wait.
//
// Go panics if task is nil, or if the nursery has closed, because all that ran in it had ended;
// see [Nursery.TryGo].
func (n *Nursery) Go(task func(ctx workflow.Context) error) {
	if n.TryGo("", task) != nil {
		panic("nursery: Go on a nursery that has closed: call it while the body or a task of the nursery runs, or use TryGo")
	}
}

// GoNamed is like [Nursery.Go] and gives the task a name, which appears in errors and in stack
// traces of the workflow. A task without one is named after its function.
func (n *Nursery) GoNamed(name string, task func(ctx workflow.Context) error) {
	if n.TryGo(name, task) != nil {
		panic("nursery: GoNamed on a nursery that has closed: call it while the body or a task of the nursery runs, or use TryGo")
	}
}

// TryGo is like [Nursery.GoNamed], but returns [ErrClosed] if the nursery has closed, and nil if
// the task has been started. The name may be empty.
func (n *Nursery) TryGo(name string, task func(ctx workflow.Context) error) error {
	if task == nil {
		panic("nursery: nil function for a task: there is nothing to run")
	}
	return n.tryFor(label{name: name, task: task}, task)
}

// tryFor is like TryGo with a task that stands for w.
func (n *Nursery) tryFor(w label, task func(ctx workflow.Context) error) error {
	if !n.join() {
		return ErrClosed
	}
	workflow.GoNamed(n.ctx, w.String(), func(ctx workflow.Context) {
		if err := task(ctx); err != nil {
			n.failed(w, err)
		}
		n.quit()
	})
	return nil
}
