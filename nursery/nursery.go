package nursery

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
)

// A Nursery is where tasks are started: functions that run in goroutines of their
// own, and that [Run] waits for. It is Trio's nursery and asyncio's TaskGroup.
//
// Nurseries are made by [Run] and [Config.Run]. The zero value is a nursery that has
// closed; a Nursery must not be copied. Its methods may be called by any number of
// goroutines.
type Nursery struct {
	scope cancelscope.Scope
	ctx   context.Context // of scope, a tree.Node; written before the body runs, read-only after

	// Read-only; the settings that the scope does not have.
	onPanic   func(*PanicError)
	supervise bool
	panics    uint8 // a PanicPolicy
	loop      bool  // the body is a loop of the caller's: see runLoop

	// noted is set when a task has ended in cancellations alone and both that and the
	// cancellation of the scope have been noted: of the next such task there is nothing
	// more to note. Invariant: once it is set, ends.canceled is, and the scope has been
	// canceled.
	noted atomic.Bool

	// tasks counts what keeps the nursery open: bodyShare for the body, 1 for each
	// child and each pending Start. Added to these is open, until somebody who gives
	// back the last share takes that away: the last one out. Invariant: without open it
	// is closed for good, and what is added then is taken back and counts nowhere. That
	// nobody has a share is not enough, because a stranger who comes just then, without
	// one, may still get in; then the last one out is another.
	tasks atomic.Int64

	// parked is added to by the body before it gives up its share, and only if others
	// have shares, so that the last one out, if it is not the body, finds it.
	parked sync.WaitGroup

	mu   sync.Mutex
	ends *ends // guarded by mu until closed; nil as long as everybody has returned nil
}

const (
	bodyShare = 1 << 32
	open      = 1 << 40
)

// An ends is what a nursery remembers of tasks that did not just return nil.
type ends struct {
	failures []*TaskError  // real errors, first failure first
	first    *TaskError    // the failure that canceled the nursery
	panics   []*PanicError // the first one is raised by Run
	goexit   bool          // a child called runtime.Goexit
	canceled bool          // a task ended in a cancellation
}

// allNil is what there is to remember of tasks that returned nil.
var allNil ends

// ended returns what is to be remembered. It is called when the nursery has closed.
func (n *Nursery) ended() *ends {
	if n.ends == nil {
		return &allNil
	}
	return n.ends
}

// endsLocked returns where to remember something.
func (n *Nursery) endsLocked() *ends {
	if n.ends == nil {
		n.ends = new(ends)
	}
	return n.ends
}

// Run opens a nursery, calls body in it, in the calling goroutine, and returns when
// body and every task that was started in the nursery have ended, however they ended.
//
// The context given to body and to the tasks belongs to the nursery's cancel scope
// (see [Nursery.Scope]), which lies inside ctx. The first error of the body or a task
// cancels the scope; context.Cause then names the task and its error. All errors come
// out in one [*Error], always wrapped, the first failure first. Cancellations that the
// nursery caused itself do not appear in it, so a nursery that was canceled through
// its scope, and in which nothing failed, returns nil. If ctx is done, its cancellation goes on up: beside
// real errors in the [*Error], otherwise alone, as a [*cancelscope.Canceled]. A
// nursery whose body and tasks all returned nil returns nil, whatever ctx says.
//
// If a task or the body panics, the others are canceled and Run panics with a
// [*PanicError] when all have ended. If one calls runtime.Goexit, as t.FailNow does,
// the others are canceled and Run calls runtime.Goexit when all have ended. See
// [PanicPolicy] for other ways.
//
// Run panics if ctx or body is nil.
func Run(ctx context.Context, body func(ctx context.Context, n *Nursery) error) error {
	return Config{}.Run(ctx, body)
}

// A Config has the settings of a nursery. The zero value is what [Run] uses.
type Config struct {
	// Name appears in the texts of errors and cancellations.
	Name string

	// Supervise keeps the tasks apart: one that fails does not cancel the others,
	// and all errors come out in the end, of which the nursery keeps every one until
	// then. An error of the body still cancels the tasks, because nobody else would
	// end them; so does a panic or a Goexit, unless converted to an error.
	Supervise bool

	// Timeout, if it is not zero, limits how long the nursery may run, as
	// [cancelscope.Scope.SetTimeout] before Run does; a negative one has passed on entry.
	// A limit alone is not an error: a nursery whose time is up returns nil, or the
	// errors that are real. To report it, run the nursery inside deadline.FailAfter.
	Timeout time.Duration

	// Shield hides cancellations and deadlines from outside, as
	// [cancelscope.Scope.SetShield] before Run does.
	Shield bool

	// Adjustable makes the nursery's scope adjustable: see [cancelscope.Scope].
	Adjustable bool

	// Panics says what becomes of panics in tasks.
	Panics PanicPolicy

	// OnPanic, if not nil, is called at once when a task or the body has panicked, in
	// the panicking goroutine, before anything else is done about it. Run may be able
	// to raise the panic only much later, or never if a task does not end. It may be
	// called by several goroutines at a time, and must return.
	OnPanic func(*PanicError)
}

