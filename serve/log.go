package serve

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// logLines is how many lines wait for a log that blocks. More are dropped.
	logLines = 64
	// logPatience is how long the end of a program waits for its last lines.
	logPatience = time.Second
)

// A reporter writes log lines in a goroutine of its own, because a log may block: a pipe
// that is not read must not keep a program from draining. If the log still blocks in the
// end, that goroutine is left behind: nothing can end it, and the process does not wait
// for it.
type reporter struct {
	logger  *slog.Logger  // read-only
	written chan struct{} // closed when write has ended

	mu      sync.Mutex
	lines   chan slog.Record // sent to and closed with mu held
	dropped int              // guarded by mu; lines for which there was no room
	started bool             // guarded by mu; write runs
	closed  bool             // guarded by mu
}

// newReporter returns a reporter that writes to logger, or to slog.Default(). It must be
// closed.
func newReporter(logger *slog.Logger, program string) *reporter {
	if logger == nil {
		logger = slog.Default()
	}
	if program != "" {
		logger = logger.With(slog.String("program", program))
	}
	return &reporter{logger: logger, lines: make(chan slog.Record, logLines), written: make(chan struct{})}
}

// log writes a line soon. It does not block. After close it does nothing. A nil reporter
// uses the default logger, and blocks as that does.
func (r *reporter) log(level slog.Level, msg string, attrs ...slog.Attr) {
	if r == nil {
		slog.Default().LogAttrs(context.Background(), level, msg, attrs...)
		return
	}
	line := slog.NewRecord(time.Now(), level, msg, 0)
	line.AddAttrs(attrs...)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	if !r.started {
		r.started = true
		go r.write()
	}
	if r.dropped > 0 {
		line.AddAttrs(slog.Int("dropped", r.dropped))
	}
	select {
	case r.lines <- line:
		r.dropped = 0
	default:
		r.dropped++
	}
}

func (r *reporter) write() {
	defer close(r.written)
	for line := range r.lines {
		if h := r.logger.Handler(); h.Enabled(context.Background(), line.Level) {
			_ = h.Handle(context.Background(), line) // there is no place for the error of a log
		}
	}
}

// close waits until all lines have been written, or for logPatience.
func (r *reporter) close() {
	r.mu.Lock()
	r.closed = true
	close(r.lines)
	started := r.started
	r.mu.Unlock()
	if !started {
		return
	}
	limit := time.NewTimer(logPatience)
	defer limit.Stop()
	select {
	case <-r.written:
	case <-limit.C:
	}
}

// log writes a line to the log of the program.
func (d *drain) log(level slog.Level, msg string, attrs ...slog.Attr) {
	var r *reporter
	if d != nil {
		r = d.reporter
	}
	r.log(level, msg, attrs...)
}
