package ceiling_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/internal/ceiling"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A recorder is a test that records its failures and logs.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper()             {}
func (r *recorder) Logf(string, ...any) {}
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

var sink []byte

func TestCheck(t *testing.T) {
	ceiling.SkipUnderRace(t)
	two := func() {
		for range 2 {
			sink = make([]byte, 100)
		}
	}
	r := &recorder{TB: t}
	ceiling.Check(r, []ceiling.Call{
		ceiling.At(2, "Two", "at the ceiling", two),
		ceiling.At(1, "Two", "above it", two),
		ceiling.At(0, "None", "", func() {}),
		ceiling.At(0, "Two", "", two),
	})
	want := []string{
		"Two, above it: 2 allocations, want at most 1",
		"Two: 2 allocations, want at most 0",
	}
	if !slices.Equal(r.errors, want) {
		t.Errorf("Check reported %q, want %q", r.errors, want)
	}
}

func call(entry string) ceiling.Call { return ceiling.At(0, entry, "", nil) }

func TestCheckComplete(t *testing.T) {
	listing := filepath.Join(t.TempDir(), "api.txt")
	text := `pkg p, const All Kind = 1
pkg p, func Map[$0 any, $1 any](context.Context, iter.Seq[$0]) ([]$1, error)
pkg p, func Run(context.Context) error
pkg p, method (*Task[$0]) Wait(context.Context) ($0, error)
pkg p, method (Config) Run(context.Context) error
pkg p, method (Pair[$0, $1]) Left() $0
pkg p, type Config struct, Hook func(error)
pkg p, type Runner interface, Walk() error
`
	if err := os.WriteFile(listing, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	all := []ceiling.Call{call("Map"), call("Run"), call("Task.Wait"), call("Config.Run"), call("Pair.Left")}
	for _, c := range []struct {
		calls []ceiling.Call
		want  string // "" if there is nothing to report
	}{
		{all, ""},
		{append(all[:5:5], call("Run"), call("context.Cause")), ""},
		{all[1:], "Map has no ceiling"},
		{all[:4], "Pair.Left has no ceiling"},
		{append(all[:2:2], all[3:]...), "Task.Wait has no ceiling"},
		{append(all[:5:5], call("Gone")), "Gone has a ceiling, but"},
	} {
		r := &recorder{TB: t}
		ceiling.CheckComplete(r, listing, c.calls)
		got := strings.Join(r.errors, "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("CheckComplete of %d calls reported %q, want %q", len(c.calls), got, c.want)
		}
	}
}
