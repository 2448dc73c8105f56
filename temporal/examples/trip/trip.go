package main

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/temporal/activityscope"
	"github.com/trellis-go/trellis/temporal/call"
	"github.com/trellis-go/trellis/temporal/cancelscope"
	limits "github.com/trellis-go/trellis/temporal/deadline"
	"github.com/trellis-go/trellis/temporal/nursery"
)

// A Booking is one thing to book.
type Booking struct {
	What  string
	Takes time.Duration
	Full  bool
}

// Trip books everything at once, or nothing: when one booking fails, the others are canceled, Run
// returns when they have ended, and what had been booked by then is given back. Giving back is
// shielded: it continues also if the trip itself is canceled, or takes too long.
func Trip(ctx workflow.Context, bookings []Booking) (err error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 5 * time.Minute,
		HeartbeatTimeout:    2 * time.Second, // how soon a cancellation, or a dead worker, is noticed
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second},
	})
	var booked []Booking
	defer cancelscope.Cleanup(ctx, &err, time.Hour, func(ctx workflow.Context) error {
		if err == nil {
			return nil
		}
		return nursery.Config{Supervise: true}.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
			for _, b := range booked {
				n.GoNamed("give back the "+b.What, func(ctx workflow.Context) error {
					_, err := call.Activity[any](ctx, GiveBack, b)
					return err
				})
			}
			return nil
		})
	})
	return limits.FailAfter(ctx, 24*time.Hour, func(ctx workflow.Context) error {
		return nursery.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
			for _, b := range bookings {
				n.GoNamed(b.What, func(ctx workflow.Context) error {
					_, err := call.Activity[any](ctx, Book, b)
					if err == nil {
						booked = append(booked, b)
					}
					return err
				})
			}
			return nil
		})
	})
}

// Book is an activity: ordinary Go code, in any worker.
func Book(ctx context.Context, b Booking) error {
	_, err := activityscope.Run(ctx, func(ctx context.Context) (any, error) {
		say("books the %s, attempt %d", b.What, activity.GetInfo(ctx).Attempt)
		if err := deadline.Sleep(ctx, b.Takes); err != nil {
			say("stops booking the %s, canceled by the %s", b.What, activityscope.Why(ctx))
			return nil, err
		}
		if b.Full {
			say("finds no %s", b.What)
			return nil, temporal.NewNonRetryableApplicationError("no vacancy", "Full", nil)
		}
		say("has the %s", b.What)
		return nil, nil
	})
	return err
}

// GiveBack is an activity that undoes a booking.
func GiveBack(_ context.Context, b Booking) error {
	say("gives the %s back", b.What)
	return nil
}

// say writes a line for the process that shows what happens where.
func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }
