package main

import (
	"context"
	"time"
)

// grace is how long a call of the operating system may continue after the time limit, or a
// signal. One that reads a block of a disk ends long before that.
const grace = time.Second

// await returns what fn returns. If ctx is done, and fn does not return within the grace,
// await returns the cause of ctx, and fn is abandoned: it continues in a goroutine that no
// task waits for, until it returns, or the process ends. If ctx was done before, fn is not
// called.
//
// This is for calls of the operating system that nothing can interrupt, such as those on a
// network file system whose server does not answer. A nursery would wait for them, and
// with it the whole program, whatever its time limit is.
func await[T any](ctx context.Context, fn func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	var none T
	if ctx.Err() != nil {
		return none, context.Cause(ctx)
	}
	results := make(chan result, 1) // so that an abandoned fn can still end
	go func() {
		value, err := fn()
		results <- result{value, err}
	}()
	select {
	case r := <-results:
		return r.value, r.err
	case <-ctx.Done():
	}
	limit := time.NewTimer(grace)
	defer limit.Stop()
	select {
	case r := <-results:
		return r.value, r.err
	case <-limit.C:
		return none, context.Cause(ctx)
	}
}
