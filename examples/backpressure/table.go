package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/examples/internal/command"
)

// A table shows rows, in a line for each: on a terminal they are redrawn in
// place, below a log that scrolls away, and elsewhere just written once more.
type table struct {
	w     io.Writer
	rows  func() []row
	start time.Time
	every time.Duration
	size  func() (width, height int) // nil if w is no terminal

	mu    sync.Mutex // guards what follows, and the terminal
	drawn int        // how many lines are to be replaced
}

func newTable(w io.Writer, rows func() []row) *table {
	t := &table{w: w, rows: rows, start: time.Now(), every: time.Second}
	if f := command.Terminal(w); f != nil {
		t.every /= 4
		t.size = func() (width, height int) {
			width, height, _ = term.GetSize(int(f.Fd()))
			return cmp.Or(width, 80), cmp.Or(height, 24) // a serial line knows neither
		}
	}
	return t
}

// show shows the rows again and again, until ctx is done, which is how it is
// meant to end, or the output fails.
func (t *table) show(ctx context.Context) error {
	for deadline.Sleep(ctx, t.every) == nil {
		if _, err := t.Write(nil); err != nil {
			return err
		}
	}
	return nil
}

// Write writes to the log, and the rows below that as they are now.
func (t *table) Write(log []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b bytes.Buffer
	rows, width := t.rows(), math.MaxInt
	if t.size != nil {
		if t.drawn > 0 {
			fmt.Fprintf(&b, "\x1b[%dA\r\x1b[J", t.drawn) // up, and clear from there
		}
		// The way up is only right if each row is one line, and none scrolls away.
		w, height := t.size()
		rows, width = rows[:min(len(rows), height-1)], w-1
		t.drawn = len(rows)
	}
	b.Write(log)
	for _, r := range rows {
		line := r.line(time.Since(t.start))
		fmt.Fprintln(&b, line[:min(len(line), width)]) // all of it is ASCII
	}
	_, err := t.w.Write(b.Bytes())
	return len(log), err
}

// line returns r as a line. What matters least comes last, where a narrow
// terminal cuts it off.
func (r row) line(at time.Duration) string {
	buffered := "?"
	if r.buffered >= 0 {
		buffered = fmt.Sprint(r.buffered)
	}
	return fmt.Sprintf("%5.1fs  %-15s  sent %7d  buffered %4s  blocked for %4.1fs",
		at.Seconds(), r.name, r.sent, buffered, r.blocked.Seconds())
}
