package nursery

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/record"
)

// A Nursery is a block that starts tasks: functions that run in goroutines of their
// own. [Run] makes a nursery, and returns when every task in it has ended.
//
// Nurseries are made by [Run] and [Config.Run]. The zero value is a nursery that has
// closed; a Nursery must not be copied. Its methods may be called by any number of
// goroutines.
type Nursery struct {
	scope cancelscope.Scope
	ctx   context.Context // of scope, a tree.Node; written before the body runs, read-only after

	// Read-only; the settings that the scope does not have.
	supervise bool
	panics    uint8 // a PanicPolicy

	// canceledNoted says whether it has been recorded that a task ended in cancellations
	// alone: the next such task adds nothing. Invariant: once it is noted, ledger.cut is
	// set and the scope is canceled; while it is noting, a task that has not ended yet
	// ensures that.
	canceledNoted atomic.Uint32

	// shares counts what keeps the nursery open. See share.go.
	shares atomic.Int64

	// parked is what the body waits for after it has given up its share, if other
	// shares are left then. The goroutine that closes the nursery calls Done.
	parked sync.WaitGroup

	mu     sync.Mutex
	ledger atomic.Pointer[ledger] // nil as long as there is nothing to record; set once, under mu or by Config.Run
}

// A ledger is what a nursery remembers of tasks that did not just return nil, and of
// its background tasks, and the settings that few nurseries have, so that the others are
// smaller. It is guarded by mu until the nursery has closed, except for these.
type ledger struct {
	// Read-only, from the Config.
	onPanic func(*PanicError)
	onError func(*TaskError)
	keep    int

	failures   []*TaskError  // real errors, first failure first
	dropped    int           // how many more there were, which only OnError has been given
	first      *TaskError    // the failure that canceled the nursery
	panics     []*PanicError // of tasks; Run panics with the first one
	goexit     bool          // a task called runtime.Goexit
	cut        error         // the first error of a task that is nothing but cancellations
	bodyPanic  *bodyPanic    // nil if the body has not panicked
	background *background   // nil if there was no background task
}

// nothing is the ledger of a nursery that has nothing to remember.
var nothing ledger

// recorded returns the ledger, an empty one if there is none. Its settings may be read at
// any time, the rest once the nursery has closed.
func (n *Nursery) recorded() *ledger {
	if r := n.ledger.Load(); r != nil {
		return r
	}
	return &nothing
}

// ledgerLocked returns the ledger to write into.
func (n *Nursery) ledgerLocked() *ledger {
	r := n.ledger.Load()
	if r == nil {
		r = new(ledger)
		n.ledger.Store(r)
	}
	return r
}

// Run makes a nursery, calls body with it in the calling goroutine, and returns when
// body and every task of the nursery have ended, however they ended.
//
// The context given to body and to the tasks belongs to the nursery's cancel scope
// (see [Nursery.Scope]), which lies inside ctx. The first error of the body or of a
// task cancels the scope; context.Cause then names the task and its error. Run returns
// all errors in one [*Error], the first failure first; [First] returns the first
// failure alone. The *Error has no cancellations that the nursery caused itself, so a
// nursery that was canceled through its scope, and in which nothing failed, returns
// nil. If ctx is done, and a task ended because of that, the cancellation is returned:
// beside real errors as the last one in the [*Error], otherwise alone. A nursery whose
// body and tasks all returned nil returns nil, whatever ctx says.
//
// If a task panics, the others are canceled, and Run panics with a [*PanicError] when
// all have ended. If the body panics, the tasks are canceled, and when they have ended
// the panic continues with its own value, as it would without a nursery; errors and
// panics of tasks are then passed to Config.OnError and Config.OnPanic only. If a task
// calls runtime.Goexit, as t.FailNow does, the others are canceled, and Run calls
// runtime.Goexit when all have ended. See [PanicPolicy] for other ways.
//
// A deadline that is set on the nursery's own scope, and ends it, is not an error: Run
// returns nil then, like a scope that was canceled by hand. To get an error when the time
// is up, put deadline.FailAfter around Run.
//
// Close what tasks use, such as a connection, after Run has returned. A defer of the body
// runs while tasks may still be using it.
//
// Run panics if ctx or body is nil.
func Run(ctx context.Context, body func(ctx context.Context, n *Nursery) error) error {
	return Config{}.Run(ctx, body)
}

