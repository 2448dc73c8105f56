package serve_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// A plan is a program with others inside.
type plan struct {
	serve.Program
	work  time.Duration
	outer *plan // nil for the outermost
	inner []*plan
	ctx   context.Context // of the body; written when it runs
}

// newPlan makes a random program, and adds it and those inside to all, the outer ones first.
func newPlan(random *rand.Rand, outer *plan, depth int, all *[]*plan) *plan {
	seconds := func(least, n int) time.Duration { return time.Duration(least+random.IntN(n)) * time.Second }
	p := &plan{outer: outer, Program: serve.Program{Grace: seconds(1, 20), Linger: seconds(0, 10), Log: quiet}, work: seconds(1, 60)}
	*all = append(*all, p)
	if depth < 3 {
		for range random.IntN(4) {
			p.inner = append(p.inner, newPlan(random, p, depth+1, all))
		}
	}
	return p
}

// run runs the program, which drains when its work is done, or before.
func (p *plan) run(t *testing.T, ctx context.Context, seed uint64) error {
	return p.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		p.ctx = ctx
		for _, inner := range p.inner {
			n.Go(func(ctx context.Context) error {
				_ = inner.run(t, ctx, seed) // it may have been cut off
				return nil
			})
		}
		var began, closed time.Time
		watch := n.Task("watch", func(ctx context.Context) error {
			<-serve.Draining(ctx)
			began = time.Now()
			<-serve.Closing(ctx)
			closed = time.Now()
			return nil
		})
		err := deadline.Sleep(ctx, p.work)
		if err == nil {
			serve.Drain(ctx, nil)
			return nil
		}
		if _, err := watch.Join(); err != nil {
			return err
		}
		// Something has canceled it: this program, or one around it, in its own time.
		least := time.Duration(1 << 62)
		for at := p; at != nil; at = at.outer {
			least = min(least, at.Linger+at.Grace)
		}
		if took := time.Since(began); took < least {
			t.Errorf("seed %d: a program is canceled %v after its drain began, want %v at least", seed, took, least)
		}
		if p.outer == nil && closed.Sub(began) != p.Linger {
			t.Errorf("seed %d: a program closes %v after its drain began, want %v", seed, closed.Sub(began), p.Linger)
		}
		return err
	})
}

// A drain is known in all programs inside, and in no other, when Drain returns; and no
// context is done before the grace period of its program, or of one around it, has passed.
func TestRandomDrains(t *testing.T) {
	rounds := 500
	if testing.Short() {
		rounds = 50
	}
	seed := rand.Uint64()
	programs := 0
	for range rounds {
		seed++
		random := rand.New(rand.NewPCG(seed, 0))
		synctest.Test(t, func(t *testing.T) {
			var all []*plan
			outermost := newPlan(random, nil, 0, &all)
			programs += len(all)
			done := make(chan struct{})
			go func() {
				defer close(done)
				_ = outermost.run(t, t.Context(), seed)
			}()
			time.Sleep(time.Duration(random.IntN(1000)) * time.Millisecond)
			synctest.Wait() // all programs work, since they do so for a second
			drained := all[random.IntN(len(all))]
			serve.Drain(drained.ctx, nil)
			for _, p := range all {
				inside := false
				for at := p; at != nil; at = at.outer {
					inside = inside || at == drained
				}
				if got := bubbletest.IsClosed(serve.Draining(p.ctx)); got != inside {
					t.Errorf("seed %d: a program drains: %t, want %t: it is inside the one that Drain was called for", seed, got, inside)
				}
			}
			<-done
		})
	}
	if programs < 2*rounds {
		t.Errorf("%d programs in %d rounds: too few to show anything", programs, rounds)
	}
}
