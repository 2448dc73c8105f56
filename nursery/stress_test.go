package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/stress"
	"github.com/trellis-go/trellis/nursery"
)

// TestStressTree grows random trees of nurseries and scopes, with standard contexts in
// between, in which each task cancels, moves deadlines, switches shields, starts tasks
// in each other's nurseries, fails, panics and exits. What must hold is said where it
// is checked.
func TestStressTree(t *testing.T) {
	stress.Run(t, 40, func(r *stress.Round) {
		before := goleak.IgnoreCurrent()
		w := newWorld(r)
		stop := w.agitate()
		err, exited := w.runRoot()
		stop()
		w.checkEnd(err, exited)
		if err := goleak.Find(before); err != nil {
			r.Errorf("after the tree: %v", err)
		}
	})
}

// A world is one random tree while it runs.
type world struct {
	r     *stress.Round
	wild  bool         // some tasks exit
	fuel  atomic.Int64 // steps left
	ids   atomic.Uint64
	start time.Time

	mu      sync.Mutex
	places  []*place
	blocks  []block
	cancels []context.CancelFunc
	planted map[*plant]bool // whether it may be lost
}

// A block is a scope that has been entered, and its context.
type block struct {
	scope *cancelscope.Scope
	ctx   context.Context
}

// A place is a nursery that has been opened.
type place struct {
	n     *nursery.Nursery
	chain []*place // itself and those that cannot close before it does
	live  atomic.Int64
	over  atomic.Bool

	mu       sync.Mutex
	reported []error // what its tasks returned or panicked with
}

// A plant is a real error. Each of them must be returned once.
type plant struct{ id uint64 }

func (p *plant) Error() string { return "plant" }

func newWorld(r *stress.Round) *world {
	rng := r.Rand(0)
	w := &world{r: r, wild: rng.IntN(2) == 0, planted: make(map[*plant]bool), start: time.Now()}
	w.fuel.Store(int64(20 + rng.IntN(400)))
	return w
}

// runRoot opens the outermost nursery, below a context that is not canceled.
func (w *world) runRoot() (err error, exited bool) {
	done := make(chan struct{})
	exited = true
	go func() {
		defer close(done)
		f := frame{w: w, rng: w.r.Rand(1), ctx: context.Background()}
		f.hold(f.nursery())
		err = errors.Join(f.held...)
		exited = false
	}()
	<-done
	return err, exited
}

// agitate lets goroutines outside of the tree work on it until stop is called.
func (w *world) agitate() (stop func()) {
	var wg sync.WaitGroup
	over := make(chan struct{})
	for i := range 2 {
		wg.Go(func() {
			f := frame{w: w, rng: w.r.Rand(uint64(2 + i)), ctx: context.Background()}
			for range 500 {
				f.meddle()
				runtime.Gosched()
				select {
				case <-over:
					return
				default:
				}
			}
		})
	}
	return func() { close(over); wg.Wait() }
}

// checkEnd checks what must hold when the root has ended.
func (w *world) checkEnd(err error, exited bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := gathered(err)
	for _, noise := range all.noise {
		w.r.Errorf("the error of the outermost nursery, below a context that is not canceled, has a cancellation:\n%s", noise)
	}
	for p, lost := range w.planted {
		if n := all.plants[p]; n > 1 || n == 0 && !lost && !exited {
			w.r.Errorf("error %d was returned %d times, want once", p.id, n)
		}
		delete(all.plants, p)
	}
	for p := range all.plants {
		w.r.Errorf("error %d was returned, which no task has returned", p.id)
	}
	for i, p := range w.places {
		if live := p.live.Load(); live != 0 || p.n.Running() != 0 {
			w.r.Errorf("nursery %d after the end: %d tasks run, Running() = %d, want 0", i, live, p.n.Running())
		}
		if err := p.n.TryGo("", func(context.Context) error { return nil }); err != nursery.ErrClosed {
			w.r.Errorf("nursery %d after the end: TryGo = %v, want ErrClosed", i, err)
		}
	}
	for i, b := range w.blocks {
		if b.ctx.Err() == nil || context.Cause(b.ctx) == nil {
			w.r.Errorf("scope %d after the end: Err() = %v, Cause = %v, want a done context", i, b.ctx.Err(), context.Cause(b.ctx))
		}
		<-b.ctx.Done()
	}
}

