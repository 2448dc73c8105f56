package outerctxok

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
	"golang.org/x/sync/errgroup"
)

type key struct{}

type client struct{ ctx context.Context }

func newClient(ctx context.Context) (*client, error) { return &client{ctx}, nil }
func fetch(ctx context.Context, url string) error    { return nil }
func userFromContext(ctx context.Context) string     { return "" }
func shutdown(ctx context.Context) error             { return nil }

// The usual form: the parameter hides the outer context.
func shadowed(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return fetch(ctx, "a") })
		return fetch(ctx, "b")
	})
}

// Asked, used for values, or made to last.
func observed(ctx context.Context) error {
	return nursery.Run(ctx, func(inner context.Context, n *nursery.Nursery) error {
		n.Go(func(task context.Context) error {
			slog.InfoContext(ctx, "started", "user", userFromContext(ctx))
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			select {
			case <-ctx.Done():
			default:
			}
			audit := context.WithoutCancel(ctx)
			return fetch(context.WithValue(audit, key{}, 1), "a")
		})
		return nil
	})
}

// The task knows that its own context is done.
func afterDone(ctx context.Context) error {
	return nursery.Run(ctx, func(inner context.Context, n *nursery.Nursery) error {
		n.Go(func(task context.Context) error {
			<-task.Done()
			return shutdown(ctx)
		})
		n.Go(func(task context.Context) error {
			if err := fetch(task, "a"); task.Err() != nil {
				return shutdown(ctx)
			} else {
				return err
			}
		})
		n.Go(func(task context.Context) error {
			defer shutdown(ctx)
			return fetch(task, "b")
		})
		return nil
	})
}

// A context that the block's own context does not come from.
func unrelated(ctx, request context.Context) error {
	background := context.Background()
	return nursery.Run(ctx, func(inner context.Context, n *nursery.Nursery) error {
		n.Go(func(context.Context) error { return fetch(request, "a") })
		n.Go(func(context.Context) error { return fetch(background, "b") })
		return nil
	})
}

// What the nursery's context is cannot be known here.
func handed(ctx context.Context, n *nursery.Nursery, url string) {
	n.Go(func(task context.Context) error { return fetch(task, url) })
}

type server struct{ n *nursery.Nursery }

func (s *server) handle(ctx context.Context) {
	s.n.Go(func(context.Context) error { return fetch(ctx, "a") })
}

func twoContexts(ctx context.Context, l net.Listener) error {
	return serve.UntilDrain(ctx, func(accept, work context.Context) error {
		return nursery.Run(work, func(inner context.Context, n *nursery.Nursery) error {
			n.Go(func(task context.Context) error { return fetch(accept, "a") })
			n.Go(func(task context.Context) error { return fetch(work, "b") })
			n.Go(func(task context.Context) error { serve.Drain(work, nil); return nil })
			return nil
		})
	})
}

// What is made under a limit may outlive it.
func outlives(ctx context.Context) (c *client, err error) {
	err = deadline.FailAfter(ctx, time.Second, func(limited context.Context) error {
		if err := fetch(limited, "a"); err != nil {
			return err
		}
		c, err = newClient(ctx)
		return err
	})
	return c, err
}

func judged(ctx context.Context) error {
	return deadline.FailAfter(ctx, time.Second, func(limited context.Context) error {
		return cancelscope.AsCancellation(ctx, fetch(limited, "a"))
	})
}

// A task of a group that uses both contexts has been thought about.
func groupWithBoth(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := fetch(gctx, "a"); err != nil {
			return err
		}
		return fetch(ctx, "b")
	})
	return g.Wait()
}

// The group's context has the name and the variable of the outer one.
func groupReassigned(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(ctx, "a") })
	return g.Wait()
}

func groupWithoutContext(ctx context.Context) error {
	g, _ := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(ctx, "a") })
	var zero errgroup.Group
	zero.Go(func() error { return fetch(ctx, "b") })
	return g.Wait()
}

// Functions that run at another time.
func stored(ctx context.Context) error {
	var later func() error
	err := nursery.Run(ctx, func(inner context.Context, n *nursery.Nursery) error {
		later = func() error { return fetch(ctx, "a") }
		return fetch(inner, "b")
	})
	later()
	return err
}

func ignored(ctx context.Context) error {
	return nursery.Run(ctx, func(inner context.Context, n *nursery.Nursery) error {
		n.Go(func(context.Context) error {
			return fetch(ctx, "a") //trellisvet:ignore outerctx the upload must not be cut short
		})
		return fetch(inner, "b")
	})
}

func both(task, outer context.Context) error { return nil }
func check(ctx context.Context)              {}

// The call gets both contexts.
func twoArguments(ctx context.Context) error {
	return nursery.Run(ctx, func(inner context.Context, n *nursery.Nursery) error {
		n.Go(func(task context.Context) error { return both(task, inner) })
		return both(inner, ctx)
	})
}

// A function that has a context and a nursery is not the body of that nursery.
func accept(ctx context.Context, n *nursery.Nursery, url string) {
	n.Go(func(context.Context) error { return fetch(ctx, url) })
}

// The variable is assigned to.
func assigned(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return nursery.Run(ctx, func(inner context.Context, n *nursery.Nursery) error {
		n.Go(func(context.Context) error { return fetch(ctx, "a") })
		return nil
	})
}

// Blocks that are opened inside of others on purpose, and functions that cannot fail.
func opened(ctx context.Context) error {
	var s cancelscope.Scope
	return s.Run(ctx, func(wire context.Context) error {
		check(ctx)
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return both(ctx, wire) })
			return nil
		})
	})
}

// The context of Start is that of the wait.
func start(ctx context.Context) error {
	return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
		_, err := nursery.Start(ctx, n, "", func(ctx context.Context, started func(int)) error {
			started(1)
			return nil
		})
		return err
	})
}

// What is found must be stored, also when the time is up.
func exempt(ctx context.Context) error {
	return deadline.FailAfter(ctx, time.Second, func(limited context.Context) error {
		if err := fetch(limited, "a"); err != nil {
			return err
		}
		return fetch(ctx, "b")
	})
}
