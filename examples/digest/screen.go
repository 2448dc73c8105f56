package main

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/examples/internal/command"
)

const (
	// refresh is how often the lines are handed on and the progress is drawn.
	refresh = 100 * time.Millisecond

	// chunk is how many bytes of lines are written at once: a pipe takes so
	// much whole or not at all, so that even a kill leaves no half line in it.
	chunk = 4096
)

// A screen prints the digests, and the progress line if standard error is a
// terminal. The two may be one and the same terminal: the progress line is
// taken away before anything else is printed.
type screen struct {
	hashed atomic.Int64 // bytes so far

	stdout, stderr io.Writer

	// mu is held while lines are written. So a reader that stops reading, such
	// as a pager, blocks the printing, and soon all of digest.
	mu    sync.Mutex
	bar   *progressbar.ProgressBar // nil if standard error is no terminal
	shown bool                     // the bar is on the terminal
	files int
	lines []byte // not yet written
	err   error  // the first error of stdout; nothing is written after it
}

func newScreen(stdout, stderr io.Writer) *screen {
	s := &screen{stdout: stdout, stderr: stderr}
	if command.Terminal(stderr) != nil {
		s.bar = progressbar.NewOptions64(-1, // how much there is to hash is not known
			progressbar.OptionSetWriter(stderr),
			progressbar.OptionSetDescription(plural(0, "file")),
			progressbar.OptionShowBytes(true),
			progressbar.OptionShowCount(),
			progressbar.OptionUseANSICodes(true),
			// Zero: refresh draws it. Otherwise the bar would start a
			// goroutine that cannot be waited for.
			progressbar.OptionSetSpinnerChangeInterval(0),
		)
		s.bar.StartWithoutRender() // the rate counts from here
	}
	return s
}

// keepFresh refreshes the screen until ctx is done, which is how it is meant to
// end, or until standard output fails, which is an error.
func (s *screen) keepFresh(ctx context.Context) error {
	for deadline.Sleep(ctx, refresh) == nil {
		if err := s.refresh(); err != nil {
			return err
		}
	}
	return nil
}

// add takes a line to be printed. An error of standard output is for refresh
// and close to return.
func (s *screen) add(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lines)+len(line) > chunk {
		s.writeLocked()
	}
	s.files++
	s.lines = append(s.lines, line...)
}

// refresh prints the lines so far and draws the progress below them. It returns
// the first error of standard output.
func (s *screen) refresh() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writeLocked()
	if s.bar != nil {
		s.bar.Set64(s.hashed.Load())
		s.bar.Describe(plural(int64(s.files), "file"))
		s.shown = true
	}
	return s.err
}

// close prints the last lines and takes the progress away. It returns the
// first error of standard output.
func (s *screen) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writeLocked()
	s.clearLocked()
	return s.err
}

func (s *screen) writeLocked() {
	if len(s.lines) > 0 && s.err == nil {
		s.clearLocked()
		_, s.err = s.stdout.Write(s.lines)
	}
	s.lines = s.lines[:0]
}

func (s *screen) clearLocked() {
	if s.shown {
		s.bar.Clear()
		s.shown = false
	}
}
