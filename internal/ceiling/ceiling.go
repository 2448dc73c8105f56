package ceiling

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/trellis-go/trellis/internal/record"
)

// A Call is one way to call an entry point, and what that may allocate.
type Call struct {
	most  float64
	entry string
	note  string
	f     func()
}

// At returns a call of an entry point ("Run", "Scope.Run") that may allocate most
// times. The note says what is special about it, if anything.
func At(most float64, entry, note string, f func()) Call { return Call{most, entry, note, f} }

func (c Call) name() string {
	if c.note == "" {
		return c.entry
	}
	return c.entry + ", " + c.note
}

// SkipUnderRace skips the test if the race detector is on, or recording.
func SkipUnderRace(t testing.TB) {
	t.Helper()
	if record.On() {
		t.Skip("recording allocates: run this test without TRELLIS_RECORD")
	}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("the race detector makes allocations of its own: run this test without -race")
	}
}

// Check reports calls that allocate more than they may: the average over many of them
// counts, with all that other goroutines allocate meanwhile.
func Check(t testing.TB, calls []Call) {
	t.Helper()
	SkipUnderRace(t)
	for _, c := range calls {
		if got := testing.AllocsPerRun(100, c.f); got > c.most {
			t.Errorf("%s: %v allocations, want at most %v", c.name(), got, c.most)
		} else {
			t.Logf("%s: %v of %v", c.name(), got, c.most)
		}
	}
}

// CheckComplete reports the functions and methods that the API listing of a package
// has and calls has not, and the other way round. Entry points that begin with
// "context." are those of a context that the package makes.
func CheckComplete(t testing.TB, listing string, calls []Call) {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(listing))
	if err != nil {
		t.Fatal(err)
	}
	all := entries(string(text))
	if len(all) == 0 {
		t.Errorf("%s lists no function and no method", listing)
	}
	for _, entry := range all {
		if !slices.ContainsFunc(calls, func(c Call) bool { return c.entry == entry }) {
			t.Errorf("%s has no ceiling for its allocations: add a call of it", entry)
		}
	}
	for _, c := range calls {
		if !slices.Contains(all, c.entry) && !strings.HasPrefix(c.entry, "context.") {
			t.Errorf("%s has a ceiling, but is not in %s", c.entry, listing)
		}
	}
}

// entry matches the line of a function or a method. It finds the type of a method and
// the name.
var entry = regexp.MustCompile(`(?m)^pkg \w+, (?:func |method \(\*?(\w+)(?:\[[^)]*\])?\) )(\w+)`)

// entries returns the functions and methods that a listing has.
func entries(listing string) []string {
	var all []string
	for _, found := range entry.FindAllStringSubmatch(listing, -1) {
		all = append(all, strings.TrimPrefix(found[1]+"."+found[2], "."))
	}
	return all
}
