package cancelscope_test

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
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

// A scope calls off a part of a workflow when it is not needed any more.
func ExampleScope() {
	run(func(ctx workflow.Context) error {
		var reminders cancelscope.Scope
		workflow.Go(ctx, func(ctx workflow.Context) {
			_ = workflow.Sleep(ctx, 49*time.Hour) // the customer pays
			reminders.Cancel(errors.New("paid"))
		})
		err := reminders.Run(ctx, func(ctx workflow.Context) error {
			for {
				if err := deadline.Sleep(ctx, 24*time.Hour); err != nil {
					return err
				}
				fmt.Println("please pay")
			}
		})
		fmt.Println(err, reminders.CanceledCaught(), reminders.Cause())
		return nil
	})
	// Output:
	// please pay
	// please pay
	// <nil> true scope canceled: paid
}

// A deadline that moves: each sign of life gives the work more time.
func ExampleScope_SetTimeout() {
	run(func(ctx workflow.Context) error {
		start := workflow.Now(ctx)
		session := cancelscope.Scope{Name: "session"}
		session.SetTimeout(10 * time.Minute)
		workflow.Go(ctx, func(ctx workflow.Context) {
			for range 3 {
				_ = workflow.Sleep(ctx, 5*time.Minute)
				session.SetTimeout(10 * time.Minute)
			}
		})
		_ = session.Run(ctx, func(ctx workflow.Context) error { return deadline.Sleep(ctx, 24*time.Hour) })
		at, _ := session.Deadline()
		fmt.Println(at.Sub(start), session.CancelCalled(), session.Cause())
		return nil
	})
	// Output: 25m0s true scope "session" canceled: deadline passed
}

// A deadline at a time of day, taken from the workflow's clock.
func ExampleScope_SetDeadline() {
	run(func(ctx workflow.Context) error {
		var s cancelscope.Scope
		s.SetDeadline(workflow.Now(ctx).Add(time.Hour))
		err := s.Run(ctx, func(ctx workflow.Context) error { return deadline.Sleep(ctx, 24*time.Hour) })
		fmt.Println(err, s.CanceledCaught())
		return nil
	})
	// Output: <nil> true
}

// A step that must not be interrupted raises a shield around itself.
func ExampleScope_SetShield() {
	run(func(ctx workflow.Context) error {
		var outer, step cancelscope.Scope
		return outer.Run(ctx, func(ctx workflow.Context) error {
			return step.Run(ctx, func(ctx workflow.Context) error {
				step.SetShield(true)
				outer.Cancel(nil)
				fmt.Println("under the shield:", deadline.Sleep(ctx, time.Minute))
				step.SetShield(false)
				err := deadline.Sleep(ctx, time.Minute)
				fmt.Println("without it:", err)
				return err
			})
		})
	})
	// Output:
	// under the shield: <nil>
	// without it: scope canceled
}

// Clean-up in work that is being canceled needs a shield, and a limit of its own.
func ExampleShield() {
	run(func(ctx workflow.Context) error {
		var s cancelscope.Scope
		return s.Run(ctx, func(ctx workflow.Context) error {
			s.Cancel(nil)
			err := deadline.Sleep(ctx, time.Hour)
			undo := cancelscope.Shield(ctx, time.Minute, func(ctx workflow.Context) error {
				return deadline.Sleep(ctx, time.Second) // undoes what was done
			})
			fmt.Println("undo:", undo)
			return err
		})
	})
	// Output: undo: <nil>
}

// The same, deferred. It also runs when the function returns early.
func ExampleCleanup() {
	run(func(ctx workflow.Context) (err error) {
		defer cancelscope.Cleanup(ctx, &err, time.Minute, func(ctx workflow.Context) error {
			fmt.Println("undone")
			return nil
		})
		return deadline.Sleep(ctx, time.Hour)
	})
	// Output: undone
}

// A function that stops because of its context says why.
func ExampleCause() {
	run(func(ctx workflow.Context) error {
		s := cancelscope.Scope{Name: "import"}
		return s.Run(ctx, func(ctx workflow.Context) error {
			for page := 0; ; page++ {
				if page == 2 {
					s.Cancel(errors.New("enough pages"))
				}
				if err := cancelscope.Cause(ctx); err != nil {
					fmt.Println("stopped at page", page, "because:", err)
					return err
				}
			}
		})
	})
	// Output: stopped at page 2 because: scope "import" canceled: enough pages
}

// Code that looks at errors must not take a cancellation for a failure, or the reverse.
func ExampleSplit() {
	run(func(ctx workflow.Context) error {
		var s cancelscope.Scope
		return s.Run(ctx, func(ctx workflow.Context) error {
			s.Cancel(nil)
			err := errors.Join(errors.New("no vacancy"), deadline.Sleep(ctx, time.Hour))
			canceled, rest := cancelscope.Split(ctx, err)
			fmt.Println("canceled:", canceled)
			fmt.Println("failed:", rest)
			return canceled
		})
	})
	// Output:
	// canceled: scope canceled
	// failed: no vacancy
}

// A loop that continues after failures must end when it is canceled.
func ExampleIsCancellation() {
	run(func(ctx workflow.Context) error {
		var s cancelscope.Scope
		return s.Run(ctx, func(ctx workflow.Context) error {
			for attempt := 1; ; attempt++ {
				if attempt == 3 {
					s.Cancel(nil)
				}
				err := deadline.Sleep(ctx, time.Minute)
				if cancelscope.IsCancellation(ctx, err) {
					fmt.Println("ended in attempt", attempt)
					return err
				}
			}
		})
	})
	// Output: ended in attempt 3
}

// An activity that reports its cancellation as a failure of its own.
func ExampleAsCancellation() {
	run(func(ctx workflow.Context) error {
		transfer := func(workflow.Context) error {
			return temporal.NewApplicationError("connection closed", "Aborted")
		}
		var s cancelscope.Scope
		err := s.Run(ctx, func(ctx workflow.Context) error {
			s.Cancel(nil)
			return cancelscope.AsCancellation(ctx, transfer(ctx))
		})
		fmt.Println(err, s.CanceledCaught())
		return nil
	})
	// Output: <nil> true
}
