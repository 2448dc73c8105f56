package main

import (
	"context"
	"errors"
	"fmt"
	"time"

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
	*story
	// begin starts a task in n that calls g.work with r and release.
	begin func(g *group, n *nursery.Nursery, r request, release func())
	// do is the work of a handler. If it ends because ctx is done, it returns the
	// cause of ctx, which says more to other tasks than ctx.Err.
	do func(ctx context.Context, r request) (string, error)

	requests int           // of the producer
	every    time.Duration // it waits that long after each
	buffer   int           // requests in the channel
	atOnce   int           // requests at work
	hang     request       // has a client that may lose patience; 0: none
	patience time.Duration

	// Complete when run has returned.
	accepted int                     // written by the producer
	tasks    []*nursery.Task[string] // by the loop that begins them
	ended    []outcome               // of request 1 and so on, each by the task that has it
}

// run runs the producer, and begins each request as it comes. It returns when
// nothing of it runs any more, with an error if anything failed, and then
// every request that was accepted has an outcome.
func (g *group) run(ctx context.Context) error {
	g.ended = make([]outcome, g.requests)
	send, receive := memchan.Open[request](g.buffer)
	err := nursery.Config{Name: "group"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.GoNamed("producer", func(ctx context.Context) error {
			defer send.Close()
			return g.produce(ctx, send)
		})
		return g.takeIn(ctx, n, receive)
	})
	// The sends of these have succeeded, and they have not been begun. The
	// producer has ended, so no more of them come.
	for {
		r, empty := receive.TryReceive()
		if empty != nil {
			return err
		}
		g.ended[r-1] = unbegun
	}
}

// produce sends the requests. When the channel is full, it waits.
func (g *group) produce(ctx context.Context, send *memchan.Sender[request]) error {
	for g.accepted < g.requests {
		if err := send.Send(ctx, request(g.accepted+1)); err != nil {
			return err // it was not accepted
		}
		g.accepted++
		if err := deadline.Sleep(ctx, g.every); err != nil {
			return err
		}
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
func (g *group) takeIn(ctx context.Context, n *nursery.Nursery, receive *memchan.Receiver[request]) error {
	slots := semaphore.NewWeighted(int64(g.atOnce))
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
		g.begin(g, n, r, func() { slots.Release(1) })
	}
}

// handle gives a request a child of the nursery. That is all it takes: a
// handler that was started a moment ago belongs to the group as much as the
// producer does. Its error ends the group, whose error then has its name.
func (g *group) handle(n *nursery.Nursery, r request, release func()) {
	n.GoNamed(r.String(), func(ctx context.Context) error {
		_, err := g.work(ctx, r, release)
		return err
	})
}

// errHungUp is why a request is canceled that its client does not wait for.
var errHungUp = errors.New("its client has hung up")

// spawn is handle with a task handle, through which other tasks can wait for the
// answer, or cancel this request alone.
//
// To keep all handles is to keep all answers. Here that is wanted; a server that
// runs for weeks gives each to the client that has asked.
func (g *group) spawn(n *nursery.Nursery, r request, release func()) {
	task := nursery.Spawn(n, r.String(), func(ctx context.Context) (string, error) {
		return g.work(ctx, r, release)
	})
	g.tasks = append(g.tasks, task)
	if r == 1 || r == g.hang {
		n.GoNamed("client", func(ctx context.Context) error { return g.wait(ctx, r, task) })
	}
}

// wait is a client that waits for the answer, but not for ever. The limit ends the
// wait, and not the task, which is not started inside the limit: it must be
// canceled explicitly.
func (g *group) wait(ctx context.Context, r request, task *nursery.Task[string]) error {
	var text string
	late, err := deadline.MoveOnAfter(ctx, g.patience, func(ctx context.Context) (err error) {
		text, err = task.Wait(ctx)
		return err
	})
	if late {
		task.Cancel(errHungUp)
		text, err = task.Wait(ctx) // has ended, and its siblings have not noticed
	}
	switch {
	case err == nil:
		g.say("the client of %v has its answer: %s", r, text)
	case errors.Is(err, errHungUp):
		g.say("the client of %v gives up: %v", r, err)
	}
	return nil // an error of the task is the nursery's already
}

// work does the work of one request, and makes room for another one, unless
// this one has failed: that ends the group, which should not begin anything in
// the moment until it is canceled.
func (g *group) work(ctx context.Context, r request, release func()) (string, error) {
	text, err := g.do(ctx, r)
	// Whether the error is an interruption or a failure can only be decided with
	// the handler's own context.
	switch interrupted := cancelscope.IsCancellation(ctx, err); {
	case err == nil:
		g.ended[r-1] = handled
	case interrupted && errors.Is(err, errHungUp):
		g.ended[r-1] = givenUp
	case interrupted:
		g.ended[r-1] = canceled
	default:
		g.say("%v fails: %v", r, err)
		g.ended[r-1] = failed
		return text, err
	}
	release()
	return text, err
}
