package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/semaphore"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/memchan"
	"github.com/trellis-go/trellis/nursery"
)

// A request is what the producer sends: a number, from 1.
type request int

func (r request) String() string { return fmt.Sprintf("request %d", int(r)) }

// A group takes in requests and ends when all of them have, or one failed.
type group struct {
	o options
	// do is the work of a handler. If it ends because ctx is done, it returns the
	// cause of ctx, which tells those who see it from outside more than ctx.Err.
	do     func(ctx context.Context, r request) (answer, error)
	ledger *ledger
	story  *story
}

// begin starts a task in n that calls work with r and release.
type begin func(n *nursery.Nursery, r request, release func())

// work does the work of one request, and makes room for another one, unless
// this one has failed: that ends the group, which should not begin anything in
// the moment until it is canceled.
func (g *group) work(ctx context.Context, r request, release func()) (answer, error) {
	a, err := g.do(ctx, r)
	if err == nil || cancelscope.IsCancellation(ctx, err) {
		release()
	}
	return a, err
}

// run runs the producer, and begins each request as it comes. It returns when
// nothing of it runs any more, with an error if anything failed, and then
// every request that was accepted has been begun or is entered as unbegun.
func (g *group) run(ctx context.Context, begin begin) error {
	send, receive := memchan.Open[request](g.o.buffer)
	err := nursery.Config{Name: "group"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.GoNamed("producer", func(ctx context.Context) error {
			defer send.Close()
			return g.produce(ctx, send)
		})
		return g.takeIn(ctx, n, receive, begin)
	})
	// The producer was told that these are taken, and nobody has begun them.
	// Nobody sends any more, so there is an end to them.
	for {
		r, err := receive.TryReceive()
		if err != nil {
			break
		}
		g.ledger.end(r, unbegun)
	}
	g.story.say("nothing runs any more; at most %d waited in the channel", receive.Stats().Peak)
	return err
}

// produce sends the requests. When the channel is full, it waits.
func (g *group) produce(ctx context.Context, send *memchan.Sender[request]) error {
	for n := range g.o.requests {
		if n > 0 {
			if err := deadline.Sleep(ctx, g.o.every); err != nil {
				return err
			}
		}
		r := request(n + 1)
		if err := send.Send(ctx, r); err != nil {
			return err // nobody has accepted it
		}
		g.ledger.accept(r)
	}
	return nil
}

// takeIn begins each request as it comes, as long as there are not too many
// at work.
//
// The slot is taken before the request: one that waited for a slot here would
// be neither in the channel nor begun, and no one would know of it if the
// group ended then. Nor is it taken in the task, which would be started at
// once: tasks would pile up without a limit behind a channel that has one.
func (g *group) takeIn(ctx context.Context, n *nursery.Nursery, receive *memchan.Receiver[request], begin begin) error {
	slots := semaphore.NewWeighted(int64(g.o.atOnce))
	for {
		if err := slots.Acquire(ctx, 1); err != nil {
			return err
		}
		r, err := receive.Receive(ctx)
		if errors.Is(err, memchan.ErrEndOfChannel) {
			return nil
		}
		if err != nil {
			return err
		}
		begin(n, r, func() { slots.Release(1) })
	}
}
