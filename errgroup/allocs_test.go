package errgroup_test

import (
	"errors"
	"testing"

	"github.com/trellis-go/trellis/errgroup"
	"github.com/trellis-go/trellis/internal/ceiling"
)

// What each entry point may allocate at most: as much as golang.org/x/sync/errgroup does.
func TestAllocations(t *testing.T) {
	ceiling.SkipUnderRace(t)
	succeed := func() error { return nil }
	errBoom := errors.New("boom")
	fail := func() error { return errBoom }
	g := new(errgroup.Group)
	limited := new(errgroup.Group)
	limited.SetLimit(2)
	full := new(errgroup.Group)
	full.SetLimit(0)
	failed := new(errgroup.Group)
	calls := []ceiling.Call{
		ceiling.At(4, "WithContext", "with Wait", func() {
			g, _ := errgroup.WithContext(t.Context())
			g.Wait()
		}),
		ceiling.At(1, "Group.Go", "", func() { g.Go(succeed); g.Wait() }),
		ceiling.At(1, "Group.Go", "under a limit", func() { limited.Go(succeed); limited.Wait() }),
		ceiling.At(1, "Group.Go", "of a task that fails", func() { failed.Go(fail); failed.Wait() }),
		ceiling.At(1, "Group.TryGo", "", func() { g.TryGo(succeed); g.Wait() }),
		ceiling.At(0, "Group.TryGo", "that starts nothing", func() { full.TryGo(succeed) }),
		ceiling.At(0, "Group.Wait", "", func() { g.Wait() }),
		ceiling.At(1, "Group.SetLimit", "", func() { g.SetLimit(2) }),
		ceiling.At(0, "Group.SetLimit", "none", func() { g.SetLimit(-1) }),
	}
	ceiling.Check(t, calls)
	ceiling.CheckComplete(t, "../testdata/api/errgroup.txt", calls)
}
