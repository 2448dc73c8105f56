package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"github.com/trellis-go/trellis/nursery"
)

// Do several things at once, and continue when all of them are done.
func ExampleRun() {
	var sum atomic.Int64
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		for i := range int64(10) {
			n.Go(func(ctx context.Context) error {
				sum.Add(i)
				return nil
			})
		}
		return nil
	})
	fmt.Println(sum.Load(), err)
	// Output: 45 <nil>
}

// Get the failure, and not what it did to the others.
func ExampleRun_failure() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		for range 20 {
			n.Go(func(ctx context.Context) error {
				<-ctx.Done()
				return ctx.Err()
			})
		}
		n.GoNamed("fetch", func(ctx context.Context) error {
			return errors.New("connection refused")
		})
		return nil
	})
	fmt.Println(err)
	// Output: fetch: connection refused
}

// Bound how many tasks work at a time, as Trio's CapacityLimiter does.
func ExampleRun_limit() {
	var working, most atomic.Int64
	limit := semaphore.NewWeighted(3)
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		for range 50 {
			n.Go(func(ctx context.Context) error {
				if err := limit.Acquire(ctx, 1); err != nil {
					return err
				}
				defer limit.Release(1)
				now := working.Add(1)
				defer working.Add(-1)
				for m := most.Load(); now > m && !most.CompareAndSwap(m, now); m = most.Load() {
				}
				return nil
			})
		}
		return nil
	})
	fmt.Println(most.Load() <= 3, err)
	// Output: true <nil>
}

// Keep serving the others when one connection fails, and report every failure in the
// end.
func ExampleConfig() {
	served := 0
	err := nursery.Config{Name: "server", Supervise: true}.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.GoNamed("client 1", func(ctx context.Context) error {
			return errors.New("bad request")
		})
		n.GoNamed("client 2", func(ctx context.Context) error {
			served++
			return ctx.Err()
		})
		return nil
	})
	fmt.Println(served)
	fmt.Println(err)
	// Output:
	// 1
	// server: client 1: bad request
}

// Make errors of panics, where one task must not bring down the process.
func ExampleConfig_Run() {
	cautious := nursery.Config{Panics: nursery.ConvertPanics}
	err := cautious.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.GoNamed("plugin", func(ctx context.Context) error {
			colours := []string{"green", "blue"}
			for i := range 3 {
				colours[i] = strings.ToUpper(colours[i])
			}
			return nil
		})
		return nil
	})
	var p *nursery.PanicError
	if errors.As(err, &p) {
		fmt.Println(p.Task, "panicked:", p.Value)
	}
	// Output: plugin panicked: runtime error: index out of range [2] with length 2
}

// Start more tasks from tasks: the nursery waits for them all.
func ExampleNursery_Go() {
	var leaves atomic.Int64
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		var grow func(depth int) error
		grow = func(depth int) error {
			if depth == 0 {
				leaves.Add(1)
				return nil
			}
			for range 2 {
				n.Go(func(ctx context.Context) error { return grow(depth - 1) })
			}
			return nil
		}
		return grow(4)
	})
	fmt.Println(leaves.Load(), err)
	// Output: 16 <nil>
}

// Name tasks, so that errors say which one failed.
func ExampleNursery_GoNamed() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.GoNamed("mirror 2", func(ctx context.Context) error {
			return errors.New("404 Not Found")
		})
		return nil
	})
	fmt.Println(err)
	// Output: mirror 2: 404 Not Found
}

// Start a task from outside, where the nursery may have closed by now.
func ExampleNursery_TryGo() {
	var late *nursery.Nursery
	nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		late = n
		return n.TryGo("", func(ctx context.Context) error { return nil })
	})
	fmt.Println(late.TryGo("", func(ctx context.Context) error { return nil }))
	// Output: nursery has closed
}

// The same with a name.
func ExampleNursery_TryGo_named() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		return n.TryGo("audit", func(ctx context.Context) error { return errors.New("no space left") })
	})
	fmt.Println(err)
	// Output: audit: no space left
}

// End everything in a nursery when one task has what was wanted.
func ExampleNursery_Scope() {
	first := make(chan string, 3)
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		for _, server := range []string{"near", "far", "farther"} {
			n.Go(func(ctx context.Context) error {
				if server != "near" {
					<-ctx.Done() // would take long
					return ctx.Err()
				}
				first <- server
				n.Scope().Cancel(nil)
				return nil
			})
		}
		return nil
	})
	fmt.Println(<-first, err)
	// Output: near <nil>
}

// Report how many tasks run.
func ExampleNursery_Running() {
	nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		stop := make(chan struct{})
		for range 3 {
			n.Go(func(ctx context.Context) error { <-stop; return nil })
		}
		fmt.Println(n.Running())
		close(stop)
		return nil
	})
	// Output: 3
}

// Keep something alive for as long as other tasks need it.
func ExampleNursery_Background() {
	beats := make(chan struct{})
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Background("heartbeat", func(ctx context.Context) error {
			for {
				select {
				case beats <- struct{}{}:
				case <-ctx.Done(): // the body and all other tasks have ended
					fmt.Println("last beat")
					return ctx.Err()
				}
			}
		})
		for range 3 {
			<-beats
			fmt.Println("beat")
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// beat
	// beat
	// beat
	// last beat
	// <nil>
}

// Wait until the metrics page is served, and keep it until the last task has ended.
func ExampleStartBackground() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		addr, err := nursery.StartBackground(ctx, n, "metrics", func(ctx context.Context, started func(addr string)) error {
			started("127.0.0.1:9090")
			<-ctx.Done()
			return ctx.Err()
		})
		fmt.Println(addr)
		return err
	})
	fmt.Println(err)
	// Output:
	// 127.0.0.1:9090
	// <nil>
}

// Compare with an error that a task returned, as with errgroup's Wait.
func ExampleFirst() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return io.EOF })
		return nil
	})
	fmt.Println(err == io.EOF, nursery.First(err) == io.EOF, errors.Is(err, io.EOF))
	// Output: false true true
}

// Run for years with tasks that fail: log each failure, and keep none.
func ExampleError_Dropped() {
	var logged atomic.Int64
	config := nursery.Config{
		Supervise: true,
		OnError:   func(e *nursery.TaskError) { logged.Add(1) },
		Keep:      -1,
	}
	err := config.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		for range 1000 {
			n.Go(func(ctx context.Context) error { return errors.New("connection reset") })
		}
		return nil
	})
	var all *nursery.Error
	errors.As(err, &all)
	fmt.Println(err, len(all.Unwrap()), all.Dropped(), logged.Load())
	// Output: 1000 tasks failed 0 1000 1000
}
