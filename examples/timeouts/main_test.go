package main_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/examples/internal/proctest"
	timeouts "github.com/trellis-go/trellis/examples/timeouts"
)

func TestMain(m *testing.M) {
	proctest.Program(timeouts.Main)
	goleak.VerifyTestMain(m)
}

// outcome is what one run of the program left behind.
type outcome struct {
	code           int
	stdout, stderr string
}

// run runs the program in this process, with real servers.
func run(ctx context.Context, args ...string) outcome {
	var stdout, stderr bytes.Buffer
	code := timeouts.Run(ctx, args, &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

// run runs the program with servers in this network.
func (n *network) run(ctx context.Context, args ...string) outcome {
	var stdout, stderr bytes.Buffer
	code := timeouts.RunWith(ctx, args, &stdout, &stderr, n.listen, n.transport())
	return outcome{code, stdout.String(), stderr.String()}
}

// lasted returns how long a run of the program has taken, but for some
// milliseconds that net/http takes to shut its servers down.
func lasted(start time.Time) time.Duration { return time.Since(start).Truncate(100 * time.Millisecond) }

// expect checks everything that one run left behind.
func (o outcome) expect(t *testing.T, call string, code int, stdout, stderr string) {
	t.Helper()
	if o.code != code {
		t.Errorf("%s: exit code %d, want %d", call, o.code, code)
	}
	if o.stdout != stdout {
		t.Errorf("%s: standard output\n%s\nwant\n%s", call, o.stdout, stdout)
	}
	if o.stderr != stderr {
		t.Errorf("%s: standard error\n%s\nwant\n%s", call, o.stderr, stderr)
	}
}

// lines returns the lines of the story that contain the word, without the
// spaces around them.
func (o outcome) lines(word string) []string {
	var found []string
	for line := range strings.Lines(o.stdout) {
		if strings.Contains(line, word) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}
