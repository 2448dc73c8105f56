package cancelscope_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/internal/stress"
	"github.com/trellis-go/trellis/internal/tree"
)

// TestStressScopes grows random trees of scopes, a goroutine for each branch, with
// standard contexts in between. Each goroutine cancels, moves deadlines, switches shields
// and derives contexts anywhere in the tree.
func TestStressScopes(t *testing.T) {
	stress.Run(t, 60, func(r *stress.Round) {
		goroutines := goleak.IgnoreCurrent()
		timers := cancelscope.Timers()
		g := &grove{r: r}
		g.fuel.Store(int64(r.Rand(0).IntN(300)))
		g.grow(r.Rand(1), context.Background(), nil, 0)
		if got := cancelscope.Timers(); got != timers {
			r.Errorf("after the tree there are %d timers, want %d as before", got, timers)
		}
		for i, n := range g.nodes {
			if got := cancelscope.Children(n.scope); got != 0 {
				r.Errorf("after the tree %d scopes hang below scope %d, want 0", got, i)
			}
			if err, cause := n.ctx.Err(), context.Cause(n.ctx); err == nil || !errors.Is(cause, err) || !bubbletest.IsClosed(n.ctx.Done()) {
				r.Errorf("after the tree the context of scope %d has Err %v and cause %v, want it done", i, err, cause)
			}
		}
		if err := goleak.Find(goroutines); err != nil {
			r.Errorf("after the tree: %v", err)
		}
	})
}

// A grove is one random tree of scopes.
type grove struct {
	r    *stress.Round
	fuel atomic.Int64

	mu      sync.Mutex
	nodes   []*node
	cancels []context.CancelFunc
}

// A node is a scope that has been entered.
type node struct {
	scope   *cancelscope.Scope
	ctx     context.Context
	up      *node
	foreign bool                  // a standard context of its own lies between it and up
	shields bool                  // its shield may be up
	moves   bool                  // it is moved further out
	done    <-chan struct{}       // its Done channel, if it was asked for at the beginning
	derived context.Context       // derived from ctx; may be nil
	called  atomic.Bool           // Cancel has returned
	cause   atomic.Pointer[error] // the first that was seen
}

// grow runs a block in a new scope, with branches in it.
func (g *grove) grow(rng *rand.Rand, ctx context.Context, up *node, depth int) {
	n := &node{scope: &cancelscope.Scope{Adjustable: rng.IntN(2) == 0}, up: up, moves: rng.IntN(8) == 0}
	ctx, cancel := g.between(rng, ctx, n)
	defer cancel()
	switch rng.IntN(4) {
	case 0:
		n.scope.SetTimeout(randomly(rng))
	case 1:
		n.shields = true
		n.scope.SetShield(rng.IntN(2) == 0)
	}
	real := errors.New("real")
	err := n.scope.Run(ctx, func(ctx context.Context) error {
		n.ctx = ctx
		g.settle(rng, n)
		var branches sync.WaitGroup
		defer branches.Wait()
		for range 1 + rng.IntN(4) {
			if depth > 6 || g.fuel.Add(-1) < 0 {
				break
			}
			branch := g.r.Rand(rng.Uint64())
			branches.Go(func() { g.grow(branch, ctx, n, depth+1) })
			for range rng.IntN(6) {
				g.meddle(rng)
			}
		}
		if n.moves {
			g.move(rng, n)
		}
		if rng.IntN(3) == 0 {
			g.await(rng, ctx)
		}
		return errors.Join(ctx.Err(), real)
	})
	if !errors.Is(err, real) {
		g.r.Errorf("Run = %v, want it to have the real error of the block", err)
	}
	if n.scope.CanceledCaught() && n.scope.Cause() == nil {
		g.r.Errorf("CanceledCaught() = true without a cause")
	}
}

// between puts something between ctx and the scope that is entered next, or nothing.
func (g *grove) between(rng *rand.Rand, ctx context.Context, n *node) (context.Context, context.CancelFunc) {
	type key struct{}
	cancel := context.CancelFunc(func() {})
	switch rng.IntN(8) {
	case 0:
		ctx = context.WithValue(ctx, key{}, 1)
	case 1:
		ctx, cancel = context.WithCancel(ctx)
		n.foreign = true
	case 2:
		ctx, cancel = context.WithTimeout(ctx, randomly(rng))
		n.foreign = true
	}
	g.mu.Lock()
	g.cancels = append(g.cancels, cancel)
	g.mu.Unlock()
	return ctx, cancel
}

