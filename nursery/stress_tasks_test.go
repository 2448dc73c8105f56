package nursery_test

import (
	"context"
	"errors"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

// somewhere is a nursery to start something in, and whether it is sure to be open.
func (f *frame) somewhere() (p *place, open bool) {
	if len(f.chain) > 0 && f.one(2) {
		return f.chain[f.rng.IntN(len(f.chain))], true
	}
	return pick(f.w, f.rng, &f.w.places), false
}

// launch starts tasks without a result.
func (f *frame) launch() {
	for range 1 + f.rng.IntN(3) {
		p, open := f.somewhere()
		if p == nil {
			return
		}
		c := f.task(p.chain)
		task := p.task(f.w, func(ctx context.Context) error {
			c.ctx = ctx
			return c.run()
		})
		if !open {
			if err := p.n.TryGo("", task); err != nil && err != nursery.ErrClosed {
				f.w.r.Errorf("TryGo = %v, want nil or ErrClosed", err)
			}
		} else if f.one(2) {
			p.n.Go(task)
		} else {
			p.n.GoNamed("named", task)
		}
	}
}

// start starts a task that says when it is ready, or not.
func (f *frame) start() error {
	p, open := f.somewhere()
	if p == nil {
		return nil
	}
	c := f.task(p.chain)
	says := false
	returned := false
	defer func() {
		if !returned && f.one(2) {
			if v := recover(); v != nil {
				f.hold(recovered(f.w, v))
			}
		}
	}()
	v, err := nursery.Start(f.ctx, p.n, "", func(ctx context.Context, started func(int)) error {
		c.ctx = ctx
		return p.task(f.w, func(ctx context.Context) error {
			if c.one(2) {
				ctx.Done() // has a timer before the move
			}
			c.ready = func() {
				says = true
				started(7)
			}
			return c.run()
		})(ctx)
	})
	returned = true
	switch {
	case err == nil && (v != 7 || !says):
		f.w.r.Errorf("Start = %v, nil; want 7 and started to have been called: %v", v, says)
	case err == nursery.ErrClosed && open:
		f.w.r.Errorf("Start = ErrClosed into a nursery that encloses the caller")
	case err == nursery.ErrClosed, errors.Is(err, nursery.ErrNotStarted):
		return nil
	}
	return err
}

// handle starts a task with a result and does something with its handle. The nursery
// has the task's error; code that waits must not report it again.
func (f *frame) handle() error {
	if len(f.chain) == 0 {
		return nil
	}
	p := f.chain[f.rng.IntN(len(f.chain))]
	c := f.task(p.chain)
	task := nursery.Spawn(p.n, "", func(ctx context.Context) (int, error) {
		c.ctx = ctx
		return 7, p.task(f.w, func(context.Context) error { return c.run() })(ctx)
	})
	if f.one(2) {
		task.Cancel(errors.New("not wanted"))
	}
	if f.one(3) {
		return nil
	}
	v, err := task.Wait(f.ctx)
	if cause := context.Cause(f.ctx); cause != nil {
		return cause
	}
	if err == nil && v != 7 || err != nil && v != 0 {
		f.w.r.Errorf("Wait = %v, %v; want 7 or an error", v, err)
	}
	if again, same := task.Result(); again != v || same != err {
		f.w.r.Errorf("Wait = %v, %v but Result = %v, %v", v, err, again, same)
	}
	return nil
}

// limited runs a block under a time limit or in a shield.
func (f *frame) limited() error {
	block := func(ctx context.Context) error { return f.child(ctx, f.chain).run() }
	switch f.rng.IntN(3) {
	case 0:
		_, err := deadline.MoveOnAfter(f.ctx, f.soon(), block)
		return err
	case 1:
		return deadline.FailAfter(f.ctx, f.soon(), block)
	}
	err := cancelscope.Shield(f.ctx, f.soon(), block)
	if _, cut := err.(*cancelscope.Canceled); cut {
		return nil // to all scopes around it would be a real error
	}
	return err
}

// wait waits for nothing but a deadline: if its timer is lost, the test hangs.
func (f *frame) wait() error {
	s := &cancelscope.Scope{Adjustable: f.one(2)}
	s.SetTimeout(time.Duration(f.rng.IntN(int(time.Millisecond))))
	return s.Run(f.ctx, func(ctx context.Context) error {
		if f.one(2) {
			inner, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			ctx = inner
		}
		<-ctx.Done()
		return ctx.Err()
	})
}

// awaitSibling waits for nothing but a cancellation by a sibling: if it is lost, the
// test hangs.
func (f *frame) awaitSibling() error {
	return nursery.Run(f.ctx, func(ctx context.Context, n *nursery.Nursery) error {
		f.w.enter(n.Scope(), ctx)
		c := f.child(ctx, nil)
		for range 1 + f.rng.IntN(3) {
			derive := f.one(2)
			n.Go(func(ctx context.Context) error {
				if derive {
					var s cancelscope.Scope
					return s.Run(context.WithValue(ctx, c, c), func(ctx context.Context) error {
						<-ctx.Done()
						return ctx.Err()
					})
				}
				<-ctx.Done()
				return context.Cause(ctx)
			})
		}
		n.Go(func(context.Context) error {
			defer n.Scope().Cancel(nil)
			for range c.rng.IntN(5) {
				c.meddle()
			}
			return nil
		})
		return nil
	})
}
