package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

// A frame is a random function of a random tree while it runs: one goroutine, one
// context, one source of numbers.
type frame struct {
	w     *world
	rng   *rand.Rand
	ctx   context.Context
	chain []*place // nurseries that are open as long as the frame runs, the nearest first
	depth int
	held  []error // what is to be returned in the end
	ready func()  // if not nil, to be called after the first step
}

const maxDepth = 7

// child is a frame for a function that f calls or starts.
func (f *frame) child(ctx context.Context, chain []*place) *frame {
	c := f.task(chain)
	c.ctx = ctx
	return c
}

// task is a frame for a task, which gets its context when it runs.
func (f *frame) task(chain []*place) *frame {
	return &frame{w: f.w, rng: f.w.r.Rand(f.rng.Uint64()), chain: chain, depth: f.depth + 1}
}

// one reports true once in n times.
func (f *frame) one(n int) bool { return f.rng.IntN(n) == 0 }

// run takes random steps and returns what came of them, with more or less added.
func (f *frame) run() (err error) {
	returned := false
	defer func() {
		if !returned { // what f had in its hands goes with it
			f.w.spill(f.held)
		}
	}()
	for i := range 1 + f.rng.IntN(6) {
		if i == 1 && f.ready != nil {
			f.ready()
		}
		if f.depth > maxDepth || f.w.fuel.Add(-1) < 0 {
			break
		}
		f.hold(f.step())
	}
	err = f.end()
	returned = true
	return err
}

func (f *frame) hold(err error) {
	if err != nil {
		f.held = append(f.held, err)
	}
}

// end makes the error that run returns, or does not return.
func (f *frame) end() error {
	if cause := context.Cause(f.ctx); cause != nil && f.one(2) {
		switch f.rng.IntN(3) {
		case 0:
			f.hold(cause)
		case 1:
			f.hold(f.ctx.Err())
		case 2:
			f.hold(fmt.Errorf("interrupted: %w", cause))
		}
	}
	switch n := f.rng.IntN(100); {
	case n < 12:
		f.hold(f.w.plant())
	case n < 15:
		panic(f.w.plant())
	case n < 17 && f.w.wild:
		runtime.Goexit()
	}
	switch {
	case len(f.held) == 0:
		return nil
	case len(f.held) == 1 && f.one(2):
		return f.held[0]
	case f.one(5):
		return fmt.Errorf("wrapped: %w", errors.Join(f.held...))
	}
	return errors.Join(f.held...)
}

// step does one random thing and returns what is to be returned to the caller.
func (f *frame) step() error {
	switch f.rng.IntN(14) {
	case 0, 1:
		return f.scope()
	case 2:
		return f.between()
	case 3, 4:
		return f.nursery()
	case 5, 6:
		f.launch()
	case 7:
		return f.start()
	case 8:
		return f.handle()
	case 9:
		return f.limited()
	case 10:
		return f.wait()
	case 11:
		return f.awaitSibling()
	default:
		f.meddle()
	}
	return nil
}

// soon is a short time, or none, or a long one.
func (f *frame) soon() time.Duration {
	switch f.rng.IntN(4) {
	case 0:
		return time.Hour
	case 1:
		return -time.Second
	}
	return time.Duration(f.rng.IntN(int(500 * time.Microsecond)))
}

// meddle does something to any scope of the tree, or to a standard context in it.
func (f *frame) meddle() {
	b := pick(f.w, f.rng, &f.w.blocks)
	if b.scope == nil {
		return
	}
	switch f.rng.IntN(12) {
	case 0:
		b.scope.Cancel(errors.New("meddled"))
		if b.ctx.Err() == nil {
			f.w.r.Errorf("Err() = nil after Cancel")
		}
	case 1, 2:
		// The code that raises a shield lowers it again, or else nothing would reach
		// tasks that wait for a cancellation from outside.
		if b.scope.Adjustable {
			b.scope.SetShield(true)
		}
		runtime.Gosched()
		b.scope.SetShield(false)
	case 3, 4:
		if b.scope.Adjustable {
			b.scope.SetTimeout(f.soon())
		}
	case 5:
		if b.scope.Adjustable {
			b.scope.SetDeadline(time.Time{})
		}
	case 6:
		if cancel := pick(f.w, f.rng, &f.w.cancels); cancel != nil {
			cancel()
		}
	case 7:
		b.ctx.Done()
	case 8:
		if t, ok := deadline.Effective(b.ctx); ok && !t.IsZero() && t.Before(f.w.start.Add(-time.Minute)) {
			f.w.r.Errorf("Effective = %v, which no code has set", t)
		}
	case 9:
		if err, cause := b.ctx.Err(), context.Cause(b.ctx); err != nil && !errors.Is(cause, err) {
			f.w.r.Errorf("Err() = %v but Cause = %v", err, cause)
		}
	case 10:
		if f.one(4) {
			_, cancel := context.WithTimeout(b.ctx, f.soon())
			cancel()
		}
	default:
		runtime.Gosched()
	}
}

