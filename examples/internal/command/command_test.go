package command_test

import (
	"errors"
	"flag"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/examples/internal/command"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAnswer(t *testing.T) {
	flags := command.Flags("tool")
	flags.Int("n", 1, "do it `N` times")
	help := func() string { return command.Help("Usage: tool\n", flags, "That is all.\n") }
	parsed := flags.Parse([]string{"-x"})
	for _, tt := range []struct {
		name           string
		err            error
		code           int
		ends           bool
		stdout, stderr string
	}{
		{"a good one", nil, 0, false, "", ""},
		{"help", flag.ErrHelp, 0, true, "Usage: tool\n  -n N\n    \tdo it N times (default 1)\nThat is all.\n", ""},
		{"of the program", errors.New("no DIR given"), 2, true, "", "tool: no DIR given\nRun tool -h for help.\n"},
		{"of the flags", parsed, 2, true, "", "tool: flag provided but not defined: -x\nRun tool -h for help.\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr strings.Builder
			code, ends := command.Answer(tt.err, "tool", help, &stdout, &stderr)
			if code != tt.code || ends != tt.ends || stdout.String() != tt.stdout || stderr.String() != tt.stderr {
				t.Errorf("Answer(%v) = %d, %t with %q and %q, want %d, %t with %q and %q",
					tt.err, code, ends, stdout.String(), stderr.String(), tt.code, tt.ends, tt.stdout, tt.stderr)
			}
		})
	}
}
