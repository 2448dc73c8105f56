package lifetime

import (
	"context"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/temporal/activityscope"
	"github.com/trellis-go/trellis/temporal/call"
	"github.com/trellis-go/trellis/temporal/cancelscope"
	limits "github.com/trellis-go/trellis/temporal/deadline"
	"github.com/trellis-go/trellis/temporal/nursery"
)

// Book is an activity that takes a while, can be canceled, and says how it ended. The hotel is full.
func Book(ctx context.Context, what string, d time.Duration) (string, error) {
	return activityscope.Run(ctx, func(ctx context.Context) (string, error) {
		if err := deadline.Sleep(ctx, d); err != nil {
			return activityscope.Why(ctx).String(), err
		}
		if what == "hotel" {
			return "", temporal.NewNonRetryableApplicationError("no vacancy", "Full", nil)
		}
		return what, nil
	})
}

// Undo is an activity that takes back a booking.
func Undo(_ context.Context, what string) (string, error) { return "undone: " + what, nil }

// options gives activities of a context a heartbeat every second.
func options(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute,
		HeartbeatTimeout:    time.Second,
	})
}

// Trip books several things at once. If one cannot be had, the others are canceled and awaited, and
// what has been booked is undone, under a shield and a limit.
func Trip(ctx workflow.Context) (_ []string, err error) {
	ctx = options(ctx)
	var booked, undone []string
	defer cancelscope.Cleanup(ctx, &err, time.Minute, func(ctx workflow.Context) error {
		if err == nil {
			return nil
		}
		return nursery.ForEach(ctx, nursery.NoLimit, booked, func(ctx workflow.Context, what string) error {
			s, err := call.Activity[string](ctx, Undo, what)
			undone = append(undone, s)
			return err
		})
	})
	_ = workflow.SetQueryHandler(ctx, "undone", func() ([]string, error) { return undone, nil })
	err = nursery.Config{Name: "trip"}.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
		for _, b := range []struct {
			what string
			d    time.Duration
		}{{"car", 0}, {"hotel", 500 * time.Millisecond}, {"flight", 30 * time.Second}} {
			n.GoNamed(b.what, func(ctx workflow.Context) error {
				s, err := call.Activity[string](ctx, Book, b.what, b.d)
				if err == nil {
					booked = append(booked, s)
				}
				return err
			})
		}
		return nil
	})
	return booked, err
}

// Limited runs a child workflow under a limit that it exceeds, and returns what that returned.
func Limited(ctx workflow.Context) (string, error) {
	got := ""
	err := limits.FailAfter(ctx, time.Second, func(ctx workflow.Context) (err error) {
		got, err = call.Child[string](ctx, Slow)
		return err
	})
	return got, err
}

// Slow is a child workflow that cleans up for a while when it is canceled.
func Slow(ctx workflow.Context) (_ string, err error) {
	defer cancelscope.Cleanup(ctx, &err, time.Minute, func(ctx workflow.Context) error {
		return limits.Sleep(ctx, time.Second)
	})
	return "slept", limits.Sleep(ctx, time.Hour)
}

// Changed is a workflow whose code has changed: it had one step, and has two. Workflows that began
// before continue with one.
func Changed(ctx workflow.Context) (string, error) {
	ctx = options(ctx)
	steps := []string{"car"}
	if workflow.GetVersion(ctx, "two steps", workflow.DefaultVersion, 1) >= 1 {
		steps = append(steps, "boat")
	}
	got, err := nursery.Map(ctx, nursery.NoLimit, steps, func(ctx workflow.Context, step string) (string, error) {
		return call.Activity[string](ctx, Book, step, time.Duration(0))
	})
	if err != nil {
		return "", err
	}
	return got[len(got)-1], nil
}

// ChangedBefore is what [Changed] was.
func ChangedBefore(ctx workflow.Context) (string, error) {
	ctx = options(ctx)
	got, err := nursery.Map(ctx, nursery.NoLimit, []string{"car"}, func(ctx workflow.Context, step string) (string, error) {
		return call.Activity[string](ctx, Book, step, time.Duration(0))
	})
	if err != nil {
		return "", err
	}
	return got[len(got)-1], nil
}

// ChangedCarelessly is what must not be done: the new step without a version.
func ChangedCarelessly(ctx workflow.Context) (string, error) {
	ctx = options(ctx)
	got, err := nursery.Map(ctx, nursery.NoLimit, []string{"boat", "car"}, func(ctx workflow.Context, step string) (string, error) {
		return call.Activity[string](ctx, Book, step, time.Duration(0))
	})
	if err != nil {
		return "", err
	}
	return got[len(got)-1], limits.Sleep(ctx, time.Second)
}
