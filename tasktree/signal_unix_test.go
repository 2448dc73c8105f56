//go:build unix

package tasktree_test

import (
	"context"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree"
)

func TestOnSignal(t *testing.T) {
	defer tasktree.Record()()
	r, w := io.Pipe()
	stop := tasktree.OnSignal(w)
	nursery.Config{Name: "serve"}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		for range 2 {
			if err := syscall.Kill(syscall.Getpid(), syscall.SIGUSR1); err != nil {
				t.Fatalf("Kill: %v", err)
			}
			text := make([]byte, 1<<16)
			count, err := r.Read(text)
			if got := string(text[:count]); err != nil || !strings.HasPrefix(got, "tasktree: 1 node, ") || !strings.Contains(got, "\nnursery serve, ") {
				t.Errorf("after the signal it writes %q, %v", got, err)
			}
		}
		return nil
	})
	stop()
	stop() // does nothing
	r.Close()
}
