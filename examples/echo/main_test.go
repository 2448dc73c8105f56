package main_test

import (
	"context"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	echo "github.com/trellis-go/trellis/examples/echo"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(binaryDir)
		os.Exit(code)
	}))
}

// binaryDir is where a test has built the program; "" while none has. Written before
// the tests that use it go on, read when all have ended.
var binaryDir string

// A logbook is a standard error that can be read while it is written.
type logbook struct {
	mu      sync.Mutex
	text    strings.Builder // guarded by mu
	changed chan struct{}   // guarded by mu; closed, and replaced, when something is written
}

func newLogbook() *logbook { return &logbook{changed: make(chan struct{})} }

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
	return l.text.Write(p)
}

func (l *logbook) read() (text string, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String(), l.changed
}

func (l *logbook) String() string {
	text, _ := l.read()
	return text
}

// wait returns the first line that matches pattern, with its groups, when there is
// one.
func (l *logbook) wait(t *testing.T, pattern string) (match []string) {
	t.Helper()
	re := regexp.MustCompile("(?m)" + pattern)
	l.waitUntil(t, pattern, func(text string) bool {
		match = re.FindStringSubmatch(text)
		return match != nil
	})
	return match
}

// waitTimes waits until text has been written n times.
func (l *logbook) waitTimes(t *testing.T, n int, text string) {
	t.Helper()
	l.waitUntil(t, text, func(log string) bool { return strings.Count(log, text) >= n })
}

func (l *logbook) waitUntil(t *testing.T, what string, there func(log string) bool) {
	t.Helper()
	for {
		log, changed := l.read()
		if there(log) {
			return
		}
		select {
		case <-changed:
		case <-time.After(patience):
			t.Fatalf("no %s in the log\n%s", what, log)
		}
	}
}

// patience is for what must happen, and only matters where it does not.
const patience = time.Minute

// lines returns the lines that match pattern, without the time they begin with.
func (l *logbook) lines(pattern string) []string {
	re := regexp.MustCompile(pattern)
	var lines []string
	for line := range strings.Lines(l.String()) {
		_, line, _ = strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if re.MatchString(line) {
			lines = append(lines, line)
		}
	}
	return lines
}

func (l *logbook) lastLine() string {
	lines := l.lines("")
	if len(lines) == 0 {
		return ""
	}
	return lines[len(lines)-1]
}

// A running program is one that runs in this process.
type running struct {
	log     *logbook
	signals chan os.Signal
	code    chan int // buffered
}

// start starts the program.
func start(ctx context.Context, w echo.World, args ...string) *running {
	r := &running{newLogbook(), make(chan os.Signal, 2), make(chan int, 1)}
	w.Stderr, w.Signals = r.log, r.signals
	go func() { r.code <- echo.RunIn(ctx, w, args...) }()
	return r
}

// expect waits for the end of the program, and checks the exit code and the last line
// of the log, without the time.
func (r *running) expect(t *testing.T, code int, lastLine string) {
	t.Helper()
	select {
	case got := <-r.code:
		if got != code || r.log.lastLine() != lastLine {
			t.Errorf("echo: exit code %d, last line\n\t%s\nwant %d and\n\t%s\nin\n%s", got, r.log.lastLine(), code, lastLine, r.log)
		}
	case <-time.After(patience):
		t.Fatalf("echo has not ended; its log:\n%s", r.log)
	}
}
