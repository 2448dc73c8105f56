//go:build unix

package main_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/trellis-go/trellis/examples/internal/proctest"
)

func TestSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			p := proctest.Start(t, "shared", "-first", "0s", "-second", "1h", "-limit", "2h")
			// The signal arrives in the middle of the second request.
			p.Out.Await(t, "second request: ")
			p.Signal(t, sig)
			p.Expect(t, "exit status 130")
			if got, want := p.Err.String(), fmt.Sprintf("timeouts: interrupted (%v signal received)\n", sig); got != want {
				t.Errorf("timeouts after %v: standard error %q, want %q", sig, got, want)
			}
			_, rest, _ := strings.Cut(p.Out.String(), "second request: ")
			if n := strings.Count(rest, "\n"); n != 2 || !strings.Contains(rest, "second request ends: ") {
				t.Errorf("timeouts after %v: standard output continues with\n%swant one line more, about the second request", sig, rest)
			}
		})
	}
}

// A story that cannot be written ends early, and is a failure unless its reader has
// gone, as in: timeouts | head.
func TestLostOutput(t *testing.T) {
	proctest.LoseOutput(t, "timeouts", "shared", "-second", "1h", "-limit", "2h")
	proctest.LoseOutput(t, "timeouts", "-h")
}
