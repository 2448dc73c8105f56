package tasktree_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/errgroup"
	"github.com/trellis-go/trellis/internal/stress"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree"
)

// A world is what a random program says about itself, to be compared with trees.
type world struct {
	mu     sync.Mutex
	last   int               // guarded by mu; the number of the last name
	parent map[string]string // guarded by mu; of all nodes that there have been, what each is inside
	runs   map[string]bool   // guarded by mu; those in which code of the program runs now
	over   map[string]int    // guarded by mu; those that have certainly ended, each with how many had before
}

func newWorld() *world {
	return &world{parent: make(map[string]string), runs: make(map[string]bool), over: make(map[string]int)}
}

// name makes up a name for a node that is about to begin inside another one.
func (w *world) name(kind, parent string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last++
	name := fmt.Sprintf("%s-%d", kind, w.last)
	w.parent[name] = parent
	return name
}

// enter is called first thing in a node, and what it returns last thing.
func (w *world) enter(name string) (leave func()) {
	w.mu.Lock()
	w.runs[name] = true
	w.mu.Unlock()
	return func() {
		w.mu.Lock()
		delete(w.runs, name)
		w.mu.Unlock()
	}
}

// ended is called when the named nodes have ended.
func (w *world) ended(names ...string) {
	w.mu.Lock()
	for _, name := range names {
		w.over[name] = len(w.over)
	}
	w.mu.Unlock()
}

// running returns what runs now.
func (w *world) running() map[string]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.runs)
}

// gone returns how many have ended.
func (w *world) gone() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.over)
}

// A grower grows a random tree of nurseries, scopes and tasks.
type grower struct {
	w    *world
	seed *atomic.Uint64
	stop *atomic.Bool
	r    *stress.Round
}

// branch opens something in ctx, which is inside the node with that name, or works a bit.
func (g grower) branch(ctx context.Context, parent string, depth int) {
	rng := g.r.Rand(g.seed.Add(1))
	for range rng.IntN(2) + 1 {
		switch kind := rng.IntN(6); {
		case depth <= 0 || kind == 0 || g.stop.Load():
			runtime.Gosched()
		case kind <= 3:
			g.nursery(ctx, parent, depth, rng)
		case kind == 4:
			g.scope(ctx, parent, depth)
		default:
			g.group(ctx, parent, depth)
		}
	}
}

func (g grower) scope(ctx context.Context, parent string, depth int) {
	s := cancelscope.Scope{Name: g.w.name("scope", parent)}
	s.Run(ctx, func(ctx context.Context) error {
		defer g.w.enter(s.Name)()
		g.branch(ctx, s.Name, depth-1)
		return nil
	})
	g.w.ended(s.Name)
}

func (g grower) nursery(ctx context.Context, parent string, depth int, rng *rand.Rand) {
	name := g.w.name("nursery", parent)
	var all []string
	nursery.Config{Name: name}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		defer g.w.enter(name)()
		for range rng.IntN(4) {
			task := g.w.name("task", name)
			all = append(all, task)
			f := func(ctx context.Context) error {
				defer g.w.enter(task)()
				g.branch(ctx, task, depth-1)
				return nil
			}
			switch rng.IntN(5) {
			case 0:
				nursery.Spawn(n, task, func(ctx context.Context) (int, error) { return 0, f(ctx) })
			case 1:
				n.Background(task, f)
			case 2:
				nursery.Start(ctx, n, task, func(ctx context.Context, started func(int)) error {
					started(1)
					return f(ctx)
				})
			default:
				n.GoNamed(task, f)
			}
		}
		if rng.IntN(4) == 0 {
			n.Scope().Cancel(nil)
		}
		g.branch(ctx, name, depth-1)
		return nil
	})
	g.w.ended(all...)
	g.w.ended(name)
}

// group has tasks without names, so only what is inside them is compared.
func (g grower) group(ctx context.Context, parent string, depth int) {
	eg, ctx := errgroup.WithContext(ctx)
	for range 2 {
		eg.Go(func() error {
			g.scope(ctx, parent, depth-1)
			return nil
		})
	}
	eg.Wait()
}

// look takes a tree and compares it with the world. all says that recording has been on from
// the beginning.
func look(r *stress.Round, w *world, all bool) {
	before, gone := w.running(), w.gone()
	tree := tasktree.Take(tasktree.Options{Max: -1, Unfolded: true})
	after := w.running()
	parents := make(map[string]string)
	named := []string{""}
	for depth, n := range tree.All() {
		named = append(named[:depth+1], n.Name)
		if n.Name == "" { // a group or its task: what is inside is that much further out
			named[depth+1] = named[depth]
			continue
		}
		if _, ok := parents[n.Name]; ok {
			r.Errorf("%s is in the tree twice", n.Name)
		}
		if c := n.Canceled; c != nil && c.Kind == "exit" {
			r.Errorf("%s is canceled %s, which no program of these is", n.Name, c.Text)
		}
		parents[n.Name] = named[depth]
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, parent := range parents {
		if number, ended := w.over[name]; ended && number < gone {
			r.Errorf("%s is in the tree, and had ended before", name)
		}
		if want, known := w.parent[name]; known && all && parent != want && after[name] {
			r.Errorf("%s is in %q, want %q", name, parent, want)
		}
	}
	for name := range before {
		if _, ok := parents[name]; all && after[name] && !ok {
			r.Errorf("%s ran before and after the tree was taken, and is not in it", name)
		}
	}
}

// grow grows trees until fn has returned.
func grow(r *stress.Round, w *world, fn func()) {
	var stop atomic.Bool
	var wg sync.WaitGroup
	seeds := new(atomic.Uint64)
	for range 3 {
		wg.Go(func() {
			for !stop.Load() {
				grower{w, seeds, &stop, r}.branch(context.Background(), "", 3)
			}
		})
	}
	fn()
	stop.Store(true)
	wg.Wait()
}

// While recording is on, every task that runs is in the tree, below what it belongs to, and
// none that has ended.
func TestTreesOfRandomPrograms(t *testing.T) {
	stress.Run(t, 200, func(r *stress.Round) {
		defer tasktree.Record()()
		w := newWorld()
		grow(r, w, func() {
			for range 30 {
				look(r, w, true)
			}
		})
		if left := tasktree.Take(tasktree.Options{}); left.Total != 0 {
			r.Errorf("%d nodes are left:\n%s", left.Total, left)
		}
	})
}

// While recording is turned on and off all the time, by several goroutines, none that has
// ended is in the tree, and nothing is left in the end.
func TestRecordingOnAndOff(t *testing.T) {
	stress.Run(t, 200, func(r *stress.Round) {
		w := newWorld()
		grow(r, w, func() {
			var wg sync.WaitGroup
			for i := range 3 {
				rng := r.Rand(1<<32 + uint64(i))
				wg.Go(func() {
					for range 30 {
						stop := tasktree.Config{Labels: rng.IntN(4) == 0}.Record()
						look(r, w, false)
						stop()
						runtime.Gosched()
					}
				})
			}
			wg.Wait()
		})
		defer tasktree.Record()()
		if left := tasktree.Take(tasktree.Options{}); left.Total != 0 {
			r.Errorf("%d nodes are left:\n%s", left.Total, left)
		}
	})
}
