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
		var latest running
		for p, err := range presses.All(ctx) {
			if err != nil {
				return err
			}
			if p.refusal != "" {
				if err := t.refuse(ctx, p); err != nil {
					return err
				}
				continue
			}
			if err := t.replace(ctx, latest, p); err != nil {
				return err
			}
			latest.number = p.number
			latest.task = nursery.Spawn(n, fmt.Sprint("run ", p.number), func(ctx context.Context) (struct{}, error) {
				return struct{}{}, t.runJobs(ctx, p)
			})
		}
		return nil
	})
}

// running is a run that has been started, and may have ended since. The zero
// value is that of a tab that has not had any.
type running struct {
	number uint64
	task   *nursery.Task[struct{}]
}

// replace cancels the run, and returns when it has ended. If it was cut short, the
// client gets a message.
func (t *tab) replace(ctx context.Context, run running, by press) error {
	if run.task == nil {
		return nil
	}
	run.task.Cancel(errPressedAgain)
	_, err := run.task.Wait(ctx)
	switch {
	case err == nil: // it had finished, and said so
		return nil
	case ctx.Err() != nil: // canceled like this, or it failed, and the nursery with it
		return err
	default:
		return t.replaced(ctx, run.number, by)
	}
}

func (t *tab) replaced(ctx context.Context, run uint64, by press) error {
	t.log.Info("run replaced", "run", run, "by", by.number)
	return t.send(ctx, event{Type: "replaced", Run: run, By: by.number})
}

func (t *tab) refuse(ctx context.Context, p press) error {
	t.log.Info("run refused", "run", p.number, "reason", p.refusal)
	return t.send(ctx, event{Type: "refused", Run: p.number, Error: p.refusal})
}
