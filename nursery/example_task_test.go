package nursery_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/nursery"
)

// Wait until a server listens, and then let it run beside what comes next.
func ExampleStart() {
	requests := make(chan string)
	serve := func(ctx context.Context, started func(addr string)) error {
		started("127.0.0.1:4000") // the address it has got
		for {
			select {
			case r := <-requests:
				fmt.Println("served:", r)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		addr, err := nursery.Start(ctx, n, "", serve)
		if err != nil {
			return err
		}
		fmt.Println("listening on", addr)
		requests <- "GET /"
		n.Scope().Cancel(nil)
		return nil
	})
	fmt.Println(err)
	// Output:
	// listening on 127.0.0.1:4000
	// served: GET /
	// <nil>
}

// Learn at once, and by name, that something could not be started.
func ExampleStart_named() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		_, err := nursery.Start(ctx, n, "listener", func(ctx context.Context, started func(int)) error {
			return errors.New("address in use")
		})
		fmt.Println("Start:", err)
		return nil // the nursery has not been touched
	})
	fmt.Println("Run:", err)
	// Output:
	// Start: address in use
	// Run: <nil>
}

// Start a task that says when it is ready and has a result in the end.
func ExampleStartTask() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		size, sum, err := nursery.StartTask(ctx, n, "", func(ctx context.Context, started func(int)) (string, error) {
			started(1024)
			return "d41d8cd9", nil
		})
		if err != nil {
			return err
		}
		s, err := sum.Wait(ctx)
		fmt.Println(size, s)
		return err
	})
	fmt.Println(err)
	// Output:
	// 1024 d41d8cd9
	// <nil>
}

// Get results from tasks.
func ExampleSpawn() {
	var a, b *nursery.Task[int]
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		a = nursery.Spawn(n, "", func(ctx context.Context) (int, error) { return 6, nil })
		b = nursery.Spawn(n, "", func(ctx context.Context) (int, error) { return 7, nil })
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	x, _ := a.Result() // there for certain once Run has returned
	y, _ := b.Result()
	fmt.Println(x * y)
	// Output: 42
}

// Name a task that has a result.
func ExampleSpawn_named() {
	nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		t := nursery.Spawn(n, "count", func(ctx context.Context) (int, error) { return 3, nil })
		fmt.Println(t.Name())
		return nil
	})
	// Output: count
}

// Use the result of one task in another.
func ExampleTask_Wait() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		token := nursery.Spawn(n, "", func(ctx context.Context) (string, error) { return "t-42", nil })
		n.Go(func(ctx context.Context) error {
			s, err := token.Wait(ctx)
			if err != nil {
				return err
			}
			fmt.Println("got", s)
			return nil
		})
		return nil
	})
	fmt.Println(err)
	// Output:
	// got t-42
	// <nil>
}

// Look whether a result is there without waiting for it.
func ExampleTask_Result() {
	nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		begin := make(chan struct{})
		t := nursery.Spawn(n, "", func(ctx context.Context) (int, error) { <-begin; return 1, nil })
		_, err := t.Result()
		fmt.Println(err)
		close(begin)
		return nil
	})
	// Output: task has not finished
}

// Wait for a task beside other things.
func ExampleTask_Done() {
	nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		t := nursery.Spawn(n, "", func(ctx context.Context) (string, error) { return "ready", nil })
		select {
		case <-t.Done():
			fmt.Println(t.Result())
		case <-ctx.Done():
		}
		return nil
	})
	// Output: ready <nil>
}

// Say which task a result comes from.
func ExampleTask_Name() {
	nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		for _, t := range []*nursery.Task[int]{
			nursery.Spawn(n, "apples", func(ctx context.Context) (int, error) { return 3, nil }),
			nursery.Spawn(n, "pears", func(ctx context.Context) (int, error) { return 5, nil }),
		} {
			count, err := t.Wait(ctx)
			fmt.Println(t.Name(), count, err)
		}
		return nil
	})
	// Output:
	// apples 3 <nil>
	// pears 5 <nil>
}

// End one task and leave the others alone.
func ExampleTask_Cancel() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		t := nursery.Spawn(n, "", func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		})
		t.Cancel(errors.New("superseded"))
		_, err := t.Wait(ctx)
		var c *cancelscope.Canceled
		fmt.Println(errors.As(err, &c), err)
		return ctx.Err()
	})
	fmt.Println(err)
	// Output:
	// true scope canceled: superseded
	// <nil>
}

// Cancel one task and leave the others alone.
func ExampleNursery_Task() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		search := n.Task("search", func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})
		search.Cancel(nil)
		<-search.Done()
		fmt.Println(ctx.Err())
		return nil
	})
	fmt.Println(err)
	// Output:
	// <nil>
	// <nil>
}

// Collect results after the nursery has been canceled.
func ExampleTask_Join() {
	nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		sum := nursery.Spawn(n, "sum", func(ctx context.Context) (int, error) { return 1 + 2, nil })
		n.Scope().Cancel(nil)
		fmt.Println(sum.Join()) // sum.Wait(ctx) might return the cancellation of ctx
		return nil
	})
	// Output: 3 <nil>
}
