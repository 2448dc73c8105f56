package serve

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/trellis-go/trellis/internal/record"
	"github.com/trellis-go/trellis/internal/tree"
	"github.com/trellis-go/trellis/nursery"
)

// A Program is a program, or a server, that ends in two phases: it drains, and what has
// not ended after that is canceled. The zero value is what [Main] uses: its first signal
// cancels everything at once.
type Program struct {
	// Name stands before the errors of the program and in its log lines.
	Name string

	// Grace is how long work that is in progress may take when the program accepts
	// nothing new any more. Then everything is canceled. With 0 it is canceled at once,
	// which fits command line tools; servers set it to less than what they are run by
	// grants them (30 seconds in Kubernetes, 90 in systemd, unless changed). A negative
	// Grace waits without limit.
	//
	// If a program with a Grace of 0 runs inside another program, and the outer program
	// begins the drain, the inner program sets no limit: its work is canceled when the
	// outer program cancels everything.
	Grace time.Duration

	// Linger is how long the program accepts connections after its drain has begun.
	// Load balancers need some seconds to notice that it is not ready any more, and
	// send connections until then. Grace begins after Linger. A server waits for Linger
	// at every drain, also if it has no request, because a request may still come. So
	// set it to 0 in development, where every Ctrl-C would take that long.
	Linger time.Duration

	// Signals begin the drain. If it is nil, Main uses os.Interrupt and
	// syscall.SIGTERM, and Run none, so that tests need not care. An empty list stands
	// for none.
	Signals []os.Signal

	// DrainOnFailure begins the drain when a task or the body fails, with the error as
	// reason, so that the work of the others can come to its end. Otherwise a failure
	// cancels them at once, as in every nursery. A panic and a runtime.Goexit always
	// cancel at once.
	DrainOnFailure bool

	// Log gets a line for each phase, with reasons and counts, and every few seconds of
	// a drain the names of what it waits for. If it is nil, slog.Default() is used. A
	// program that ends without a drain logs nothing, except that Main logs a failure.
	//
	// A log that blocks does not delay the phases: lines are dropped, and counted in the
	// next one. If it still blocks a second after everything has ended, Run returns, and
	// leaves behind the goroutine that writes to it.
	Log *slog.Logger

	// OnPhase, if not nil, is called when the program enters a phase, in this order and
	// one call at a time, in a goroutine of its own that the phases do not wait for; Run
	// waits for it. A phase may be left out: a program that just ends has none but
	// Ended. The context has the values of that of the program, and is not canceled
	// before the program has ended. A panic in OnPhase is one of Run.
	OnPhase func(ctx context.Context, phase Phase, reason error)
}

// A Phase is a part of the end of a program.
type Phase int

// The phases. Each begins when what is said here has happened.
const (
	PhaseDraining Phase = iota + 1 // the drain has begun; new connections are still accepted
	PhaseClosing                   // nothing new is accepted; work in progress may end
	PhaseCanceled                  // everything has been canceled
	PhaseEnded                     // all tasks, background tasks and functions of Cleanup have ended
)

// String returns the name of the phase: "draining", "closing", "canceled" or "ended".
func (p Phase) String() string {
	switch p {
	case PhaseDraining:
		return "draining"
	case PhaseClosing:
		return "closing"
	case PhaseCanceled:
		return "canceled"
	case PhaseEnded:
		return "ended"
	}
	return "none"
}

// Main runs body as a program and ends the process with an exit code:
//
//   - 0 if the body and all tasks returned nil, also because of a drain;
//   - 1 if one of them failed, or called runtime.Goexit, and the failure is logged;
//   - 3 if work was cut off because [Program.Grace] had passed;
//   - 130 or 143 if a SIGINT or SIGTERM canceled work, and 128 plus the number for other
//     signals.
//
// The body gets the context and the nursery of the program, as from nursery.Run. The
// first os.Interrupt or SIGTERM begins the drain, and, since there is no Grace, cancels
// the context at once. If work continues all the same, the second signal ends the process,
// as signals do. A panic of the body or of a task ends the process like every panic.
//
// Main does not return, so that functions which the caller has deferred do not run; see
// [Cleanup]. It is Program{}.Main: set Grace for servers.
func Main(body func(ctx context.Context, n *nursery.Nursery) error) { Program{}.Main(body) }

// Main is like the function [Main], with the settings of p.
//
// The first signal begins the drain, unless it has begun already. The second signal
// cancels everything at once. If everything has been canceled already, because Grace is 0
// or has passed, or because something failed, the second signal ends the process, as
// signals do. The third signal ends the process in any case.
//
// A program with a Grace is a server: Main lets it ignore SIGPIPE, so that it continues
// when the reader of its log has gone.
func (p Program) Main(body func(ctx context.Context, n *nursery.Nursery) error) {
	if p.Signals == nil {
		p.Signals = []os.Signal{os.Interrupt, syscall.SIGTERM}
	}
	if p.Grace != 0 {
		signal.Ignore(syscall.SIGPIPE)
	}
	err := errGoexit
	defer func() {
		if v := recover(); v != nil {
			panic(v)
		}
		code := ExitCode(err)
		if code == exitFailed {
			r := newReporter(p.Log, p.Name)
			r.log(slog.LevelError, "failed", slog.Any("error", err))
			r.close()
		}
		exit(code)
	}()
	err = p.Run(context.Background(), body)
}

