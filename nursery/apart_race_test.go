//go:build race

package nursery_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/trellis-go/trellis/nursery"
)

// itemsApart says whether every item has a goroutine of its own.
const itemsApart = true

// racyEnv is set in the process in which items race.
const racyEnv = "TRELLIS_RACY_ITEMS"

// The race detector reports items that change the same variable, whichever runs first,
// and however short they are. That needs a process of its own, which is expected to fail.
func TestTheRaceDetectorSeesItems(t *testing.T) {
	if os.Getenv(racyEnv) != "" {
		raceItems()
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestTheRaceDetectorSeesItems$", "-test.cpu="+fmt.Sprint(runtime.GOMAXPROCS(0)))
	cmd.Env = append(os.Environ(), racyEnv+"=1", "GORACE=suppress_equal_stacks=0 suppress_equal_addresses=0")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("the process in which items race succeeds, want a failure")
	}
	text := string(out)
	for _, c := range racy {
		for _, limit := range racyLimits {
			name := fmt.Sprintf("%s, limit %d", c.name, limit)
			report := limit > 1 || c.unlimited
			if !strings.Contains(text, fmt.Sprintf("%s: %t\n", name, report)) {
				t.Errorf("two items of %s change a variable: want a report: %t", name, report)
			}
		}
	}
	if t.Failed() {
		t.Logf("what the process wrote:\n%s", text)
	}
}

// raceItems does x++ in two items of each kind, and prints whether that was reported.
func raceItems() {
	for _, c := range racy {
		for _, limit := range racyLimits {
			before := runtime.RaceErrors()
			x := 0
			c.run(context.Background(), limit, func() { x++ })
			fmt.Printf("%s, limit %d: %t\n", c.name, limit, runtime.RaceErrors() > before)
		}
	}
}

var racyLimits = []int{1, 2, 3, 100}

var racy = []struct {
	name string
	run  func(ctx context.Context, limit int, f func())

	unlimited bool // the limit is not used
}{
	{name: "ForEach over a slice", run: func(ctx context.Context, limit int, f func()) {
		_ = nursery.ForEach(ctx, limit, []int{0, 1}, func(context.Context, int) error { f(); return nil })
	}},
	{name: "ForN", run: func(ctx context.Context, limit int, f func()) {
		_ = nursery.ForN(ctx, limit, 2, func(context.Context, int) error { f(); return nil })
	}},
	{name: "ForN, last items", run: func(ctx context.Context, limit int, f func()) {
		_ = nursery.ForN(ctx, limit, 50, func(_ context.Context, i int) error {
			if i >= 48 {
				f()
			}
			return nil
		})
	}},
	{name: "ForEach over a channel", run: func(ctx context.Context, limit int, f func()) {
		c := filled(2)
		close(c)
		_ = nursery.ForEach(ctx, limit, c, func(context.Context, int) error { f(); return nil })
	}},
	{name: "ForEach over a receive function", run: func(ctx context.Context, limit int, f func()) {
		_ = nursery.ForEach(ctx, limit, receiving(2), func(context.Context, int) error { f(); return nil })
	}},
	{name: "ForEach over a sequence", run: func(ctx context.Context, limit int, f func()) {
		_ = nursery.ForEach(ctx, limit, upTo(2), func(context.Context, int) error { f(); return nil })
	}},
	{name: "Map over a slice", run: func(ctx context.Context, limit int, f func()) {
		_, _ = nursery.Map(ctx, limit, []int{0, 1}, func(context.Context, int) (int, error) { f(); return 0, nil })
	}},
	{name: "Map over a sequence", run: func(ctx context.Context, limit int, f func()) {
		_, _ = nursery.Map(ctx, limit, upTo(2), func(context.Context, int) (int, error) { f(); return 0, nil })
	}},
	{name: "MapSeq over a slice", run: func(ctx context.Context, limit int, f func()) {
		for range nursery.MapSeq(ctx, limit, []int{0, 1}, func(context.Context, int) (int, error) { f(); return 0, nil }) {
		}
	}},
	{name: "MapSeq over a sequence", run: func(ctx context.Context, limit int, f func()) {
		for range nursery.MapSeq(ctx, limit, upTo(2), func(context.Context, int) (int, error) { f(); return 0, nil }) {
		}
	}},
	{name: "MapUnordered over a slice", run: func(ctx context.Context, limit int, f func()) {
		for range nursery.MapUnordered(ctx, limit, []int{0, 1}, func(context.Context, int) (int, error) { f(); return 0, nil }) {
		}
	}},
	{name: "MapUnordered over a sequence", run: func(ctx context.Context, limit int, f func()) {
		for range nursery.MapUnordered(ctx, limit, upTo(2), func(context.Context, int) (int, error) { f(); return 0, nil }) {
		}
	}},
	{name: "All", unlimited: true, run: func(ctx context.Context, _ int, f func()) {
		fn := func(context.Context) (int, error) { f(); return 0, nil }
		_, _ = nursery.All(ctx, fn, fn)
	}},
	{name: "Race", unlimited: true, run: func(ctx context.Context, _ int, f func()) {
		fn := func(context.Context) (int, error) { f(); return 0, errBoom }
		_, _ = nursery.Race(ctx, nil, fn, fn)
	}},
}
