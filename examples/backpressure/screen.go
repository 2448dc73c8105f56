package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// maxPending bounds the log that waits for the next drawing, in bytes.
const maxPending = 64 << 10

// A screen is a terminal with a few lines that are redrawn in place, and a log
// that scrolls away above them.
//
// A terminal may be stopped, by Ctrl-S or because something is selected in it.
// So only draw and clear write to it; Write, for the log, does not block.
type screen struct {
	w    io.Writer
	size func() (width, height int)

	// Only for the one task that draws.
	drawn []int // the lengths of the lines that are on the terminal

	mu      sync.Mutex // guards what follows
	pending []byte     // log lines that are not yet written
	dropped int        // log lines for which there was no room
}

// newScreen returns a screen on w, or nil if w is no terminal that can be drawn
// on.
func newScreen(w io.Writer) *screen {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return &screen{w: w, size: func() (width, height int) {
		width, height, err := term.GetSize(int(f.Fd()))
		if err != nil || width <= 0 || height <= 0 {
			return 80, 24 // a terminal that does not know its size, such as a serial line
		}
		return width, height
	}}
}

// Write adds a line to the log.
func (s *screen) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending)+len(line) > maxPending {
		s.dropped++
	} else {
		s.pending = append(s.pending, line...)
	}
	return len(line), nil
}

// draw replaces the lines on the terminal, and puts the log so far above them.
// They must be narrower than the terminal, and fewer than its lines.
func (s *screen) draw(lines []string) error {
	var b bytes.Buffer
	s.erase(&b)
	s.flush(&b)
	for _, line := range lines {
		b.WriteString(line + "\n")
		s.drawn = append(s.drawn, len(line))
	}
	_, err := s.w.Write(b.Bytes())
	return err
}

// clear takes the lines off the terminal.
func (s *screen) clear() error { return s.draw(nil) }

// erase goes back to the first of the lines drawn, and clears from there. A
// terminal that has become narrower since then has broken them into several.
func (s *screen) erase(b *bytes.Buffer) {
	width, _ := s.size()
	up := 0
	for _, n := range s.drawn {
		up += max(1, (n+width-1)/width)
	}
	if up > 0 {
		fmt.Fprintf(b, "\x1b[%dA\r\x1b[J", up)
	}
	s.drawn = s.drawn[:0]
}

func (s *screen) flush(b *bytes.Buffer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.Write(s.pending)
	if s.dropped > 0 {
		fmt.Fprintf(b, "(%d log lines left out)\n", s.dropped)
	}
	s.pending, s.dropped = s.pending[:0], 0
}