// settle makes n known to the others.
func (g *grove) settle(rng *rand.Rand, n *node) {
	if n.moves {
		tree.Of(n.ctx).Movable()
	}
	if rng.IntN(2) == 0 {
		n.done = n.ctx.Done()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if rng.IntN(4) == 0 {
		var cancel context.CancelFunc
		n.derived, cancel = context.WithTimeout(n.ctx, time.Hour)
		g.cancels = append(g.cancels, cancel)
	}
	g.nodes = append(g.nodes, n)
}

// move hangs n, with all that is inside it, below a scope further out, as nursery.Start
// does with a task.
func (g *grove) move(rng *rand.Rand, n *node) {
	to := n.up
	for to != nil && to.up != nil && rng.IntN(2) == 0 {
		to = to.up
	}
	if to == nil {
		return
	}
	switch moved := tree.Of(n.ctx).Move(tree.Of(to.ctx)); {
	case !moved && n.ctx.Err() == nil:
		g.r.Errorf("a scope that is not canceled does not move")
	case moved && to.called.Load() && !n.shields && n.ctx.Err() == nil:
		g.r.Errorf("Err() = nil in a scope that has moved into a canceled one")
	}
}

// randomly is a short time, or a long one, or none.
func randomly(rng *rand.Rand) time.Duration {
	switch rng.IntN(4) {
	case 0:
		return time.Hour
	case 1:
		return -time.Second
	}
	return time.Duration(rng.IntN(int(500 * time.Microsecond)))
}

// meddle does something to any scope of the tree.
func (g *grove) meddle(rng *rand.Rand) {
	g.mu.Lock()
	n := g.nodes[rng.IntN(len(g.nodes))]
	cancel := g.cancels[rng.IntN(len(g.cancels))]
	g.mu.Unlock()
	switch rng.IntN(10) {
	case 0:
		g.cancel(n)
	case 1, 2, 3:
		if n.shields {
			if n.scope.Adjustable {
				n.scope.SetShield(true)
			}
			runtime.Gosched()
			visible := n.up != nil && !n.foreign && !n.moves && n.up.called.Load()
			n.scope.SetShield(false)
			if visible && n.ctx.Err() == nil {
				g.r.Errorf("Err() = nil below a canceled scope when SetShield(false) has returned")
			}
		}
	case 4, 5:
		if n.scope.Adjustable {
			n.scope.SetTimeout(randomly(rng))
		}
	case 6:
		if n.scope.Adjustable {
			n.scope.SetDeadline(time.Time{})
		}
	case 7:
		if rng.IntN(4) == 0 {
			cancel()
		}
	case 8:
		n.ctx.Done()
	default:
		g.observe(n)
	}
}

// cancel cancels n, and checks that this is known below when Cancel returns.
func (g *grove) cancel(n *node) {
	g.mu.Lock()
	entered := g.nodes[:len(g.nodes):len(g.nodes)]
	g.mu.Unlock()
	n.scope.Cancel(errors.New("called off"))
	n.called.Store(true)
	for _, below := range entered {
		reached, direct := below.under(n)
		if !reached {
			continue
		}
		if direct && below.done != nil && !bubbletest.IsClosed(below.done) {
			g.r.Errorf("a Done channel below a scope is open when Cancel has returned")
		}
		if direct && below.derived != nil && below.derived.Err() == nil {
			g.r.Errorf("a context derived below a scope has Err nil when Cancel has returned")
		}
		g.observe(below)
		if below.ctx.Err() == nil {
			g.r.Errorf("the context of a scope below has Err nil when Cancel has returned")
		}
	}
}

// under reports whether a cancellation of top reaches n for sure, and whether there is
// nothing on the way that cancels its own contexts later.
func (n *node) under(top *node) (reached, direct bool) {
	direct = true
	for ; n != top; n = n.up {
		if n == nil || n.shields || n.moves {
			return false, false
		}
		direct = direct && !n.foreign
	}
	return true, direct
}

// observe checks that what a context says fits together and does not change.
func (g *grove) observe(n *node) {
	err := n.ctx.Err()
	if err == nil {
		return
	}
	if n.done != nil && !bubbletest.IsClosed(n.done) {
		g.r.Errorf("Err() = %v but the Done channel is open", err)
	}
	cause := context.Cause(n.ctx)
	if !errors.Is(cause, err) {
		g.r.Errorf("Err() = %v but Cause = %v", err, cause)
	}
	n.cause.CompareAndSwap(nil, &cause)
	if first := *n.cause.Load(); first != cause {
		g.r.Errorf("the cause is first %v and then %v", first, cause)
	}
}

// await waits for nothing but a deadline: if its timer is lost, the test hangs.
func (g *grove) await(rng *rand.Rand, ctx context.Context) {
	s := &cancelscope.Scope{Adjustable: rng.IntN(2) == 0}
	if s.Adjustable {
		s.SetTimeout(time.Hour)
	} else {
		s.SetTimeout(time.Duration(rng.IntN(int(time.Millisecond))))
	}
	_ = s.Run(ctx, func(ctx context.Context) error {
		var earlier sync.WaitGroup
		defer earlier.Wait()
		if s.Adjustable {
			earlier.Go(func() {
				s.SetDeadline(time.Time{})
				s.SetTimeout(time.Duration(rng.IntN(int(time.Millisecond))))
			})
		}
		<-ctx.Done()
		return ctx.Err()
	})
}
