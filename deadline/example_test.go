package deadline_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
)

// Use what is there when the time is up, and continue without the rest.
func ExampleMoveOnAfter() {
	expired, err := deadline.MoveOnAfter(context.Background(), time.Millisecond, func(ctx context.Context) error {
		return deadline.Sleep(ctx, time.Hour)
	})
	fmt.Println(expired, err)
	// Output: true <nil>
}

// Work until a moment that was fixed earlier.
func ExampleMoveOnAt() {
	end := time.Now().Add(time.Millisecond)
	expired, err := deadline.MoveOnAt(context.Background(), end, func(ctx context.Context) error {
		return deadline.SleepUntil(ctx, end.Add(time.Hour))
	})
	fmt.Println(expired, err)
	// Output: true <nil>
}

// Give several steps one limit together.
func ExampleFailAfter() {
	step := func(ctx context.Context) error { return deadline.Sleep(ctx, 3*time.Millisecond) }
	err := deadline.FailAfter(context.Background(), 4*time.Millisecond, func(ctx context.Context) error {
		if err := step(ctx); err != nil {
			return err
		}
		return step(ctx)
	})
	fmt.Println(err)
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	// Output:
	// too slow: limit of 4ms exceeded
	// true
}

// Say which limit it was, for the code that decides whether to try again.
func ExampleFailScope_reason() {
	errBusy := errors.New("the database is busy")
	s := cancelscope.Scope{Reason: errBusy}
	s.SetTimeout(time.Millisecond)
	err := deadline.FailScope(context.Background(), &s, func(ctx context.Context) error {
		return deadline.Sleep(ctx, time.Hour)
	})
	fmt.Println(errors.Is(err, errBusy), errors.Is(err, context.DeadlineExceeded))
	// Output: true true
}

// Give a function that has a result a limit.
func ExampleCall() {
	lookup := func(ctx context.Context) (string, error) { return "192.0.2.1", nil }
	addr, err := deadline.Call(context.Background(), time.Minute, lookup)
	fmt.Println(addr, err)
	// Output: 192.0.2.1 <nil>
}

// Fail when a moment that was fixed earlier has come.
func ExampleFailAt() {
	err := deadline.FailAt(context.Background(), time.Now(), func(ctx context.Context) error {
		return deadline.Sleep(ctx, 0) // a checkpoint
	})
	var slow *deadline.TooSlowError
	fmt.Println(errors.As(err, &slow))
	// Output: true
}

// Push a failing limit back while data comes in.
func ExampleFailScope() {
	idle := cancelscope.Scope{Name: "download", Adjustable: true}
	idle.SetTimeout(time.Minute)
	err := deadline.FailScope(context.Background(), &idle, func(ctx context.Context) error {
		for range 3 {
			idle.SetTimeout(time.Minute) // a block has come
		}
		idle.SetTimeout(0) // and then none in time
		return deadline.Sleep(ctx, time.Second)
	})
	var slow *deadline.TooSlowError
	fmt.Println(errors.As(err, &slow), slow.Name)
	// Output: true download
}

// Do not begin what cannot be finished in time.
func ExampleEffective() {
	deadline.MoveOnAfter(context.Background(), time.Second, func(ctx context.Context) error {
		if t, ok := deadline.Effective(ctx); ok && time.Until(t) < time.Minute {
			fmt.Println("not enough time for a backup")
		}
		return nil
	})
	// Output: not enough time for a backup
}

// Wait in a way that can be interrupted.
func ExampleSleep() {
	var s cancelscope.Scope
	s.Cancel(errors.New("woken"))
	s.Run(context.Background(), func(ctx context.Context) error {
		err := deadline.Sleep(ctx, time.Hour)
		fmt.Println(err)
		return err
	})
	// Output: scope canceled: woken
}

// Wake up at a given time.
func ExampleSleepUntil() {
	begin := time.Now()
	err := deadline.SleepUntil(context.Background(), begin.Add(time.Millisecond))
	fmt.Println(time.Since(begin) >= time.Millisecond, err)
	// Output: true <nil>
}