// scope runs a block in a scope of its own.
func (f *frame) scope() error {
	s := &cancelscope.Scope{Adjustable: f.one(2)}
	switch f.rng.IntN(5) {
	case 0:
		s.SetTimeout(f.soon())
	case 1:
		s.SetShield(true)
	case 2:
		if f.one(3) {
			s.Cancel(nil)
		}
	}
	err := s.Run(f.ctx, func(ctx context.Context) error {
		f.w.enter(s, ctx)
		return f.child(ctx, f.chain).run()
	})
	if s.CanceledCaught() && s.Cause() == nil {
		f.w.r.Errorf("a scope without cause has caught a cancellation")
	}
	return err
}

// between runs a block under a context of the standard library, and takes what that one
// canceled out of the error, as code that makes such a context must.
func (f *frame) between() error {
	type key struct{}
	ctx, cancel := f.ctx, context.CancelFunc(nil)
	switch f.rng.IntN(4) {
	case 0:
		return f.child(context.WithValue(ctx, key{}, 1), f.chain).run()
	case 1:
		ctx, cancel = context.WithCancel(ctx)
	case 2:
		ctx, cancel = context.WithTimeout(ctx, f.soon())
	case 3:
		ctx, cancel = context.WithCancel(context.WithValue(ctx, key{}, 1))
	}
	defer cancel()
	f.w.mu.Lock()
	f.w.cancels = append(f.w.cancels, cancel)
	f.w.mu.Unlock()
	err := f.child(ctx, f.chain).run()
	if ctx.Err() != nil {
		_, err = cancelscope.Split(ctx, err)
	}
	return err
}

// nursery opens a nursery.
func (f *frame) nursery() error {
	c := nursery.Config{Supervise: f.one(3), Adjustable: f.one(2)}
	if f.one(3) {
		c.Panics = nursery.ConvertPanics
	}
	p := new(place)
	p.chain = append([]*place{p}, f.chain...)
	var mu sync.Mutex
	var failures []error // guarded by mu; what OnError has been given
	c.OnError = func(e *nursery.TaskError) {
		mu.Lock()
		failures = append(failures, e)
		mu.Unlock()
	}
	returned, opened, bodyPanicked := false, false, false
	defer func() {
		p.over.Store(true)
		if live := p.live.Load(); live != 0 {
			f.w.r.Errorf("%d tasks run after their nursery has returned", live)
		}
		if returned {
			return
		}
		switch v := recover(); {
		case v == nil:
			f.w.spill(p.reported) // an exit has no place for errors
		case f.one(2) || f.chain == nil:
			// It may have come over an exit, and then the exit continues.
			f.hold(recovered(f.w, v))
			if bodyPanicked {
				// Errors of tasks have gone to OnError only, panics to nothing.
				failed := gathered(errors.Join(failures...)).plants
				f.w.spill(slices.DeleteFunc(p.reported, func(err error) bool {
					for plant := range gathered(err).plants {
						if failed[plant] > 0 {
							return true
						}
					}
					return false
				}))
				f.hold(errors.Join(failures...))
			}
		default:
			if bodyPanicked {
				f.w.spill(p.reported)
			}
			panic(v)
		}
	}()
	err := c.Run(f.ctx, func(ctx context.Context, n *nursery.Nursery) error {
		opened = true
		p.n = n
		f.w.mu.Lock()
		f.w.places = append(f.w.places, p)
		f.w.mu.Unlock()
		f.w.enter(n.Scope(), ctx)
		body := f.child(ctx, p.chain)
		bodyPanicked = c.Panics != nursery.ConvertPanics
		err := p.task(f.w, func(ctx context.Context) error { return body.run() })(ctx)
		bodyPanicked = false
		return err
	})
	returned = true
	if !opened {
		f.w.r.Errorf("the body was not called")
	}
	return err
}
