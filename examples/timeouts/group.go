package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/memchan"
	"github.com/trellis-go/trellis/nursery"
)

const (
	requests = 40
	atOnce   = 8 // requests at work
)

// handle handles requests as they come, each in a task, and eight at a time. A handler that
// was started a moment ago belongs to the loop as much as the others do: its failure
// cancels those at work and the producer, is waited for, and is the error of it all.
func handle(ctx context.Context, p *program) error {
	var handled, canceled atomic.Int64
	send, receive := memchan.Open[int](4)
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.GoNamed("producer", func(ctx context.Context) error {
			defer send.Close() // which ends the loop
			return produce(ctx, send)
		})
		return nursery.ForEach(ctx, atOnce, receive.Receive, func(ctx context.Context, request int) error {
			query := "/?after=200ms"
			if request == p.fail {
				query += "&status=500"
			}
			switch _, err := get(ctx, p.client, p.urls[0]+query); {
			case err == nil:
				handled.Add(1)
				return nil
			case cancelscope.IsCancellation(ctx, err):
				canceled.Add(1)
				return err
			default:
				return fmt.Errorf("request %d: %w", request, err)
			}
		})
	})
	p.say("%d handled, %d canceled at work; error: %v", handled.Load(), canceled.Load(), err)
	if p.fail > 0 && errors.Is(err, errStatus) {
		return nil
	}
	return err
}

// produce sends requests. When the channel is full, it waits.
func produce(ctx context.Context, send *memchan.Sender[int]) error {
	for i := range requests {
		if err := send.Send(ctx, i+1); err != nil {
			return err
		}
		if err := deadline.Sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

var errHungUp = errors.New("its client has hung up")

// hangUp starts two requests with a handle each, and waits for the answers. The limit ends
// the wait, and not the task, which was not started inside the limit: it is canceled
// through its handle, and the other one does not notice.
func hangUp(ctx context.Context, p *program) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		ask := func(name, after string) *nursery.Task[string] {
			return nursery.Spawn(n, name, func(ctx context.Context) (string, error) {
				return get(ctx, p.client, p.urls[0]+"/?after="+after)
			})
		}
		slow, quick := ask("slow", "1h"), ask("quick", "200ms")
		_, err := deadline.Call(ctx, 100*time.Millisecond, slow.Wait)
		if _, late := errors.AsType[*deadline.TooSlowError](err); !late {
			return err
		}
		p.say("waiting for the slow answer: %v", err)
		slow.Cancel(errHungUp)
		_, err = slow.Wait(ctx) // has ended then
		p.say("the slow request has ended, because %v: %t", errHungUp, errors.Is(err, errHungUp))
		text, err := quick.Wait(ctx)
		p.say("the quick answer: %s", text)
		return err
	})
}
