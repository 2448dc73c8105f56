package nursery

import (
	"context"
	"strconv"
	"time"

	"github.com/trellis-go/trellis/internal/record"
)

// A Config has the settings of a nursery. The zero value is what [Run] uses.
type Config struct {
	// Name stands before the nursery's errors and appears in the texts of
	// cancellations.
	Name string

	// Supervise keeps the tasks apart: a task that fails does not cancel the others,
	// and Run returns all errors in the end. Set OnError and Keep as well if the nursery
	// is to live long, because all errors are kept until then otherwise. An error of the
	// body still cancels the tasks, since nothing else would end them; so does a panic
	// or a Goexit, unless converted to an error.
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

	// Panics says what becomes of panics in tasks. Run panics if it is none of the constants.
	Panics PanicPolicy

	// OnPanic, if not nil, is called when a task or the body has panicked, in the
	// panicking goroutine, when the panic has been recorded and the other tasks have
	// been canceled. Run raises the panic only when all tasks have ended, and never if
	// one of them does not end; OnPanic is called at once. It may be called by several
	// goroutines at a time.
	//
	// The task has not ended before OnPanic returns. A panic in OnPanic is recorded
	// beside the first one; OnPanic is not called for it.
	OnPanic func(*PanicError)

	// OnError, if not nil, is called for each failure of a task or of the body, with
	// the cancellations removed, in the failing goroutine, when the failure has been
	// recorded and, unless the nursery supervises, the other tasks have been canceled.
	// It may be called by several goroutines at a time, and for the tasks of one
	// nursery in any order.
	//
	// The task has not ended before OnError returns. A panic or Goexit in OnError
	// counts as one of the task.
	OnError func(*TaskError)

	// Keep says how many failures the nursery keeps for the error of Run: 0 all, n > 0
	// the first n, and -1 none. The others are counted, see [Error.Dropped]. A
	// supervised nursery with OnError and Keep -1 can live for years with tasks that
	// fail, in constant memory. Run panics if Keep is not 0 and OnError is nil, since
	// failures would be lost.
	Keep int
}

// Run is like the function [Run], with the settings of c.
func (c Config) Run(ctx context.Context, body func(ctx context.Context, n *Nursery) error) error {
	if ctx == nil {
		panic("nursery: Run with a nil context: pass context.Background() if there is none")
	}
	if body == nil {
		panic("nursery: Run with a nil body: there is nothing to run")
	}
	if c.Keep < -1 {
		panic("nursery: Config.Keep is " + strconv.Itoa(c.Keep) + ": set 0 to keep all failures, n for the first n, or -1 for none")
	}
	if c.Keep != 0 && c.OnError == nil {
		panic("nursery: Config.Keep without OnError would lose failures: set OnError, or leave Keep 0")
	}
	if c.Panics < PropagatePanics || c.Panics > ConvertPanics {
		panic("nursery: Config.Panics is " + strconv.Itoa(int(c.Panics)) + ": set PropagatePanics, CrashOnPanic or ConvertPanics")
	}
	n := &Nursery{supervise: c.Supervise, panics: uint8(c.Panics)}
	if c.OnPanic != nil || c.OnError != nil {
		n.ledger.Store(&ledger{onPanic: c.OnPanic, onError: c.OnError, keep: c.Keep})
	}
	n.scope.Name, n.scope.Adjustable = c.Name, c.Adjustable
	if c.Timeout != 0 {
		n.scope.SetTimeout(c.Timeout)
	}
	if c.Shield {
		n.scope.SetShield(true)
	}
	if record.Active() {
		return n.openRecorded(ctx, body)
	}
	return n.open(ctx, body)
}
