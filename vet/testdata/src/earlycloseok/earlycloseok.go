package earlycloseok

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"

	"github.com/trellis-go/trellis/nursery"
)

func read(ctx context.Context, f *os.File) error      { return nil }
func serve(ctx context.Context, l net.Listener) error { return nil }

func outside(ctx context.Context) error {
	f, err := os.Open("x")
	if err != nil {
		return err
	}
	defer f.Close()
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return read(ctx, f) })
		return nil
	})
}

// The task that uses it closes it.
func inTask(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		f, err := os.Open("x")
		if err != nil {
			return err
		}
		n.Go(func(ctx context.Context) error {
			defer f.Close()
			return read(ctx, f)
		})
		return nil
	})
}

// No task uses it.
func bodyOnly(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		f, err := os.Open("x")
		if err != nil {
			return err
		}
		defer f.Close()
		n.Go(func(ctx context.Context) error { return nil })
		_, err = f.Stat()
		return err
	})
}

// The body waits: for a task, for a group of its own, on a channel, or in a call.
func waits(ctx context.Context, l net.Listener, f *os.File) error {
	return errors.Join(
		nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			defer f.Close()
			t := nursery.Spawn(n, "read", func(ctx context.Context) (int, error) { return 0, read(ctx, f) })
			_, err := t.Wait(ctx)
			return err
		}),
		nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			defer f.Close()
			var wg sync.WaitGroup
			wg.Add(1)
			n.Go(func(ctx context.Context) error { defer wg.Done(); return read(ctx, f) })
			wg.Wait()
			return nil
		}),
		nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			defer f.Close()
			done := make(chan struct{})
			n.Go(func(ctx context.Context) error { defer close(done); return read(ctx, f) })
			<-done
			return nil
		}),
		// Closing the listener is how the task ends.
		nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			defer l.Close()
			n.Go(func(ctx context.Context) error { return serve(ctx, l) })
			<-ctx.Done()
			return nil
		}),
		nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			defer f.Close()
			n.Go(func(ctx context.Context) error { _, err := f.Stat(); return err })
			return read(ctx, f)
		}),
	)
}

// The task expects it.
func expected(ctx context.Context, l net.Listener) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		defer l.Close()
		n.Go(func(ctx context.Context) error {
			if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
				return err
			}
			return nil
		})
		return nil
	})
}

// The body produces, the tasks receive until the channel is closed.
func producer(ctx context.Context) error {
	ch := make(chan int, 10)
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		defer close(ch)
		n.Go(func(ctx context.Context) error {
			for range ch {
			}
			return nil
		})
		return nil
	})
}

// Start returns when the task is ready, and the body of another nursery has its own tasks.
func started(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, outer *nursery.Nursery) error {
		f, err := os.Open("x")
		if err != nil {
			return err
		}
		defer f.Close()
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return read(ctx, f) })
			return nil
		})
	})
}
