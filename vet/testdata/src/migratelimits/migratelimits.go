package migratelimits

import (
	"context"
	"errors"
	"time"
)

func fetch(ctx context.Context, url string) (int, error) { return 0, nil }
func work(ctx context.Context)                           {}

func named(ctx context.Context) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second) // want `this limit can be one of deadline.Limit`
	defer cancel()
	return fetch(ctx, "a")
}

// The results get names.
func unnamed(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second) // want `this limit can be one of deadline.Limit`
	defer cancel()                                         // in the end
	_, err := fetch(ctx, "a")
	return err
}

func two(ctx context.Context) (int, error) {
	limited, cancel := context.WithTimeout(ctx, time.Second) // want `this limit can be one of deadline.Limit`
	defer cancel()
	return fetch(limited, "a")
}

func literal(ctx context.Context) func() error {
	return func() error {
		ctx, cancel := context.WithTimeout(ctx, time.Second) // want `this limit can be one of deadline.Limit`
		defer cancel()
		if _, err := fetch(ctx, "a"); err != nil {
			return err
		}
		return nil
	}
}

func taken(ctx context.Context, end string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second) // want `this limit can be one of deadline.Limit`
	defer cancel()
	_, err := fetch(ctx, end)
	return err
}

// One after the other, with one variable for the contexts.
func three(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Hour) // want `this limit can be one of deadline.Limit`
	defer cancel()
	ctx, cancel2 := context.WithTimeout(ctx, time.Minute) // want `this limit can be one of deadline.Limit`
	defer cancel2()
	ctx, cancel3 := context.WithTimeout(ctx, time.Second) // want `this limit can be one of deadline.Limit`
	defer cancel3()
	_, err := fetch(ctx, "a")
	return err
}

// Limits that stay.

func noError(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second) // want `this limit stays: the function returns no error`
	defer cancel()
	work(ctx)
}

func loop(ctx context.Context, urls []string) error {
	for _, url := range urls {
		ctx, cancel := context.WithTimeout(ctx, time.Second) // want `this limit stays: it is in a loop`
		defer cancel()
		fetch(ctx, url)
	}
	return nil
}

func hidden(ctx context.Context) (err error) {
	{
		err := errors.New("x")
		ctx, cancel := context.WithTimeout(ctx, time.Second) // want `this limit stays: the error of the function is hidden here`
		defer cancel()
		_, err = fetch(ctx, "a")
		_ = err
	}
	return nil
}

func blank(ctx context.Context) (_ error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second) // want `this limit stays: the error of the function is called _`
	defer cancel()
	work(ctx)
	return nil
}

// Not of the form.

func notDeferred(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	_, err := fetch(ctx, "a")
	cancel()
	return err
}

func calledElsewhere(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	cancel()
	_, err := fetch(ctx, "a")
	return err
}
