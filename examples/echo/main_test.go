package main_test

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	echo "github.com/trellis-go/trellis/examples/echo"
	"github.com/trellis-go/trellis/examples/internal/proctest"
)

func TestMain(m *testing.M) {
	proctest.Program(echo.Main)
	goleak.VerifyTestMain(m)
}

// patience is for what must happen, and only matters where it does not.
const patience = proctest.Patience

// A logbook is a standard error that can be read while it is written.
type logbook struct{ *proctest.Text }

func newLogbook() *logbook { return &logbook{proctest.NewText()} }

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
