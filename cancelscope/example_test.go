package cancelscope_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
)

// Call off work that is no longer needed, without an error for it.
func ExampleScope() {
	var search cancelscope.Scope
	found := make(chan string, 1)
	err := search.Run(context.Background(), func(ctx context.Context) error {
		found <- "the answer"
		search.Cancel(nil) // usually another goroutine does
		<-ctx.Done()
		return ctx.Err()
	})
	fmt.Println(<-found, err, search.CanceledCaught())
	// Output: the answer <nil> true
}

// Distinguish a block that was called off from one that failed: the scope removes its
// own cancellation only.
func ExampleScope_Run() {
	var s cancelscope.Scope
	s.Cancel(nil)
	err := s.Run(context.Background(), func(ctx context.Context) error {
		<-ctx.Done()
		return errors.Join(ctx.Err(), errors.New("disk full"))
	})
	fmt.Println(err)
	fmt.Println(s.CanceledCaught())
	// Output:
	// disk full
	// true
}

// Give a reason, for those inside who ask.
func ExampleScope_Cancel() {
	s := cancelscope.Scope{Name: "upload"}
	s.Cancel(errors.New("a newer version has come"))
	s.Run(context.Background(), func(ctx context.Context) error {
		fmt.Println(ctx.Err())
		fmt.Println(context.Cause(ctx))
		return nil
	})
	// Output:
	// context canceled
	// scope "upload" canceled: a newer version has come
}

// See that a scope was canceled, though its block finished all the same.
func ExampleScope_CancelCalled() {
	var s cancelscope.Scope
	s.Run(context.Background(), func(ctx context.Context) error {
		s.Cancel(nil)
		return nil // was done anyway
	})
	fmt.Println(s.CancelCalled(), s.CanceledCaught())
	// Output: true false
}

// See that a scope was canceled and that its block was cut short by that.
func ExampleScope_CanceledCaught() {
	var s cancelscope.Scope
	s.Run(context.Background(), func(ctx context.Context) error {
		s.Cancel(nil)
		return ctx.Err()
	})
	fmt.Println(s.CancelCalled(), s.CanceledCaught())
	// Output: true true
}

// Ask afterwards why a block was cut short.
func ExampleScope_Cause() {
	var s cancelscope.Scope
	s.SetTimeout(0)
	s.Run(context.Background(), func(ctx context.Context) error {
		return ctx.Err()
	})
	var c *cancelscope.Canceled
	if errors.As(s.Cause(), &c) {
		fmt.Println(c.Kind())
	}
	// Output: deadline
}

// Bring the end of running work forward, as a server does that is shutting down.
func ExampleScope_SetTimeout() {
	var s cancelscope.Scope
	s.SetTimeout(time.Hour)
	err := s.Run(context.Background(), func(ctx context.Context) error {
		s.SetTimeout(time.Millisecond)
		<-ctx.Done()
		return ctx.Err()
	})
	fmt.Println(err, s.CanceledCaught())
	// Output: <nil> true
}

// Push the deadline back as long as there is progress.
func ExampleScope_SetDeadline() {
	s := cancelscope.Scope{Adjustable: true}
	s.SetDeadline(time.Now().Add(time.Minute))
	err := s.Run(context.Background(), func(ctx context.Context) error {
		for range 3 {
			s.SetDeadline(time.Now().Add(time.Minute))
		}
		s.SetDeadline(time.Time{}) // all there: take as long as you like
		return ctx.Err()
	})
	fmt.Println(err)
	// Output: <nil>
}

// Show how long a block has left.
func ExampleScope_Deadline() {
	var s cancelscope.Scope
	s.SetTimeout(time.Hour)
	_, ok := s.Deadline()
	fmt.Println("before Run:", ok) // counts from the entry
	s.Run(context.Background(), func(ctx context.Context) error {
		t, ok := s.Deadline()
		fmt.Println("inside:", ok, time.Until(t).Round(time.Hour))
		return nil
	})
	// Output:
	// before Run: false
	// inside: true 1h0m0s
}

