package command_test

import (
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/examples/internal/command"
)

// A gated writer writes only while it is open, and fails with err unless that is nil.
type gated struct {
	gate sync.Mutex // held while nothing is read
	mu   sync.Mutex // guards what follows
	text strings.Builder
	err  error
}

func (g *gated) Write(p []byte) (int, error) {
	g.gate.Lock()
	defer g.gate.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return 0, g.err
	}
	return g.text.Write(p)
}

// fail sets what writes fail with from now on.
func (g *gated) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.err = err
}

var noteLine = regexp.MustCompile(`^time=\S+ level=WARN msg="lines of this log were dropped" lines=(\d+)$`)

func TestLogKeepsOrder(t *testing.T) {
	w := new(gated)
	log := command.NewLog(w)
	var want strings.Builder
	for i := range 1000 {
		fmt.Fprintln(log, i)
		fmt.Fprintln(&want, i)
	}
	log.Close()
	if got := w.text.String(); got != want.String() {
		t.Errorf("the log is\n%swant\n%s", got, want.String())
	}
	fmt.Fprintln(log, "late")
	log.Close()
	if got := w.text.String(); got != want.String() {
		t.Errorf("after Close the log has grown: %q", strings.TrimPrefix(got, want.String()))
	}
}

// While the log is not read, Write does not wait; what is dropped is counted, in its
// place.
func TestLogNotRead(t *testing.T) {
	w := new(gated)
	w.gate.Lock()
	log := command.NewLog(w)
	const n = 50_000
	line := func(i int) string { return fmt.Sprintf("%06d %s\n", i, strings.Repeat("x", 92)) }
	for i := range n { // 5 MB
		io.WriteString(log, line(i))
	}
	w.gate.Unlock()
	for read := 0; read == 0; { // until the note is written, lines are still dropped
		w.mu.Lock()
		read = strings.Count(w.text.String(), "dropped")
		w.mu.Unlock()
		runtime.Gosched()
	}
	slog.New(slog.NewTextHandler(log, nil)).Info("again")
	log.Close()

	lines := strings.Split(strings.TrimSpace(w.text.String()), "\n")
	last, gap := lines[len(lines)-1], lines[len(lines)-2]
	for i, got := range lines[:len(lines)-2] {
		if got+"\n" != line(i) {
			t.Fatalf("line %d is %q, want the first lines without a gap", i, got)
		}
	}
	match := noteLine.FindStringSubmatch(gap)
	if kept := len(lines) - 2; match == nil || match[1] != fmt.Sprint(n-kept) || kept*100 < 1_000_000 || kept*100 > 2_100_000 {
		t.Errorf("%d of %d lines were kept, and then %q; want one or two megabytes, and the number of the others", kept, n, gap)
	}
	if !strings.Contains(last, "msg=again") {
		t.Errorf("the last line is %q, want the one after the gap", last)
	}
}

// A full disk loses lines, but not the log.
func TestLogCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := new(gated)
		log := command.NewLog(w)
		write := func(line string) {
			io.WriteString(log, line)
			synctest.Wait() // the line has been written, or lost
		}
		write("first\n")
		w.fail(syscall.ENOSPC)
		write("lost\n")
		write("lost\nand lost\n")
		w.fail(nil)
		write("dropped: it is noted that lines are missing\n")
		write("last\n")
		log.Close()
		lines := strings.Split(strings.TrimSpace(w.text.String()), "\n")
		if len(lines) != 3 || lines[0] != "first" || lines[2] != "last" {
			t.Fatalf("the log is %q, want the first line, a note, and the last", lines)
		}
		if match := noteLine.FindStringSubmatch(lines[1]); match == nil || match[1] != "4" {
			t.Errorf("the note is %q, want one about 4 lines", lines[1])
		}
	})
}

// The end of a program does not wait for ever for its log to be read.
func TestLogCloseLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		log := command.NewLog(w)
		io.WriteString(log, "unread\n")
		start := time.Now()
		log.Close()
		if took := time.Since(start); took != time.Second {
			t.Errorf("Close of a log that is not read took %v, want 1s", took)
		}
		r.Close()
	})
}
