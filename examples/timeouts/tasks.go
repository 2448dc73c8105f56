package main

import (
	"context"
	"errors"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

// errHungUp is why a request is canceled that its client does not wait for.
var errHungUp = errors.New("its client has hung up")

// tasks is handle with what asyncio's create_task returns: a handle for each
// request, through which others can wait for the answer, or cancel this one
// alone. The handlers have nothing to report: how they ended can be read off
// the handles.
//
// Whoever keeps all handles keeps all answers. Here that is wanted; a server
// that runs for weeks gives each to the client who asked.
func (g *group) tasks(ctx context.Context) error {
	handles := make(map[request]*nursery.Task[answer]) // of the body, until run returns
	err := g.run(ctx, func(n *nursery.Nursery, r request, release func()) {
		task := nursery.SpawnNamed(n, r.String(), func(ctx context.Context) (answer, error) {
			return g.work(ctx, r, release)
		})
		handles[r] = task
		if r == 1 {
			n.GoNamed("patient client", func(ctx context.Context) error { return g.patient(ctx, r, task) })
		}
		if int(r) == g.o.hang {
			n.GoNamed("impatient client", func(ctx context.Context) error { return g.impatient(ctx, r, task) })
		}
	})
	for r, task := range handles {
		g.ledger.end(r, outcomeOf(task))
	}
	return err
}

// patient is a client who waits for the answer.
func (g *group) patient(ctx context.Context, r request, task *nursery.Task[answer]) error {
	if _, err := task.Result(); errors.Is(err, nursery.ErrNotFinished) {
		g.story.say("the client of %v asks for its result: %v", r, err)
	}
	if a, err := task.Wait(ctx); err == nil {
		g.story.say("the client of %v has waited for it: %v", r, a)
	}
	return nil // an error of the task is the nursery's already
}

// impatient is a client who gives up after a while. The limit ends the wait,
// and not what is waited for, since the task is not its child: asyncio's
// wait_for would cancel it as well, here that is said.
func (g *group) impatient(ctx context.Context, r request, task *nursery.Task[answer]) error {
	expired, _ := deadline.MoveOnAfter(ctx, g.o.work, func(ctx context.Context) error {
		_, err := task.Wait(ctx)
		return err // as in patient
	})
	if !expired {
		return nil
	}
	task.Cancel(errHungUp)
	_, err := task.Wait(ctx) // has ended, and its siblings have not noticed
	g.story.say("the client of %v gives up: %v", r, err)
	return nil
}

// outcomeOf judges a task from outside, when it has ended: a *Cancelled tells
// by its reason who did it.
func outcomeOf(task *nursery.Task[answer]) outcome {
	_, err := task.Result()
	_, wasCanceled := errors.AsType[*cancelscope.Cancelled](err)
	switch {
	case err == nil:
		return handled
	case wasCanceled && errors.Is(err, errHungUp):
		return givenUp
	case wasCanceled:
		return canceled
	default:
		return failed
	}
}
