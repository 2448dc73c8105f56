package serve

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
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
	logger  *slog.Logger
	lines   chan slog.Record // closed by close
	dropped atomic.Int64     // lines for which there was no room
	start   sync.Once        // starts write
	written chan struct{}    // closed when write has ended
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

// log writes a line soon. It does not block. A nil reporter uses the default logger, and
// blocks as that does.
func (r *reporter) log(level slog.Level, msg string, attrs ...slog.Attr) {
	line := slog.NewRecord(time.Now(), level, msg, 0)
	for _, a := range attrs {
		if a.Key != "" {
			line.AddAttrs(a)
		}
	}
	if r == nil {
		_ = slog.Default().Handler().Handle(context.Background(), line)
		return
	}
	r.start.Do(func() { go r.write() })
	select {
	case r.lines <- line:
	default:
		r.dropped.Add(1)
	}
}

func (r *reporter) write() {
	defer close(r.written)
	for line := range r.lines {
		if n := r.dropped.Swap(0); n > 0 {
			line.AddAttrs(slog.Int64("dropped", n))
		}
		if h := r.logger.Handler(); h.Enabled(context.Background(), line.Level) {
			_ = h.Handle(context.Background(), line) // there is no place for the error of a log
		}
	}
}

// close waits until all lines have been written, or for logPatience.
func (r *reporter) close() {
	close(r.lines)
	r.start.Do(func() { close(r.written) }) // nothing was logged
	limit := time.NewTimer(logPatience)
	defer limit.Stop()
	select {
	case <-r.written:
	case <-limit.C:
	}
}
