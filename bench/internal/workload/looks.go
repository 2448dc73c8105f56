package workload

import (
	"context"
	"errors"
	"fmt"
)

// looks: methods of a context that has others above it.
func (c Config) looks() []Workload {
	calls := []struct {
		label, title string
		call         func(ctx context.Context, calls int) error
	}{
		{"Err", "Err()", callErr},
		{"Done", "Done()", callDone},
		{"poll", "a select on Done() that does not wait", poll},
	}
	var all []Workload
	for _, l := range calls {
		for _, depth := range []int{1, 10, 50} {
			all = append(all, c.look(l.label, l.title, depth, l.call))
		}
	}
	return all
}

func callErr(ctx context.Context, calls int) error {
	var err error
	for range calls {
		err = ctx.Err()
	}
	return err
}

func callDone(ctx context.Context, calls int) error {
	var done <-chan struct{}
	for range calls {
		done = ctx.Done()
	}
	if done == nil {
		return errors.New("the context has no Done channel")
	}
	return nil
}

func poll(ctx context.Context, calls int) error {
	for range calls {
		select {
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
	}
	return nil
}

func (c Config) look(label, title string, depth int, call func(ctx context.Context, calls int) error) Workload {
	w := Workload{
		Name:  fmt.Sprintf("context/call=%s/depth=%d", label, depth),
		Title: fmt.Sprintf("%s at depth %d", title, depth),
		Unit:  "call", Units: c.count(100_000), Against: "std",
	}
	saw := c.seen(nothing)
	for _, n := range nesters {
		w.Entrants = append(w.Entrants, Entrant{n.Name, func() (func(Timer) error, func()) {
			var timer Timer // of the run that is under way
			run, release := underParent(n.Nest(depth, 0, func(ctx context.Context) error {
				saw()
				timer.StartTimer()
				defer timer.StopTimer()
				return call(ctx, w.Units)
			}), nothing)
			return func(t Timer) error {
				timer = t
				t.StopTimer()
				defer t.StartTimer()
				return run(t)
			}, release
		}})
	}
	return w
}
