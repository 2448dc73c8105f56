package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/nursery"
	"golang.org/x/sync/semaphore"
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
