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
			want := fmt.Sprintf("%s: %t\n", name, limit > 1)
			if !strings.Contains(text, want) {
				t.Errorf("two items of %s change a variable: want a report: %t", name, limit > 1)
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
}{
	{"ForEach over a slice", func(ctx context.Context, limit int, f func()) {
		_ = nursery.ForEach(ctx, limit, []int{0, 1}, func(context.Context, int) error { f(); return nil })
	}},
	{"ForN", func(ctx context.Context, limit int, f func()) {
		_ = nursery.ForN(ctx, limit, 2, func(context.Context, int) error { f(); return nil })
	}},
	{"ForN, last items", func(ctx context.Context, limit int, f func()) {
		_ = nursery.ForN(ctx, limit, 50, func(_ context.Context, i int) error {
			if i >= 48 {
				f()
			}
			return nil
		})
	}},
	{"ForEach over a channel", func(ctx context.Context, limit int, f func()) {
		c := filled(2)
		close(c)
		_ = nursery.ForEach(ctx, limit, c, func(context.Context, int) error { f(); return nil })
	}},
	{"ForEach over a receive function", func(ctx context.Context, limit int, f func()) {
		_ = nursery.ForEach(ctx, limit, receiving(2), func(context.Context, int) error { f(); return nil })
	}},
	{"ForEach over a sequence", func(ctx context.Context, limit int, f func()) {
		_ = nursery.ForEach(ctx, limit, upTo(2), func(context.Context, int) error { f(); return nil })
	}},
	{"Map over a slice", func(ctx context.Context, limit int, f func()) {
		_, _ = nursery.Map(ctx, limit, []int{0, 1}, func(context.Context, int) (int, error) { f(); return 0, nil })
	}},
	{"Map over a sequence", func(ctx context.Context, limit int, f func()) {
		_, _ = nursery.Map(ctx, limit, upTo(2), func(context.Context, int) (int, error) { f(); return 0, nil })
	}},
	{"MapSeq over a slice", func(ctx context.Context, limit int, f func()) {
		for range nursery.MapSeq(ctx, limit, []int{0, 1}, func(context.Context, int) (int, error) { f(); return 0, nil }) {
		}
	}},
	{"MapSeq over a sequence", func(ctx context.Context, limit int, f func()) {
		for range nursery.MapSeq(ctx, limit, upTo(2), func(context.Context, int) (int, error) { f(); return 0, nil }) {
		}
	}},
	{"MapUnordered over a slice", func(ctx context.Context, limit int, f func()) {
		for range nursery.MapUnordered(ctx, limit, []int{0, 1}, func(context.Context, int) (int, error) { f(); return 0, nil }) {
		}
	}},
	{"MapUnordered over a sequence", func(ctx context.Context, limit int, f func()) {
		for range nursery.MapUnordered(ctx, limit, upTo(2), func(context.Context, int) (int, error) { f(); return 0, nil }) {
		}
	}},
}
