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

// With labels the text has the stacks, without them it does not mention them.
func TestOnSignal(t *testing.T) {
	for _, labels := range []bool{false, true} {
		record := tasktree.Config{Labels: labels}.Record()
		r, w := io.Pipe()
		stop := tasktree.OnSignal(w)
		nursery.Config{Name: "serve"}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			for range 2 {
				got := signaled(t, r)
				if !strings.HasPrefix(got, "tasktree: 1 node, ") || !strings.Contains(got, "\nnursery serve, ") ||
					strings.Contains(got, "tasktree_test.signaled (") != labels || strings.Contains(got, "labels") {
					t.Errorf("after the signal, with labels %v, it writes\n%s", labels, got)
				}
			}
			return nil
		})
		stop()
		stop() // does nothing
		r.Close()
		record()
	}
}

// signaled sends the signal to the process, and returns what is written then.
func signaled(t *testing.T, r io.Reader) string {
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGUSR1); err != nil {
		t.Fatalf("Kill: %v", err)
	}
	text := make([]byte, 1<<16)
	count, err := r.Read(text)
	if err != nil {
		t.Errorf("Read: %v", err)
	}
	return string(text[:count])
}