// A harvest is what is found in an error.
type harvest struct {
	plants map[*plant]int
	real   int      // all leaves that are no cancellations
	noise  []string // the others, with the way to them
}

// gather adds what is in err. Cancellations inside an error that cannot be divided and
// has something real in it, and those that a panic carried along, are no noise.
func (h *harvest) gather(err error, way string) {
	way += fmt.Sprintf(" > %T", err)
	switch e := err.(type) {
	case nil:
		return
	case *plant:
		h.plants[e]++
		h.real++
		return
	case *cancelscope.Canceled:
		h.noise = append(h.noise, way+" "+e.Error())
		return
	case *nursery.PanicError:
		noise := h.noise
		for _, in := range e.Unwrap() {
			h.gather(in, way)
		}
		h.noise = noise
		h.real++
		return
	case interface {
		Unwrap() error
		Derive([]error) error
	}:
		h.gather(e.Unwrap(), way)
		return
	case *deadline.TooSlowError:
		h.real++
		return
	case interface{ Unwrap() error }:
		real, noise := h.real, h.noise
		h.gather(e.Unwrap(), way)
		if h.real > real {
			h.noise = noise
		}
		return
	case interface{ Unwrap() []error }:
		for _, in := range e.Unwrap() {
			h.gather(in, way)
		}
		return
	}
	if err == context.Canceled || err == context.DeadlineExceeded {
		h.noise = append(h.noise, way+" "+err.Error())
	} else {
		h.real++
	}
}

func gathered(err error) harvest {
	h := harvest{plants: make(map[*plant]int)}
	h.gather(err, "Run")
	return h
}

// plant makes a real error that is about to be returned or raised.
func (w *world) plant() *plant {
	p := &plant{w.ids.Add(1)}
	w.mu.Lock()
	w.planted[p] = false
	w.mu.Unlock()
	return p
}

// spill notes that what is in err may be lost: there was an exit, which leaves no way
// for errors.
func (w *world) spill(errs []error) {
	w.mu.Lock()
	for p := range gathered(errors.Join(errs...)).plants {
		w.planted[p] = true
	}
	w.mu.Unlock()
}

func (p *place) report(err error) {
	if err != nil {
		p.mu.Lock()
		p.reported = append(p.reported, err)
		p.mu.Unlock()
	}
}

// task wraps what runs as a task, or as the body, of the place: nothing may run after
// its nursery has returned.
func (p *place) task(w *world, f func(ctx context.Context) error) func(ctx context.Context) error {
	return func(ctx context.Context) (err error) {
		p.live.Add(1)
		defer func() {
			if p.over.Load() {
				w.r.Errorf("a task ends after its nursery has")
			}
			p.live.Add(-1)
			if v := recover(); v != nil {
				if err, ok := v.(error); ok {
					p.report(err)
				}
				panic(v)
			}
		}()
		if p.over.Load() {
			w.r.Errorf("a task starts after its nursery has ended")
		}
		err = f(ctx)
		p.report(err)
		return err
	}
}

// pick chooses one at random, nil or zero if there is none.
func pick[T any](w *world, rng *rand.Rand, from *[]T) (one T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(*from); n > 0 {
		one = (*from)[rng.IntN(n)]
	}
	return one
}

// enter notes that a block of s has begun.
func (w *world) enter(s *cancelscope.Scope, ctx context.Context) {
	w.mu.Lock()
	w.blocks = append(w.blocks, block{s, ctx})
	w.mu.Unlock()
}

// recovered turns the panic of a nursery into the error that it is.
func recovered(w *world, v any) error {
	var p *nursery.PanicError
	if err, ok := v.(error); ok && errors.As(err, &p) {
		return p
	}
	if p, ok := v.(*plant); ok {
		return p // of a body
	}
	if text, ok := v.(string); ok && strings.HasPrefix(text, "cancelscope: deadline of a running scope moved") {
		return nil
	}
	w.r.Errorf("panic: %v, want a *PanicError", v)
	return nil
}
