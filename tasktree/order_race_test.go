//go:build race

package tasktree_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree"
)

// unorderedEnv is set in the process in which tasks race.
const unorderedEnv = "TRELLIS_RACY_TASKS"

const unorderedRounds = 20

// Being recorded does not order tasks: the race detector reports two that change a variable,
// also if one opens scopes after that, and the other before. (Without hideOrder in package
// record half of the rounds are not reported.) That needs a process of its own, which is
// expected to fail.
func TestRecordingHidesNoRaces(t *testing.T) {
	if os.Getenv(unorderedEnv) != "" {
		raceTasks()
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestRecordingHidesNoRaces$")
	cmd.Env = append(os.Environ(), unorderedEnv+"=1", "GORACE=suppress_equal_stacks=0 suppress_equal_addresses=0")
	out, err := cmd.CombinedOutput()
	if want := fmt.Sprintf("reported %d of %d\n", unorderedRounds, unorderedRounds); err == nil || !strings.Contains(string(out), want) {
		t.Errorf("the process in which tasks race ended with %v, want a failure and %q; its last words:\n%s", err, want, out[max(0, len(out)-500):])
	}
}

// raceTasks does x++ in two tasks, and prints how often that was reported.
func raceTasks() {
	defer tasktree.Record()()
	reported := 0
	for range unorderedRounds {
		before := runtime.RaceErrors()
		x := 0
		scopes := func(ctx context.Context) {
			for range 20 { // more, and the detector forgets what was long ago
				new(cancelscope.Scope).Run(ctx, func(context.Context) error { return nil })
			}
		}
		nursery.Run(context.Background(), func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				x++
				scopes(ctx)
				return nil
			})
			n.Go(func(ctx context.Context) error {
				scopes(ctx) // the other task is often further by now
				scopes(ctx)
				x++
				return nil
			})
			return nil
		})
		if runtime.RaceErrors() > before {
			reported++
		}
	}
	fmt.Printf("reported %d of %d\n", reported, unorderedRounds)
}