// Run is like the function [Run], with the settings of c.
func (c Config) Run(ctx context.Context, body func(ctx context.Context, n *Nursery) error) error {
	if ctx == nil {
		panic("nursery: Run with a nil context: pass context.Background() if there is none")
	}
	if body == nil {
		panic("nursery: Run with a nil body: there is nothing to run")
	}
	n := &Nursery{onPanic: c.OnPanic, supervise: c.Supervise, panics: uint8(c.Panics)}
	n.scope.Name, n.scope.Adjustable = c.Name, c.Adjustable
	if c.Timeout != 0 {
		n.scope.SetTimeout(c.Timeout)
	}
	if c.Shield {
		n.scope.SetShield(true)
	}
	return n.open(ctx, body)
}

// open runs a nursery that has its settings.
func (n *Nursery) open(ctx context.Context, body func(ctx context.Context, n *Nursery) error) error {
	n.tasks.Store(open + bodyShare)
	returned := false
	defer func() {
		if !returned && len(n.ended().panics) > 0 {
			panic(n.raised(nil)) // the body exits; a panic is worse
		}
	}()
	passing := n.scope.Run(ctx, func(ctx context.Context) error {
		n.ctx = ctx
		n.runBody(body)
		if n.ended().canceled {
			return n.scope.Cause()
		}
		return nil
	})
	returned = true
	ends := n.ended()
	if len(ends.panics) > 0 {
		panic(n.raised(passing))
	}
	if ends.goexit {
		runtime.Goexit()
	}
	return n.joined(passing)
}

// runBody runs the body and waits for all others.
func (n *Nursery) runBody(body func(ctx context.Context, n *Nursery) error) {
	defer n.wait()
	returned := false
	defer func() {
		switch {
		case returned:
		case n.loop:
			n.scope.Cancel(errLoopLeft)
		default:
			n.broken(who{name: bodyName}, recover())
		}
	}()
	err := body(n.ctx, n)
	returned = true
	if err != nil {
		n.failed(who{name: bodyName}, err)
	}
}

// Scope returns the cancel scope of the nursery: to cancel all its tasks and the
// body, to set a deadline or a shield. It is the same for the whole life of the
// nursery. Its CancelCalled is true also when the body or a task ended in an error or
// in a cancellation, as in Trio.
func (n *Nursery) Scope() *cancelscope.Scope { return &n.scope }

// Running returns how many tasks of the nursery have not ended yet, counting tasks
// that are being started by [Start] and not counting the body.
func (n *Nursery) Running() int {
	tasks := n.tasks.Load()
	if tasks < open {
		return 0
	}
	return int(tasks & (bodyShare - 1))
}

// Go starts task in a goroutine of its own, with the context of the nursery. It does
// not block: a nursery has no limit. To bound how many tasks work at a time, acquire a
// semaphore of golang.org/x/sync/semaphore inside the task.
//
// Anybody may call Go as long as the body or any task of the nursery runs: the body,
// tasks, tasks of other nurseries. In a nursery that has been canceled the task is
// started as well and runs to its first wait, as in Trio. A task that has returned nil
// leaves nothing behind.
//
// What happens before the call synchronizes before the start of the task, and the end
// of the task synchronizes before the return of [Run].
//
// Go panics if task is nil, or if the nursery has closed, because all that ran in it
// had ended; see [Nursery.TryGo].
func (n *Nursery) Go(task func(ctx context.Context) error) {
	if err := n.TryGo("", task); err != nil {
		panic("nursery: Go on a nursery that has closed: call it while the body or a task of the nursery runs, or use TryGo")
	}
}

// GoNamed is like [Nursery.Go] and gives the task a name, which appears in errors. A
// task without one is named after its function.
func (n *Nursery) GoNamed(name string, task func(ctx context.Context) error) {
	if err := n.TryGo(name, task); err != nil {
		panic("nursery: GoNamed on a nursery that has closed: call it while the body or a task of the nursery runs, or use TryGo")
	}
}

// TryGo is like [Nursery.GoNamed], but returns [ErrClosed] if the nursery has closed, and
// nil if the task has been started. The name may be empty.
func (n *Nursery) TryGo(name string, task func(ctx context.Context) error) error {
	if task == nil {
		panic("nursery: nil function for a task: there is nothing to run")
	}
	if !n.join() {
		return ErrClosed
	}
	// A goroutine for each task. If one that has finished a tiny task went on with the
	// next, a hundred of them would cost a third. But users can tell: a task that leaves
	// its thread locked would pass it on, labels for profiles would have to be reset, a
	// stack would show who ran before, and a task that is started alone would have to
	// wait until somebody can be woken. Items of ForEach and Map are promised no
	// goroutine of their own, and there it is done: see feed.
	if name == "" {
		go n.run(task)
	} else {
		go n.runNamed(name, task)
	}
	return nil
}

// join takes a share in the nursery, and reports whether it was open.
func (n *Nursery) join() bool {
	if n.tasks.Add(1) < open {
		n.tasks.Add(-1)
		return false
	}
	return true
}

// quit gives a share back.
func (n *Nursery) quit() {
	if n.tasks.Add(-1) == open && n.tasks.CompareAndSwap(open, 0) {
		n.parked.Done()
	}
}

// wait gives back the share of the body and returns when the nursery has closed.
func (n *Nursery) wait() {
	if n.tasks.CompareAndSwap(open+bodyShare, 0) {
		return
	}
	n.parked.Add(1)
	if n.tasks.Add(-bodyShare) == open && n.tasks.CompareAndSwap(open, 0) {
		return
	}
	n.parked.Wait()
}
