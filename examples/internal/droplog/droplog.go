package droplog

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// A Log drops lines if ten thousand wait. Its methods may be called by any number of
// goroutines.
type Log struct {
	lines   chan []byte // nil is the last
	dropped atomic.Int64
	written chan struct{} // closed when the last line has been written
}

// New returns a Log that writes to w, from a goroutine of its own: nothing can interrupt a
// write to a pipe that this process has inherited. Close ends it.
func New(w io.Writer) *Log {
	l := &Log{lines: make(chan []byte, 10_000), written: make(chan struct{})}
	go func() {
		defer close(l.written)
		for line := range l.lines {
			if line == nil {
				return
			}
			w.Write(line) // there is no place for the error of a log
			if n := l.dropped.Swap(0); n > 0 {
				fmt.Fprintf(w, "level=WARN msg=\"lines of this log were dropped\" lines=%d\n", n)
			}
		}
	}()
	return l
}

// Write takes a line. It does not wait, and its error is always nil.
func (l *Log) Write(line []byte) (int, error) {
	select {
	case l.lines <- append([]byte(nil), line...):
	default:
		l.dropped.Add(1)
	}
	return len(line), nil
}

// Close waits until the lines so far have been written, but no longer than a second: then
// the log is not read, and the goroutine is left in its write.
func (l *Log) Close() {
	limit := time.NewTimer(time.Second)
	defer limit.Stop()
	select {
	case l.lines <- nil:
	case <-limit.C:
		return
	}
	select {
	case <-l.written:
	case <-limit.C:
	}
}
