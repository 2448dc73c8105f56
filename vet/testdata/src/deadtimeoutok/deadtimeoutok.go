package deadtimeoutok

import (
	"context"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
)

func work()                           {}
func fetch(ctx context.Context) error { return nil }

func used(ctx context.Context) error {
	return deadline.FailAfter(ctx, time.Second, func(ctx context.Context) error {
		return fetch(ctx)
	})
}

// Used in a function literal, in a loop, in a deferred call, or only looked at.
func usedInside(ctx context.Context) error {
	if err := deadline.FailAfter(ctx, time.Second, func(ctx context.Context) error {
		f := func() error { return fetch(ctx) }
		return f()
	}); err != nil {
		return err
	}
	return deadline.FailAfter(ctx, time.Second, func(ctx context.Context) error {
		for ctx.Err() == nil {
			work()
		}
		return nil
	})
}

// Nothing that takes time.
func trivial(ctx context.Context) error {
	return deadline.FailAfter(ctx, time.Second, func(context.Context) error { return nil })
}

// The block can cancel the scope.
func scope(ctx context.Context) error {
	var s cancelscope.Scope
	return deadline.FailScope(ctx, &s, func(context.Context) error {
		s.Cancel(nil)
		work()
		return nil
	})
}

func flat(ctx context.Context) (err error) {
	ctx, end := deadline.Limit(ctx, time.Second)
	defer end(&err)
	return fetch(ctx)
}

func loop(ctx context.Context) {
	for range 3 {
		if ctx.Err() != nil {
			return
		}
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, time.Second)
		defer cancel()
	}
}

func capturedBefore(ctx context.Context) error {
	f := func() error { return fetch(ctx) }
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return f()
}

func result() (ctx context.Context, cancel func()) {
	ctx, cancel = context.WithTimeout(context.Background(), time.Second)
	return
}

var global context.Context

func outside() {
	var cancel func()
	global, cancel = context.WithTimeout(context.Background(), time.Second)
	_ = cancel
}

type holder struct {
	ctx    context.Context
	cancel func()
}

func (h *holder) field() {
	h.ctx, h.cancel = context.WithTimeout(context.Background(), time.Second)
}

func assignedInLiteral(ctx context.Context) error {
	limit := func() {
		ctx, _ = context.WithTimeout(ctx, time.Second)
	}
	limit()
	return fetch(ctx)
}

// Made and given up at once: it is meant to cost something.
func measured(ctx context.Context) {
	_, cancel := context.WithTimeout(ctx, time.Second)
	cancel()
}

// Given up in front of the end as well: what that does is meant to be seen.
func givenUp(ctx context.Context) {
	_, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	time.Sleep(time.Millisecond)
	cancel()
}

// Used in front of the statement, after a jump.
func jumps(ctx context.Context) error {
	limited, turns := ctx, 0
again:
	if err := fetch(limited); err != nil {
		return err
	}
	{
		var cancel func()
		limited, cancel = context.WithTimeout(ctx, time.Second)
		defer cancel()
	}
	if turns++; turns < 3 {
		goto again
	}
	return nil
}
