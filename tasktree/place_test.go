package tasktree_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/errgroup"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree"
)

// The place is where the program calls this module, through any number of its functions,
// and Call is what it calls there.
func TestPlaces(t *testing.T) {
	recorded(t, "of all entry points", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		look := func(ctx context.Context) error {
			<-ctx.Done()
			return nil
		}
		calls := map[string]func(){
			"nursery.Run":  func() { nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error { return look(ctx) }) },
			"nursery.ForN": func() { nursery.ForN(ctx, 1, 1, func(ctx context.Context, i int) error { return look(ctx) }) },
			"nursery.MapSeq": func() {
				for range nursery.MapSeq(ctx, 1, []int{1}, func(ctx context.Context, i int) (int, error) { return 0, look(ctx) }) {
				}
			},
			"nursery.Race":         func() { nursery.Race(ctx, nil, func(ctx context.Context) (int, error) { return 0, look(ctx) }) },
			"deadline.Call":        func() { deadline.Call(ctx, time.Hour, func(ctx context.Context) (int, error) { return 0, look(ctx) }) },
			"cancelscope.Run":      func() { new(cancelscope.Scope).Run(ctx, look) },
			"errgroup.WithContext": func() { g, _ := errgroup.WithContext(ctx); g.Go(func() error { return look(ctx) }); g.Wait() },
		}
		for _, call := range calls {
			go call()
		}
		synctest.Wait() // all look
		seen := make(map[string]bool)
		for depth, n := range tasktree.Take(tasktree.Options{}).All() {
			if depth == 0 {
				seen[n.Call] = true
			}
			if !strings.HasPrefix(n.Place, "tasktree/place_test.go:") {
				t.Errorf("%s %s: the place is %q", n.Kind, n.Call, n.Place)
			}
		}
		for call := range calls {
			if !seen[call] {
				t.Errorf("no root is called %s: %v", call, seen)
			}
		}
		cancel()
		synctest.Wait() // all have ended
	})
}

// What a go statement calls directly is at the line of the statement, not at that of what is
// around it: the goroutine runs no function of the program above it.
func TestPlacesOfGoStatements(t *testing.T) {
	recorded(t, "inside and outside of a scope", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		hold := func(ctx context.Context) error { return wait(ctx) }
		wants := make(map[string]string) // the place and the call, by the name
		var mu sync.Mutex                // guards wants
		here := func(name, call string) {
			mu.Lock()
			defer mu.Unlock()
			_, _, line, _ := runtime.Caller(1)
			wants[name] = fmt.Sprintf("tasktree/place_test.go:%d %s", line+1, call)
		}
		var around *nursery.Nursery
		opened := make(chan struct{})
		go nursery.Config{Name: "around"}.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			around = n
			close(opened)
			return hold(ctx)
		})
		<-opened
		body := func(ctx context.Context, n *nursery.Nursery) error { return hold(ctx) }
		scope := cancelscope.Scope{Name: "outer"}
		go scope.Run(ctx, func(ctx context.Context) error {
			here("nursery in outer", "nursery.Config.Run")
			go nursery.Config{Name: "nursery in outer"}.Run(ctx, body)
			here("scope in outer", "cancelscope.Run")
			go (&cancelscope.Scope{Name: "scope in outer"}).Run(ctx, hold)
			here("", "nursery.ForN")
			go nursery.ForN(ctx, 1, 1, func(ctx context.Context, i int) error { return hold(ctx) })
			return hold(ctx)
		})
		here("nursery of its own", "nursery.Config.Run")
		go nursery.Config{Name: "nursery of its own"}.Run(ctx, body)
		here("task", "nursery.GoNamed")
		go around.GoNamed("task", hold)
		synctest.Wait() // all hold
		tree := tasktree.Take(tasktree.Options{})
		seen := 0
		for _, n := range tree.All() {
			want, ok := wants[n.Name]
			if !ok {
				continue
			}
			seen++
			if got := n.Place + " " + n.Call; got != want {
				t.Errorf("%s %q is at %q, want %q", n.Kind, n.Name, got, want)
			}
		}
		if seen != len(wants) {
			t.Errorf("%d of %d nodes are in the tree:\n%s", seen, len(wants), tree)
		}
		cancel()
		synctest.Wait() // all have ended
	})
}
