package lifetime

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/deadline"
	"github.com/trellis-go/trellis/temporal/nursery"
	"github.com/trellis-go/trellis/temporal/wait"
)

// A Balance is the state of [Account]: what continue-as-new hands to the next run.
type Balance struct {
	Amount    int
	Deposits  int // in all runs
	Reminders int
	Limit     int // deposits in one run
	Closed    bool
}

// Account is a workflow that lives for years. Signals bring deposits, an update withdraws, a query
// asks for the balance. After so many deposits, or when the server suggests it, it continues as a new
// run with an empty history.
//
// A scope tree cannot cross from one run to the next, so Account drains first: it stops accepting,
// lets the work in progress and the handlers of updates end, takes the signals that have come
// meanwhile, and only then returns the ContinueAsNewError, from outside of the nursery.
func Account(ctx workflow.Context, b Balance) (Balance, error) {
	deposits := workflow.GetSignalChannel(ctx, "deposit")
	closing := workflow.GetSignalChannel(ctx, "close")
	if err := handle(ctx, &b); err != nil {
		return b, err
	}
	accept := cancelscope.Scope{Name: "accept"}
	inRun := 0
	err := nursery.Config{Name: "account"}.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
		n.Background("reminders", func(ctx workflow.Context) error {
			for {
				if err := deadline.Sleep(ctx, 30*24*time.Hour); err != nil {
					return err
				}
				b.Reminders++
			}
		})
		return accept.Run(ctx, func(ctx workflow.Context) error {
			s := wait.NewSelector(ctx)
			s.AddReceive(deposits, func(c workflow.ReceiveChannel, _ bool) {
				var amount int
				c.Receive(ctx, &amount)
				inRun++
				n.GoNamed(fmt.Sprint("deposit ", b.Deposits+1), func(ctx workflow.Context) error {
					b.Deposits++
					return deadline.Sleep(ctx, time.Second) // books it, in truth by an activity
				})
				b.Amount += amount
			})
			s.AddReceive(closing, func(c workflow.ReceiveChannel, _ bool) {
				c.Receive(ctx, nil)
				b.Closed = true
			})
			for !b.Closed && inRun < b.Limit && !workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
				if err := s.Select(ctx); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil || b.Closed {
		return b, err
	}
	// The nursery has ended, with everything in it. Handlers of updates have not, perhaps.
	if err := wait.Until(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); err != nil {
		return b, err
	}
	for amount := 0; deposits.ReceiveAsync(&amount); {
		b.Amount += amount
		b.Deposits++
	}
	// Every channel: a signal that this run has and does not take is lost.
	if closing.ReceiveAsync(nil) {
		b.Closed = true
		return b, nil
	}
	return b, workflow.NewContinueAsNewError(ctx, Account, b)
}

// handle sets the handlers of the query and the update.
func handle(ctx workflow.Context, b *Balance) error {
	if err := workflow.SetQueryHandler(ctx, "balance", func() (Balance, error) { return *b, nil }); err != nil {
		return err
	}
	// A handler runs in a coroutine of its own with the context of the workflow, so a scope in it is
	// the outermost one, and a failure in it is the caller's alone.
	withdraw := func(ctx workflow.Context, amount int) (int, error) {
		err := deadline.FailAfter(ctx, 24*time.Hour, func(ctx workflow.Context) error {
			return wait.Until(ctx, func() bool { return b.Amount >= amount })
		})
		if err != nil {
			return b.Amount, err
		}
		b.Amount -= amount
		return b.Amount, nil
	}
	check := func(_ workflow.Context, amount int) error {
		if amount <= 0 {
			return fmt.Errorf("withdraw %d: pass a positive amount", amount)
		}
		return nil
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, "withdraw", withdraw, workflow.UpdateHandlerOptions{Validator: check})
}