// errGoexit is the failure of a program that runtime.Goexit has ended. Without an exit, the
// process would remain, with nothing to do.
var errGoexit = errors.New("the body, a task or a function of Cleanup or OnPhase called runtime.Goexit: return an error instead")

var exit = os.Exit // a variable for the examples

// Run runs body as a program, and returns when the body, all tasks and all functions
// given to [Cleanup] have ended. It is [Main] without the exit: for tests, for programs
// inside others, and for programs with exit codes of their own.
//
// The drain begins with one of Signals, with [Drain], or when a program around this one
// drains. If ctx is done, or something fails, everything is canceled at once, as by
// nursery.Run, and counts as draining from then on. When the body and all other tasks
// have ended, background tasks are canceled; when they have ended as well, the functions
// given to Cleanup are called.
//
// The error is that of nursery.Run: nil, the failures in a [*nursery.Error], or the
// cancellation of ctx. If nothing failed, and the program canceled work that had not
// ended, it is a [*CutError]. A task that returns nil counts as ended, also if its context
// was done: return the error that interrupted the work. (HTTP, Conns and Graceful do so.)
// Errors of functions given to Cleanup are joined to it.
//
// Run works in the bubbles of testing/synctest, as long as it has no Signals. While it
// runs, recording is on: package tasktree can show what runs, and the log has the names of
// what a drain waits for. It panics if ctx or body is nil, or Linger is negative.
func (p Program) Run(ctx context.Context, body func(ctx context.Context, n *nursery.Nursery) error) error {
	switch {
	case ctx == nil:
		panic("serve: Run with a nil context: pass context.Background() if there is none")
	case body == nil:
		panic("serve: Run with a nil body: there is nothing to run")
	case p.Linger < 0:
		panic("serve: Program.Linger is negative: set 0 to accept nothing new once the drain begins")
	}
	r := &running{
		Program:  p,
		reporter: newReporter(p.Log, p.Name),
		phases:   make(chan event, 4),
		hooked:   make(chan struct{}),
		over:     make(chan struct{}),
	}
	defer r.reporter.close()
	defer record.Start(nil)()
	r.drain = newDrain(drainOf(ctx), r.reporter, p.Linger > 0)
	defer r.drain.leave()
	if len(p.Signals) > 0 {
		r.signals = make(chan os.Signal, 4)
		signal.Notify(r.signals, p.Signals...)
		defer r.stopSignals()
	}
	ctx = context.WithValue(ctx, drainKey{}, r.drain)
	var err error
	// A nursery around that of the program has what must continue until that has ended. It
	// returns no errors of its own.
	_ = nursery.Config{Name: "program"}.Run(ctx, func(ctx context.Context, shell *nursery.Nursery) error {
		hide(ctx)
		if p.OnPhase != nil {
			shell.Background("phase hooks", r.callHooks)
		}
		defer func() {
			r.end(err)
		}()
		err = r.run(ctx, shell, body)
		return nil
	})
	return err
}

// hide leaves the innermost task or nursery around the holder of ctx out of what package
// tasktree shows.
func hide(ctx context.Context) {
	if node := tree.Record(ctx); node != nil {
		node.Become(record.Internal)
	}
}

// run runs the program and cleans up after it.
func (r *running) run(ctx context.Context, shell *nursery.Nursery, body func(ctx context.Context, n *nursery.Nursery) error) (err error) {
	defer r.cleanUp(ctx, &err)
	config := nursery.Config{Name: r.Name}
	if r.DrainOnFailure {
		config.Supervise = true
		config.OnError = func(e *nursery.TaskError) { r.drain.begin(e) }
		body = asTask(body)
	}
	err = config.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		r.nursery, r.node = n, tree.Record(ctx)
		hidden := make(chan struct{})
		r.controls = shell.Task("phases", func(own context.Context) error {
			hide(own)
			close(hidden)
			r.control(ctx)
			return nil
		})
		<-hidden // so that no tree shows it that is taken by the program itself
		return body(ctx, n)
	})
	if cut := r.cut.Load(); err == nil && cut != nil && r.nursery.Scope().CanceledCaught() {
		return cut
	}
	return err
}

// end ends the control, when everything else has ended, and waits for the hook.
func (r *running) end(err error) {
	close(r.over)
	if r.controls != nil {
		_, _ = r.controls.Join() // it has no result
	}
	r.logEnd(err)
	if r.OnPhase != nil {
		r.enterPhase(PhaseEnded, err)
		r.awaitHooks()
	}
}

// asTask returns a body that does not fail, but starts a task that does: a supervised
// nursery cancels its tasks when its body fails.
func asTask(body func(ctx context.Context, n *nursery.Nursery) error) func(ctx context.Context, n *nursery.Nursery) error {
	return func(ctx context.Context, n *nursery.Nursery) error {
		if err := body(ctx, n); err != nil {
			n.Go(failed{err}.body)
		}
		return nil
	}
}

type failed struct{ err error }

// body stands for the body, also by its name.
func (f failed) body(context.Context) error { return f.err }
