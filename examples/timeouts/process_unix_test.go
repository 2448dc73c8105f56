//go:build unix

package main_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/trellis-go/trellis/internal/proctest"
)

func TestSignals(t *testing.T) {
	for sig, code := range map[syscall.Signal]string{syscall.SIGINT: "exit status 130", syscall.SIGTERM: "exit status 143"} {
		p := proctest.Start(t, "-first", "0s", "-second", "1h", "-limit", "2h", "shared")
		// The signal arrives in the middle of the second request.
		p.Out.Await(t, "second request: ")
		p.Signal(t, sig)
		p.Expect(t, code)
	}
}

// A story that cannot be written ends early, and is a failure unless its reader has gone,
// as in: timeouts | head.
func TestLostOutput(t *testing.T) {
	proctest.LoseOutput(t, "timeouts", "signal: broken pipe", "-second", "1h", "-limit", "2h", "shared")
}

func TestCommandLine(t *testing.T) {
	for args, want := range map[string]string{
		"sums":          `timeouts: there is no scene "sums"`,
		"sum shared":    `timeouts: shared after "sum": there is one scene, and flags come before it`,
		"sum -limit 1s": `timeouts: -limit after "sum": there is one scene, and flags come before it`,
		"-limit 0s":     `timeouts: -limit must be positive`,
		"-first -1s":    `timeouts: -limit must be positive, -first and -second must not be negative`,
		"-limit soon":   `invalid value "soon" for flag -limit`,
		"-work 1s":      `flag provided but not defined: -work`,
	} {
		p := proctest.Start(t, strings.Fields(args)...)
		p.Expect(t, "exit status 2")
		if got := p.Err.String(); !strings.HasPrefix(got, want) {
			t.Errorf("timeouts %s: it says %q, want %q", args, got, want)
		}
	}
	p := proctest.Start(t, "-h")
	p.Expect(t, "exit status 0")
	if got := p.Err.String(); !strings.HasPrefix(got, "Usage: timeouts [flags] [SCENE]") || !strings.Contains(got, "\n  hangup ") {
		t.Errorf("timeouts -h: it says %q, want the usage and the scenes", got)
	}
}
