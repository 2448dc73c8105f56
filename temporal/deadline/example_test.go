package deadline_test

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/deadline"
	"github.com/trellis-go/trellis/temporal/internal/wftest"
)

// run runs fn as a workflow. The examples call it in place of a worker.
func run(fn func(ctx workflow.Context) error) {
	if err := wftest.Run(fn); err != nil {
		fmt.Println("the workflow failed:", err)
	}
}

// askManager stands for something that takes its time.
func askManager(ctx workflow.Context) error { return deadline.Sleep(ctx, 72*time.Hour) }

// A step that may be left out when it takes too long.
func ExampleMoveOnAfter() {
	run(func(ctx workflow.Context) error {
		expired, err := deadline.MoveOnAfter(ctx, 48*time.Hour, askManager)
		fmt.Println(expired, err)
		return nil
	})
	// Output: true <nil>
}

// The same with a point in time.
func ExampleMoveOnAt() {
	run(func(ctx workflow.Context) error {
		closing := workflow.Now(ctx).Add(8 * time.Hour)
		expired, err := deadline.MoveOnAt(ctx, closing, askManager)
		fmt.Println(expired, err)
		return nil
	})
	// Output: true <nil>
}

// A step whose limit is an error.
func ExampleFailAfter() {
	run(func(ctx workflow.Context) error {
		err := deadline.FailAfter(ctx, 48*time.Hour, askManager)
		var slow *deadline.TooSlowError
		fmt.Println(errors.As(err, &slow), err)
		return nil
	})
	// Output: true too slow: limit of 48h0m0s exceeded
}

// The same with a point in time.
func ExampleFailAt() {
	run(func(ctx workflow.Context) error {
		fmt.Println(deadline.FailAt(ctx, workflow.Now(ctx).Add(time.Hour), askManager))
		return nil
	})
	// Output: too slow: limit of 1h0m0s exceeded
}

// A limit with a name and a reason, which can be moved while the work runs.
func ExampleFailScope() {
	run(func(ctx workflow.Context) error {
		limit := cancelscope.Scope{Name: "approval", Reason: errors.New("no manager answered")}
		limit.SetTimeout(24 * time.Hour)
		err := deadline.FailScope(ctx, &limit, func(ctx workflow.Context) error {
			limit.SetTimeout(48 * time.Hour) // it is a weekend
			return askManager(ctx)
		})
		fmt.Println(err)
		return nil
	})
	// Output: "approval" too slow: limit of 48h0m0s exceeded: no manager answered
}

// A limit around a function with a result.
func ExampleCall() {
	run(func(ctx workflow.Context) error {
		price, err := deadline.Call(ctx, time.Minute, func(ctx workflow.Context) (int, error) {
			return 300, deadline.Sleep(ctx, time.Second)
		})
		fmt.Println(price, err)
		return nil
	})
	// Output: 300 <nil>
}

// A pause that ends when the work around it is canceled.
func ExampleSleep() {
	run(func(ctx workflow.Context) error {
		_, _ = deadline.MoveOnAfter(ctx, time.Hour, func(ctx workflow.Context) error {
			err := deadline.Sleep(ctx, 24*time.Hour)
			fmt.Println(err)
			return err
		})
		return nil
	})
	// Output: scope canceled: deadline passed
}

// A pause until a point in time.
func ExampleSleepUntil() {
	run(func(ctx workflow.Context) error {
		start := workflow.Now(ctx)
		err := deadline.SleepUntil(ctx, start.Add(time.Hour))
		fmt.Println(err, workflow.Now(ctx).Sub(start))
		return nil
	})
	// Output: <nil> 1h0m0s
}

// How much time is left, for work that can be done well or fast.
func ExampleEffective() {
	run(func(ctx workflow.Context) error {
		_, err := deadline.MoveOnAfter(ctx, time.Hour, func(ctx workflow.Context) error {
			if at, ok := deadline.Effective(ctx); ok {
				fmt.Println("left:", at.Sub(workflow.Now(ctx)))
			}
			return nil
		})
		return err
	})
	// Output: left: 1h0m0s
}
