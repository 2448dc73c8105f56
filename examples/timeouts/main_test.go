package main_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	timeouts "github.com/trellis-go/trellis/examples/timeouts"
	"github.com/trellis-go/trellis/internal/proctest"
)

func TestMain(m *testing.M) {
	proctest.Program(timeouts.Main)
	goleak.VerifyTestMain(m)
}

// outcome is what one run of the program left behind.
type outcome struct {
	err   error
	story string
}

// run runs the program with servers in this network.
func (n *network) run(ctx context.Context, args ...string) outcome {
	var story bytes.Buffer
	err := timeouts.Run(ctx, args, &story, n.listen, n.transport())
	return outcome{err, story.String()}
}

// lasted returns how long a run of the program has taken, but for some
// milliseconds that net/http takes to shut its servers down.
func lasted(start time.Time) time.Duration { return time.Since(start).Truncate(100 * time.Millisecond) }

// lines returns the lines of the story that contain the word, without the
// spaces around them.
func (o outcome) lines(word string) []string {
	var found []string
	for line := range strings.Lines(o.story) {
		if strings.Contains(line, word) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}
