package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/trellis-go/trellis/memchan"
	"github.com/trellis-go/trellis/nursery"
)

var errPressedAgain = errors.New("pressed again")

// conduct makes runs of presses, one after another: it cancels the one in
// progress, waits until it has ended, with all its jobs and its writer, and only
// then starts the next. Only conduct starts runs in this tab, and no other tab of
// this client is at work, so the results of two runs can never mix.
func (t *tab) conduct(ctx context.Context, presses *memchan.Receiver[press]) error {
	return nursery.Config{Name: "work"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		var run *nursery.Task[struct{}] // the latest one, which may have ended
		var number uint64
		for p, err := range presses.All(ctx) {
			if err == nil && p.refusal != "" {
				err = t.send(ctx, event{Type: "refused", Run: p.number, Error: p.refusal})
			} else if err == nil {
				err = t.replace(ctx, run, event{Type: "replaced", Run: number, By: p.number})
				number = p.number
				run = n.Task(fmt.Sprint("run ", number), func(ctx context.Context) error { return t.runJobs(ctx, p) })
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// replace cancels a run, if there is one, and returns when it has ended. If it was cut
// short, the client gets a message.
func (t *tab) replace(ctx context.Context, run *nursery.Task[struct{}], replaced event) error {
	if run == nil {
		return nil
	}
	run.Cancel(errPressedAgain)
	_, err := run.Wait(ctx)
	switch {
	case err == nil: // it had finished, and said so
		return nil
	case ctx.Err() != nil: // canceled like this, or it failed, and the nursery with it
		return err
	}
	t.log.Info("run replaced", "run", replaced.Run, "by", replaced.By)
	return t.send(ctx, replaced)
}
