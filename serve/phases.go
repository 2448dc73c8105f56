package serve

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"sync/atomic"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/record"
	"github.com/trellis-go/trellis/nursery"
)

// waitInterval is how often a drain logs what it waits for.
const waitInterval = 3 * time.Second

// A running is a program that runs.
type running struct {
	Program
	drain    *drain
	reporter *reporter
	signals  chan os.Signal // nil if there are none to wait for
	phases   chan event     // to callHooks; has room for all there can be
	hooked   chan struct{}  // closed when callHooks has returned
	over     chan struct{}  // closed when control has no more to do

	// Written before control runs, read-only after.
	nursery  *nursery.Nursery // of the program
	node     *record.Node     // of nursery
	controls *nursery.Task[struct{}]

	// cut is how the program was canceled, nil if it was not, or not by control.
	cut atomic.Pointer[CutError]
	// cleanup is the scope of the function of Cleanup that runs, or ran last. It is nil as
	// long as the body and the tasks run.
	cleanup atomic.Pointer[cancelscope.Scope]

	// Only control uses these, and end after its end.
	received int       // signals
	canceled bool      // everything has been canceled
	start    time.Time // of the end
	logged   bool      // a line has been logged
}

// A clock has what control waits for besides signals. What is nil does not come any more.
// It is used by control only.
type clock struct {
	begun, closing, done <-chan struct{}
	linger, grace        *time.Timer
	lingerC, graceC      <-chan time.Time
	wait                 *time.Ticker
	waitC                <-chan time.Time
}

func (c *clock) stop() {
	for _, t := range []*time.Timer{c.linger, c.grace} {
		if t != nil {
			t.Stop()
		}
	}
	if c.wait != nil {
		c.wait.Stop()
	}
}

// tick begins to call for log lines, if that has not been done.
func (c *clock) tick() {
	if c.wait == nil {
		c.wait = time.NewTicker(waitInterval)
		c.waitC = c.wait.C
	}
}

// control takes the program, whose context is ctx, through its phases, until over is
// closed.
func (r *running) control(ctx context.Context) {
	c := &clock{begun: r.drain.begun, closing: r.drain.closing, done: ctx.Done()}
	defer c.stop()
	for {
		select {
		case <-r.over:
			r.catchUp(c)
			return
		case sig := <-r.signals:
			r.onSignal(sig)
		case <-c.begun:
			c.begun = nil
			r.onBegun()
			c.tick()
			if r.Linger > 0 {
				c.linger = time.NewTimer(r.Linger)
				c.lingerC = c.linger.C
			}
		case <-c.lingerC:
			c.lingerC = nil
			r.drain.elapsed()
		case <-c.closing:
			if c.begun != nil {
				continue // both are closed, and the other one comes first
			}
			c.closing = nil
			if r.onClosing() {
				c.grace = time.NewTimer(r.Grace)
				c.graceC = c.grace.C
			}
		case <-c.graceC:
			c.graceC = nil
			if r.cleanup.Load() == nil { // Grace does not limit clean-up
				r.cancel(nil)
			}
		case <-c.done:
			c.done = nil
			if cause := r.nursery.Scope().Cause(); cause != nil { // and it has not just ended
				r.onCanceled(cause)
				c.begun, c.closing, c.lingerC, c.graceC = nil, nil, nil, nil
				c.tick()
			}
		case <-c.waitC:
			r.logWaits()
		}
	}
}

// catchUp reports what has happened in the meantime to a program that has ended.
func (r *running) catchUp(c *clock) {
	if cause := r.nursery.Scope().Cause(); cause != nil {
		if c.done != nil {
			r.onCanceled(cause)
		}
		return
	}
	if isClosed(c.begun) {
		r.onBegun()
	}
	if isClosed(c.closing) {
		reason, _ := r.drain.why()
		r.enterPhase(PhaseClosing, reason)
	}
}

// onSignal does what the next signal means.
func (r *running) onSignal(sig os.Signal) {
	r.received++
	switch {
	case r.received == 1:
		r.drain.begin(&SignalError{sig})
		if r.Grace == 0 {
			r.cancelCleanup(sig)
		}
	case !r.canceled:
		r.cancel(sig)
		r.cancelCleanup(sig)
	default:
		// Not through the reporter, which the process would not wait for.
		r.stopSignals()
		raise(sig)
	}
}

// stopSignals gives the signals their usual effect back.
func (r *running) stopSignals() { signal.Stop(r.signals) }

func (r *running) onBegun() {
	r.start = time.Now()
	reason, byOuter := r.drain.why()
	if r.Grace != 0 || r.Linger != 0 || byOuter {
		r.log(slog.LevelInfo, "draining", slog.Any("reason", reason),
			slog.Duration("linger", r.Linger), slog.Duration("grace", r.Grace), r.tasks())
	}
	r.enterPhase(PhaseDraining, reason)
}

