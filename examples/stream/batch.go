package main

import (
	"context"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/memchan"
	"github.com/trellis-go/trellis/nursery"
)

// runJobs is a whole run. Its jobs hand their results to one writer, so that
// the messages of a run come one after another, the first first and the last
// last. When it returns, for whatever reason, none of its jobs runs, and
// nothing is being sent for it.
func (t *tab) runJobs(ctx context.Context, p press) error {
	t.log.Info("run started", "run", p.number, "jobs", len(p.jobs))
	err := nursery.Config{Name: "run"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		// Without a buffer: a job keeps its place among those that run until
		// the writer has taken its result. If the client reads slowly, the
		// jobs slow down, and the results do not pile up.
		send, receive := memchan.Open[event](0)
		n.GoNamed("writer", func(ctx context.Context) error { return t.write(ctx, p, receive) })
		if err := t.jobs(ctx, p, send); err != nil {
			return err // cancels the writer
		}
		// Not deferred: the writer takes this for success, and after a panic
		// it must not.
		send.Close()
		return nil
	})
	if err == nil {
		t.log.Info("run finished", "run", p.number)
	}
	return err
}

// write sends the messages of a run. If it succeeds, the message that the run has
// finished was sent: a run that is canceled after that was not replaced.
func (t *tab) write(ctx context.Context, p press, results *memchan.Receiver[event]) error {
	if err := t.send(ctx, event{Type: "started", Run: p.number, Jobs: len(p.jobs)}); err != nil {
		return err
	}
	for e, err := range results.All(ctx) {
		if err != nil {
			return err
		}
		if err := t.send(ctx, e); err != nil {
			return err
		}
	}
	return t.send(ctx, event{Type: "finished", Run: p.number, Jobs: len(p.jobs)})
}

// jobs does the jobs of a run, so many at a time, and begun in the order of the list. It
// returns when all have handed over their results.
func (t *tab) jobs(ctx context.Context, p press, results *memchan.Sender[event]) error {
	return nursery.ForN(ctx, t.limit, len(p.jobs), func(ctx context.Context, i int) error {
		value, err := t.do(ctx, p.jobs[i])
		if cancelscope.IsCancellation(ctx, err) {
			return err
		}
		e := event{Type: "result", Run: p.number, Job: i + 1, ID: p.jobs[i].ID, Value: value}
		if err != nil {
			// A job that fails is a result like others: as an error of the task it would
			// cancel its siblings.
			e.Value, e.Error = "", err.Error()
		}
		return results.Send(ctx, e)
	})
}
