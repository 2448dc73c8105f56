package earlyclose

import (
	"context"
	"os"

	"github.com/trellis-go/trellis/nursery"
)

func read(ctx context.Context, f *os.File) error { return nil }
func open(ctx context.Context) (*os.File, error) { return nil, nil }

func file(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		f, err := os.Open("x")
		if err != nil {
			return err
		}
		defer f.Close() // want `Close runs when the body returns, while a task that uses f may run: defer it outside of the nursery`
		n.Go(func(ctx context.Context) error { return read(ctx, f) })
		return nil
	})
}

func directory(ctx context.Context, parts []string) error {
	return nursery.Config{Name: "parts"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		dir, err := os.MkdirTemp("", "x")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir) // want `RemoveAll runs when the body returns, while a task that uses dir may run`
		for _, part := range parts {
			n.GoNamed(part, func(ctx context.Context) error { return os.WriteFile(dir+part, nil, 0o600) })
		}
		return nil
	})
}

func opened(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		f, err := open(ctx)
		if err != nil {
			return err
		}
		defer f.Close() // want `Close runs when the body returns`
		nursery.Spawn(n, "read", func(ctx context.Context) (int, error) { return 0, read(ctx, f) })
		return nil
	})
}

func channel(ctx context.Context) error {
	ch := make(chan int, 10)
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		defer close(ch) // want `the body closes ch when it returns, while tasks that send on it may run: a send on a closed channel panics`
		n.Go(func(ctx context.Context) error { ch <- 1; return nil })
		return nil
	})
}