// onClosing reports whether Grace begins.
func (r *running) onClosing() bool {
	reason, byOuter := r.drain.why()
	r.enterPhase(PhaseClosing, reason)
	if r.Linger > 0 {
		r.log(slog.LevelInfo, "accepting nothing new", r.tasks())
	}
	if r.Grace == 0 && !byOuter {
		var sig os.Signal
		if s, ok := reason.(*SignalError); ok {
			sig = s.Signal
		}
		r.cancel(sig)
	}
	return r.Grace > 0
}

// cancel cancels everything but clean-up: because of a signal, or because the time is up if
// sig is nil.
func (r *running) cancel(sig os.Signal) {
	r.canceled = true
	if r.cleanup.Load() != nil {
		return // all tasks have ended
	}
	list, _ := names(r.node)
	cut := &CutError{Signal: sig, Grace: r.Grace, Tasks: list}
	r.cut.Store(cut)
	r.nursery.Scope().Cancel(cut)
}

// cancelCleanup cancels the function of Cleanup that runs, if there is one.
func (r *running) cancelCleanup(sig os.Signal) {
	if s := r.cleanup.Load(); s != nil {
		r.cut.Store(&CutError{Signal: sig, Grace: r.Grace, Tasks: []string{s.Name}})
		s.Cancel(&SignalError{sig})
	}
}

// onCanceled is called when everything has been canceled: by cancel, from outside, or
// because something has failed.
func (r *running) onCanceled(cause error) {
	r.canceled = true
	if !r.drain.isBegun() {
		r.start = time.Now()
	}
	r.drain.cut(cause)
	if cut := r.cut.Load(); cut != nil {
		cause = cut
		r.log(slog.LevelWarn, "canceling", slog.Any("reason", cause), r.tasks())
	} // a failure is in the error of Run, and needs no line unless the end takes long
	r.enterPhase(PhaseCanceled, cause)
}

// logWaits logs what the program waits for.
func (r *running) logWaits() {
	level := slog.LevelInfo
	if r.canceled {
		level = slog.LevelWarn
	}
	reason, _ := r.drain.why()
	var lingering slog.Attr // none, which is not logged
	if !r.canceled && !isClosed(r.drain.closing) {
		lingering = slog.Bool("lingering", true) // the tasks may all be idle
	}
	r.log(level, "waiting", slog.Duration("since", rounded(time.Since(r.start))), lingering, slog.Bool("canceled", r.canceled),
		slog.Any("reason", reason), r.tasks())
}

// logEnd logs the end of a program, if something was logged before.
func (r *running) logEnd(err error) {
	if !r.logged {
		return
	}
	took := slog.Duration("took", rounded(time.Since(r.start)))
	if err != nil {
		r.log(slog.LevelInfo, "ended", took, slog.Any("error", err))
		return
	}
	r.log(slog.LevelInfo, "ended", took)
}

func (r *running) log(level slog.Level, msg string, attrs ...slog.Attr) {
	r.logged = true
	r.reporter.log(level, msg, attrs...)
}

// tasks is what log lines say about what runs: how many tasks, and which.
func (r *running) tasks() slog.Attr {
	list, count := names(r.node)
	if s := r.cleanup.Load(); s != nil {
		list, count = []string{s.Name}, 1
	}
	attrs := []any{slog.Int("tasks", count)}
	if count > 0 {
		attrs = append(attrs, slog.Any("for", list))
	}
	return slog.Group("", attrs...) // its members stand in the line themselves
}

// An event is the beginning of a phase.
type event struct {
	phase  Phase
	reason error
}

// enterPhase has the hook called for a phase. Each phase is entered at most once.
func (r *running) enterPhase(phase Phase, reason error) {
	if r.OnPhase != nil {
		r.phases <- event{phase, reason}
	}
}

// errEnded is the cause of the context of hooks after the end.
var errEnded = errors.New("the program has ended")

// callHooks calls the hook for each phase, up to the end of the program.
func (r *running) callHooks(ctx context.Context) error {
	defer close(r.hooked)
	// The end of the program cancels this context before the last call.
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(errEnded)
	for e := range r.phases {
		r.OnPhase(ctx, e.phase, e.reason)
		if e.phase == PhaseEnded {
			return nil
		}
	}
	return nil
}

// awaitHooks waits until the hook has been called for the last time. It may hang, so signals
// keep their meaning meanwhile.
func (r *running) awaitHooks() {
	for {
		select {
		case <-r.hooked:
			return
		case sig := <-r.signals:
			r.onSignal(sig)
		}
	}
}

// isClosed reports whether c is closed. A nil channel is not.
func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
