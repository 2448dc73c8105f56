package tasktree_test

import (
	"bytes"
	"runtime/trace"
	"strings"
	"testing"

	"github.com/trellis-go/trellis/errgroup"
	"github.com/trellis-go/trellis/tasktree"
)

func groupTask() error { return nil }

// The tasks of an error group have labels, and are in execution traces, under the name of
// their function.
func TestTasksOfGroupsInProfilesAndTraces(t *testing.T) {
	var out bytes.Buffer
	if err := trace.Start(&out); err != nil {
		t.Skipf("no trace can be taken: %v", err)
	}
	g, _ := errgroup.WithContext(t.Context())
	g.Go(groupTask)
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	trace.Stop()
	if want := "tasktree_test.groupTask"; !bytes.Contains(out.Bytes(), []byte(want)) {
		t.Errorf("the trace does not have %q", want)
	}

	defer tasktree.Config{Labels: true}.Record()()
	g, ctx := errgroup.WithContext(t.Context())
	ready, stop := make(chan struct{}), make(chan struct{})
	g.Go(func() error { close(ready); <-stop; return ctx.Err() })
	<-ready
	if profile := labelsOf(); !strings.Contains(profile, `"task":"tasktree_test.TestTasksOfGroupsInProfilesAndTraces.func1"`) {
		t.Errorf("the goroutine profile has no label with the function of the task:\n%s", profile)
	}
	close(stop)
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}