// Let a transaction finish, whatever happens around it, but not be begun in vain.
func ExampleScope_SetShield() {
	var outer, transaction cancelscope.Scope
	transaction.SetShield(true)
	err := outer.Run(context.Background(), func(ctx context.Context) error {
		err := transaction.Run(ctx, func(ctx context.Context) error {
			outer.Cancel(nil)
			fmt.Println("inside:", ctx.Err())
			return nil
		})
		fmt.Println("after:", ctx.Err())
		return err
	})
	fmt.Println(err)
	// Output:
	// inside: <nil>
	// after: context canceled
	// <nil>
}

// Say goodbye although the connection's handler has been canceled.
func ExampleShield() {
	var handler cancelscope.Scope
	handler.Cancel(errors.New("client is gone"))
	handler.Run(context.Background(), func(ctx context.Context) error {
		err := cancelscope.Shield(ctx, 5*time.Second, func(ctx context.Context) error {
			fmt.Println("saying goodbye:", ctx.Err())
			return nil
		})
		fmt.Println("outside:", ctx.Err())
		return err
	})
	// Output:
	// saying goodbye: <nil>
	// outside: context canceled
}

// Clean up in a defer statement, without losing the error of it.
func ExampleCleanup() {
	upload := func(ctx context.Context) (err error) {
		defer cancelscope.Cleanup(ctx, &err, 5*time.Second, func(ctx context.Context) error {
			return errors.New("removing the parts: disk is read-only")
		})
		<-ctx.Done()
		return ctx.Err()
	}
	var s cancelscope.Scope
	s.Cancel(nil)
	fmt.Println(s.Run(context.Background(), upload))
	// Output: removing the parts: disk is read-only
}

// Recognize work that was cut short by a limit.
func ExampleTooSlowError() {
	err := cancelscope.Shield(context.Background(), time.Millisecond, func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	})
	if slow, ok := errors.AsType[*cancelscope.TooSlowError](err); ok {
		fmt.Println("gave up after", slow.Limit)
	}
	fmt.Println(err)
	// Output:
	// gave up after 1ms
	// shielded clean-up too slow: limit of 1ms exceeded
}

// Log failures and keep quiet about cancellations.
func ExampleIsCancellation() {
	var s cancelscope.Scope
	s.Cancel(nil)
	s.Run(context.Background(), func(ctx context.Context) error {
		for _, err := range []error{
			fmt.Errorf("read: %w", ctx.Err()),
			errors.New("read: bad checksum"),
		} {
			if !cancelscope.IsCancellation(ctx, err) {
				fmt.Println("failed:", err)
			}
		}
		return nil
	})
	// Output: failed: read: bad checksum
}

// Handle the real part of a joined error and hand the cancellation on.
func ExampleSplit() {
	var s cancelscope.Scope
	s.Cancel(nil)
	err := s.Run(context.Background(), func(ctx context.Context) error {
		err := errors.Join(errors.New("close: broken pipe"), ctx.Err())
		canceled, rest := cancelscope.Split(ctx, err)
		fmt.Println("handled:", rest)
		return canceled
	})
	fmt.Println(err)
	// Output:
	// handled: close: broken pipe
	// <nil>
}

// Find out who has canceled this.
func ExampleCanceled() {
	job := cancelscope.Scope{Name: "job"}
	job.Cancel(errors.New("no longer wanted"))
	job.Run(context.Background(), func(ctx context.Context) error {
		var c *cancelscope.Canceled
		if errors.As(context.Cause(ctx), &c) {
			fmt.Println(c.Scope(), "by", c.Kind(), "because:", c.Reason())
		}
		return nil
	})
	// Output: job by call because: no longer wanted
}

// Give a whole function one scope, without a block.
func ExampleScope_Enter() {
	search := func(ctx context.Context) (found string, err error) {
		var s cancelscope.Scope
		ctx, end := s.Enter(ctx)
		defer end(&err)

		s.Cancel(nil) // another goroutine has found enough
		<-ctx.Done()
		return "two of three", ctx.Err() // which ends at s
	}
	fmt.Println(search(context.Background()))
	// Output: two of three <nil>
}
