package wait_test

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/deadline"
	"github.com/trellis-go/trellis/temporal/internal/wftest"
	"github.com/trellis-go/trellis/temporal/nursery"
	"github.com/trellis-go/trellis/temporal/wait"
)

// run runs fn as a workflow. The examples call it in place of a worker.
func run(fn func(ctx workflow.Context) error) {
	if err := wftest.Run(fn); err != nil {
		fmt.Println("the workflow failed:", err)
	}
}

// Waiting for a result at most so long, without a selector and a timer.
func ExampleGet() {
	run(func(ctx workflow.Context) error {
		answer, _ := workflow.NewFuture(ctx) // never answered
		expired, err := deadline.MoveOnAfter(ctx, time.Hour, func(ctx workflow.Context) error {
			var text string
			return wait.Get(ctx, answer, &text)
		})
		fmt.Println(expired, err)
		return nil
	})
	// Output: true <nil>
}

// Waiting for a signal at most so long.
func ExampleReceive() {
	run(func(ctx workflow.Context) error {
		approvals := workflow.GetSignalChannel(ctx, "approve")
		err := deadline.FailAfter(ctx, time.Hour, func(ctx workflow.Context) error {
			var by string
			_, err := wait.Receive(ctx, approvals, &by)
			return err
		})
		fmt.Println(err)
		return nil
	})
	// Output: too slow: limit of 1h0m0s exceeded
}

// Sending to a task that may have stopped listening.
func ExampleSend() {
	run(func(ctx workflow.Context) error {
		orders := workflow.NewChannel(ctx) // no task receives
		expired, err := deadline.MoveOnAfter(ctx, time.Minute, func(ctx workflow.Context) error {
			return wait.Send(ctx, orders, "order 1")
		})
		fmt.Println(expired, err)
		return nil
	})
	// Output: true <nil>
}

// A loop over a selector that ends with its scope.
func ExampleSelector() {
	run(func(ctx workflow.Context) error {
		ticks := workflow.NewChannel(ctx)
		workflow.Go(ctx, func(ctx workflow.Context) {
			for i := range 2 {
				_ = workflow.Sleep(ctx, time.Minute)
				ticks.Send(ctx, i)
			}
		})
		_, err := deadline.MoveOnAfter(ctx, time.Hour, func(ctx workflow.Context) error {
			selector := wait.NewSelector(ctx)
			selector.AddReceive(ticks, func(c workflow.ReceiveChannel, _ bool) {
				var i int
				c.Receive(ctx, &i)
				fmt.Println("tick", i)
			})
			for {
				if err := selector.Select(ctx); err != nil {
					return err
				}
			}
		})
		return err
	})
	// Output:
	// tick 0
	// tick 1
}

// Waiting for a state that signals or updates change.
func ExampleUntil() {
	run(func(ctx workflow.Context) error {
		paid := 0
		return nursery.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
			n.Go(func(ctx workflow.Context) error {
				for range 3 {
					if err := deadline.Sleep(ctx, time.Minute); err != nil {
						return err
					}
					paid += 50
				}
				return nil
			})
			err := wait.Until(ctx, func() bool { return paid >= 100 })
			fmt.Println(err, paid)
			return err
		})
	})
	// Output: <nil> 100
}

// The values of a channel as items, two at a time.
func ExampleFrom() {
	run(func(ctx workflow.Context) error {
		orders := workflow.NewBufferedChannel(ctx, 3)
		for i := range 3 {
			orders.Send(ctx, i)
		}
		orders.Close()
		return nursery.ForEach(ctx, 2, wait.From[int](orders), func(ctx workflow.Context, order int) error {
			fmt.Println("order", order)
			return nil
		})
	})
	// Output:
	// order 0
	// order 1
	// order 2
}
