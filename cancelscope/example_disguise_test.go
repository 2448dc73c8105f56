package cancelscope_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

// Run a command with a time limit: package os/exec kills it and reports the signal.
func ExampleAsCancellation_command() {
	limit := cancelscope.Scope{Name: "convert"}
	err := deadline.FailScope(context.Background(), &limit, func(ctx context.Context) error {
		err := runCommand(ctx, func() { limit.SetTimeout(0) }) // exec.CommandContext(ctx, …).Run()
		fmt.Println(err)
		return cancelscope.AsCancellation(ctx, err)
	})
	_, tooSlow := errors.AsType[*cancelscope.TooSlowError](err)
	fmt.Println(tooSlow)
	// Output:
	// signal: killed
	// true
}

// Commit a transaction that package database/sql has rolled back, because its context
// was canceled.
func ExampleAsCancellation_transaction() {
	var order cancelscope.Scope
	err := order.Run(context.Background(), func(ctx context.Context) error {
		err := runTransaction(ctx, func() { order.Cancel(nil) }) // …, tx.Commit()
		fmt.Println(err)
		return cancelscope.AsCancellation(ctx, err)
	})
	fmt.Println(err, order.CanceledCaught())
	// Output:
	// sql: transaction has already been committed or rolled back
	// <nil> true
}

// Call a server whose client library reports a status of its own, in a nursery where
// another task fails: only that failure is reported.
func ExampleAsCancellation_status() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		waits := make(chan struct{})
		n.GoNamed("call", func(ctx context.Context) error {
			err := callRemotely(ctx, func() { close(waits) }) // client.Get(ctx, …)
			fmt.Println(err)
			return cancelscope.AsCancellation(ctx, err)
		})
		n.GoNamed("read", func(ctx context.Context) error {
			<-waits
			return errors.New("bad checksum")
		})
		return nil
	})
	fmt.Println(err)
	// Output:
	// rpc error: code = 1 desc = context canceled
	// read: bad checksum
}

// Find out whether an error is a disguise: print what is real although the context is
// done.
func ExampleIsCancellation_disguise() {
	var s cancelscope.Scope
	s.Run(context.Background(), func(ctx context.Context) error {
		err := callRemotely(ctx, func() { s.Cancel(nil) })
		if ctx.Err() != nil && !cancelscope.IsCancellation(ctx, err) {
			fmt.Printf("%T: %v\n", err, err)
		}
		return err
	})
	// Output: *cancelscope_test.statusError: rpc error: code = 1 desc = context canceled
}
