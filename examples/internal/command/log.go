package command

import (
	"bytes"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	// maxPending is how many bytes of a log may wait to be written.
	maxPending = 1 << 20

	// closeLimit is how long Close waits for the end of a log that is not read.
	closeLimit = time.Second
)

// A Log is a writer for the log of a server that must not stop because its log is not
// read: a pipe to a program that hangs, or a terminal on which Ctrl-S was pressed. Write
// never waits. If more than a megabyte waits to be written, lines are dropped, and a line
// in their place says how many. Lines that cannot be written, because a disk is full, say,
// are dropped likewise.
//
// Its methods may be called by any number of goroutines.
type Log struct {
	w     io.Writer
	wake  chan struct{} // holds one token while there is something to do
	ended chan struct{} // closed by the goroutine that writes

	mu      sync.Mutex // guards what follows
	pending []byte     // whole lines
	dropped int        // lines, all of them after those pending
	closed  bool
}

// NewLog returns a Log that writes to w, from a goroutine of its own: nothing can
// interrupt the write to a pipe that this process has inherited. Close ends it.
func NewLog(w io.Writer) *Log {
	l := &Log{w: w, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	go l.run()
	return l
}

// Write takes lines, each call one or more of them. The error is always nil.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return len(p), nil
	case l.dropped > 0, len(l.pending)+len(p) > maxPending:
		// Once a line is dropped, so are those after it until the gap has been
		// noted: the note stands where the gap is.
		l.dropped += countLines(p)
	default:
		l.pending = append(l.pending, p...)
	}
	l.signal()
	return len(p), nil
}

// Close writes what is left, and ends the goroutine. If that takes longer than a second,
// because the log is not read, Close returns, and the goroutine is left in its write: it
// ends with that, or with the process. What is written after Close is dropped. A second
// Close does nothing more than wait again.
func (l *Log) Close() error {
	l.mu.Lock()
	l.closed = true
	l.signal()
	l.mu.Unlock()
	limit := time.NewTimer(closeLimit)
	defer limit.Stop()
	select {
	case <-l.ended:
	case <-limit.C:
	}
	return nil
}

func (l *Log) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run writes what is pending until the log is closed.
func (l *Log) run() {
	defer close(l.ended)
	for range l.wake {
		lines, dropped, closed := l.take()
		if n, err := l.w.Write(append(lines, note(dropped)...)); err != nil {
			l.lose(dropped + countLines(lines[min(n, len(lines)):]))
		}
		if closed {
			return
		}
	}
}

// take returns the lines to be written next, how many were dropped after them, and
// whether they are the last.
func (l *Log) take() (lines []byte, dropped int, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines, dropped = l.pending, l.dropped
	l.pending, l.dropped = nil, 0
	return lines, dropped, l.closed
}

// lose counts lines that could not be written. Those that wait come after them, and the
// note would stand too late, so they are dropped as well.
func (l *Log) lose(lines int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropped += lines + countLines(l.pending)
	l.pending = nil
}

// note returns the line that stands in the place of lines that were dropped.
func note(dropped int) []byte {
	if dropped == 0 {
		return nil
	}
	var line bytes.Buffer
	slog.New(slog.NewTextHandler(&line, nil)).Warn("lines of this log were dropped", "lines", dropped)
	return line.Bytes()
}

func countLines(p []byte) int { return bytes.Count(p, []byte("\n")) }
