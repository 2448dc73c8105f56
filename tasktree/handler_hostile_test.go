package tasktree_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree"
)

// hostileError panics, leaves its goroutine, or does not return when it is asked.
type hostileError func() string

func (e hostileError) Error() string { return e() }

// Reasons whose texts cannot be had, and names with everything in them, leave a tree that can
// be read.
func TestHandlerHostile(t *testing.T) {
	inNursery(t, "hostile", 0, func(ctx context.Context, n *nursery.Nursery) {
		release := make(chan struct{})
		defer close(release)
		for i, reason := range []error{
			hostileError(func() string { panic("no text") }),
			hostileError(func() string { runtime.Goexit(); return "" }),
			hostileError(func() string { <-release; return "" }),
			errors.New(strings.Repeat("<script>", 1<<17) + "\x1b[31m\u202e"),
		} {
			begun := make(chan struct{})
			task := n.Task(fmt.Sprintf("<i>%d\x00\n%s", i, strings.Repeat("x", 1<<20)), func(ctx context.Context) error {
				close(begun)
				<-ctx.Done()
				<-release
				return ctx.Err()
			})
			<-begun
			task.Cancel(reason)
		}
		n.GoNamed("healthy", func(ctx context.Context) error { <-release; return nil })
		h := tasktree.Handler(tasktree.HandlerOptions{})
		tree := treeOf(t, get(h, "?format=json"))
		if named(tree, "healthy") == nil || len(tree.Roots) != 1 || len(tree.Roots[0].Children) != 5 {
			t.Errorf("the tree with hostile reasons is\n%.2000s\nwant five tasks", tree)
		}
		for _, line := range strings.Split(get(h, "?format=text").Body.String(), "\n") {
			if len([]rune(line)) > 80 || strings.ContainsAny(line, "\x00\x1b\u202e") {
				t.Errorf("a line of the text is %q, want at most 80 columns, without control characters", line)
			}
		}
		w := get(h, "?format=json")
		if strings.Contains(w.Body.String(), "<script>") {
			t.Errorf("the JSON has markup as it is, want it escaped")
		}
	})
}

// A panic of a function of the options is one of the request, and later requests are
// answered.
func TestHandlerOptionsPanic(t *testing.T) {
	inNursery(t, "panic", 1, func(context.Context, *nursery.Nursery) {
		broken := true
		h := tasktree.Handler(tasktree.HandlerOptions{Redact: func(text string) string {
			if broken {
				panic("redact")
			}
			return text
		}})
		func() {
			defer func() {
				if v := recover(); v != "redact" {
					t.Errorf("recovered %v, want the panic of Redact", v)
				}
			}()
			get(h, "?format=json")
		}()
		broken = false
		if w := get(h, "?format=json"); w.Code != http.StatusOK {
			t.Errorf("after a panic: status %d, want 200", w.Code)
		}
	})
}
