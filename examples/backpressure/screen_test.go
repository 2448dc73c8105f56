package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	backpressure "github.com/trellis-go/trellis/examples/backpressure"
)

func TestScreen(t *testing.T) {
	var b bytes.Buffer
	width := 80
	s := backpressure.NewScreen(&b, func() (int, int) { return width, 24 })
	step := func(call string, do func() error, want string) {
		t.Helper()
		b.Reset()
		if err := do(); err != nil || b.String() != want {
			t.Errorf("%s wrote %q, %v; want %q", call, b.String(), err, want)
		}
	}
	step("first draw", func() error { return s.Draw("one", "two") }, "one\ntwo\n")
	step("second draw", func() error { return s.Draw("three") }, "\x1b[2A\r\x1b[Jthree\n")
	step("log", func() error { _, err := io.WriteString(s, "log\n"); return err }, "")
	step("draw after a log", func() error { return s.Draw("four", "") }, "\x1b[1A\r\x1b[Jlog\nfour\n\n")
	step("draw below an empty line", func() error { return s.Draw(strings.Repeat("x", 79)) }, "\x1b[2A\r\x1b[J"+strings.Repeat("x", 79)+"\n")
	width = 40 // the terminal makes two lines of that one
	step("draw after a resize", func() error { return s.Draw("five") }, "\x1b[2A\r\x1b[Jfive\n")
	step("clear", s.Clear, "\x1b[1A\r\x1b[J")
	step("second clear", s.Clear, "")
}

// A terminal that does not go on takes up only so much of the log.
func TestScreenDropsLog(t *testing.T) {
	var b bytes.Buffer
	s := backpressure.NewScreen(&b, func() (int, int) { return 80, 24 })
	line := strings.Repeat("x", 99) + "\n"
	const lines = 1000
	for range lines {
		if n, err := io.WriteString(s, line); n != len(line) || err != nil {
			t.Fatalf("Write: %d, %v", n, err)
		}
	}
	s.Clear()
	kept := strings.Count(b.String(), line)
	want := fmt.Sprintf("(%d log lines left out)\n", lines-kept)
	if kept == 0 || kept == lines || !strings.HasSuffix(b.String(), want) {
		t.Errorf("%d of %d lines kept, and at the end %q; want fewer, and %q", kept, lines, b.String()[b.Len()-40:], want)
	}
}

func TestScreenFails(t *testing.T) {
	broken := errors.New("broken")
	r, w := io.Pipe()
	r.CloseWithError(broken)
	s := backpressure.NewScreen(w, func() (int, int) { return 80, 24 })
	if err := s.Draw("x"); !errors.Is(err, broken) {
		t.Errorf("Draw on a broken terminal: %v, want %v", err, broken)
	}
}