// open runs a nursery that has its settings.
func (n *Nursery) open(ctx context.Context, body func(ctx context.Context, n *Nursery) error) error {
	n.shares.Store(openBit + bodyBit)
	returned := false
	defer func() {
		if !returned {
			n.raise(nil) // the body exits or panics
		}
	}()
	passing := n.scope.Run(ctx, func(ctx context.Context) error {
		n.ctx = ctx
		n.runBody(body)
		if n.recorded().cut != nil {
			return causeOf(ctx, &n.scope)
		}
		return nil
	})
	returned = true
	n.raise(passing)
	if n.recorded().goexit {
		runtime.Goexit()
	}
	return n.joined(ctx, passing)
}

// causeOf returns the cancellation of ctx, the context of the running scope s: the Err
// where a scope around has ended too early, which is no cause.
func causeOf(ctx context.Context, s *cancelscope.Scope) error {
	if cause := s.Cause(); cause != nil {
		return cause
	}
	return ctx.Err()
}

// runBody runs the body, takes its end through the steps in end.go, and waits for all
// tasks.
func (n *Nursery) runBody(body func(ctx context.Context, n *Nursery) error) {
	defer n.closeBackground()
	defer n.wait() // also after a callback has exited
	returned := false
	defer func() {
		if returned {
			return
		}
		value := recover()
		n.endAbnormally(bodyLabel, value, nil)
		n.wait()
		if p := n.recorded().bodyPanic; p != nil {
			// Here, and not in Run, the stack of the panic is still below: if nothing
			// recovers the panic, it is printed.
			p.raised = true
			panic(p.value)
		}
	}()
	if err := body(n.ctx, n); err != nil {
		n.endWithError(bodyLabel, err, nil)
	}
	returned = true
}

// Scope returns the cancel scope of the nursery: to cancel all its tasks and the
// body, or to set a deadline. It is the same for the whole life of the nursery. Its
// CancelCalled is true also when the body or a task ended in an error or in a
// cancellation.
func (n *Nursery) Scope() *cancelscope.Scope { return &n.scope }

// Go starts task in a goroutine of its own, with the context of the nursery. It does
// not block: a nursery has no limit. To run at most so many functions at a time, use
// [ForEach] or [ForN], or acquire a semaphore before the call of Go. A semaphore that
// is acquired inside the task bounds the work, but not the number of goroutines.
//
// Any goroutine may call Go while the body or a task of the nursery runs: the body,
// tasks, tasks of other nurseries. In a nursery that has been canceled the task is
// started as well, and runs to its first wait. A task that has returned nil leaves
// nothing behind.
//
// What happens before the call synchronizes before the start of the task, and the end
// of the task synchronizes before the return of [Run].
//
// Go panics if task is nil, or if the nursery has closed, which means that the body and
// all tasks have ended; [Nursery.TryGo] returns an error then.
func (n *Nursery) Go(task func(ctx context.Context) error) {
	if err := n.TryGo("", task); err != nil {
		panic("nursery: Go on a nursery that has closed: call it while the body or a task of the nursery runs, or use TryGo")
	}
}

// GoNamed is like [Nursery.Go] and gives the task a name, which stands before its error.
// Without one, errors call a task by the name of its function where several are listed.
func (n *Nursery) GoNamed(name string, task func(ctx context.Context) error) {
	if err := n.TryGo(name, task); err != nil {
		panic("nursery: GoNamed on a nursery that has closed: call it while the body or a task of the nursery runs, or use TryGo")
	}
}

// TryGo is like [Nursery.GoNamed], but returns [ErrClosed] if the nursery has closed, and
// nil if the task has been started. The name may be empty. It panics if task is nil.
func (n *Nursery) TryGo(name string, task func(ctx context.Context) error) error {
	if task == nil {
		panic("nursery: nil function for a task: there is nothing to run")
	}
	if !n.enter(taskShare) {
		return ErrClosed
	}
	// A goroutine for each task. If one that has finished a tiny task continued with the
	// next, a hundred of them would cost a third. But users would notice: a task that
	// leaves its thread locked would pass it on, labels for profiles would have to be
	// reset, a stack would show an earlier task, and a task that is started alone would
	// wait until a goroutine has been woken.
	if record.Active() {
		n.goRecorded(name, task)
	} else if name == "" {
		go n.run(task)
	} else {
		go n.runNamed(name, task)
	}
	return nil
}
