package nursery_test

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/deadline"
	"github.com/trellis-go/trellis/temporal/internal/wftest"
	"github.com/trellis-go/trellis/temporal/nursery"
)

// show runs fn as a workflow. The examples call it in place of a worker.
func show(fn func(ctx workflow.Context) error) {
	if err := wftest.Run(fn); err != nil {
		fmt.Println("the workflow failed:", err)
	}
}

// book stands for an activity.
func book(ctx workflow.Context, what string) error {
	if what == "hotel" {
		return errors.New("no vacancy")
	}
	return deadline.Sleep(ctx, time.Minute)
}

// Several things at once, all of which are needed: the first that fails stops the others.
func ExampleRun() {
	show(func(ctx workflow.Context) error {
		err := nursery.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
			for _, what := range []string{"flight", "hotel", "car"} {
				n.GoNamed(what, func(ctx workflow.Context) error { return book(ctx, what) })
			}
			return nil
		})
		fmt.Println(err)
		return nil
	})
	// Output: hotel: no vacancy
}

// Several things at once that do not depend on each other.
func ExampleConfig_Run() {
	show(func(ctx workflow.Context) error {
		err := nursery.Config{Name: "reports", Supervise: true}.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
			n.GoNamed("sales", func(workflow.Context) error { return errors.New("no data") })
			n.GoNamed("stock", func(ctx workflow.Context) error {
				err := deadline.Sleep(ctx, time.Hour)
				fmt.Println("stock:", err)
				return err
			})
			return nil
		})
		fmt.Println(err)
		return nil
	})
	// Output:
	// stock: <nil>
	// reports: sales: no data
}

// What is open: a task that waits is ended through the scope of the nursery.
func ExampleNursery() {
	show(func(ctx workflow.Context) error {
		return nursery.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
			n.Go(func(ctx workflow.Context) error { return deadline.Sleep(ctx, 1000*time.Hour) })
			fmt.Println(n.Running(), "task runs")
			n.Scope().Cancel(errors.New("not needed"))
			fmt.Println(n.TryGo("another", func(workflow.Context) error { return nil }))
			return nil
		})
	})
	// Output:
	// 1 task runs
	// <nil>
}

// A task that can be waited for, or canceled, alone.
func ExampleNursery_Task() {
	show(func(ctx workflow.Context) error {
		return nursery.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
			reminder := n.Task("reminder", func(ctx workflow.Context) error { return deadline.Sleep(ctx, time.Hour) })
			reminder.Cancel(errors.New("paid"))
			_, err := reminder.Wait(ctx)
			fmt.Println(err)
			return nil
		})
	})
	// Output: scope "reminder" canceled: paid
}

// A task that the others need until they have ended.
func ExampleNursery_Background() {
	show(func(ctx workflow.Context) error {
		return nursery.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
			n.Background("lease", func(ctx workflow.Context) error {
				err := deadline.Sleep(ctx, 1000*time.Hour) // renews the lease again and again
				fmt.Println("lease given back")
				return err
			})
			n.Go(func(ctx workflow.Context) error {
				err := deadline.Sleep(ctx, time.Hour)
				fmt.Println("work done")
				return err
			})
			return nil
		})
	})
	// Output:
	// work done
	// lease given back
}

// Two results of different types.
func ExampleSpawn() {
	show(func(ctx workflow.Context) error {
		return nursery.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
			price := nursery.Spawn(n, "price", func(ctx workflow.Context) (int, error) { return 300, nil })
			name := nursery.Spawn(n, "name", func(ctx workflow.Context) (string, error) { return "Grand Hotel", nil })
			p, err := price.Wait(ctx)
			if err != nil {
				return err
			}
			s, err := name.Wait(ctx)
			if err != nil {
				return err
			}
			fmt.Println(s, p)
			return nil
		})
	})
	// Output: Grand Hotel 300
}

// The ways to look at a task.
func ExampleTask() {
	show(func(ctx workflow.Context) error {
		return nursery.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
			task := nursery.Spawn(n, "answer", func(ctx workflow.Context) (int, error) { return 42, nil })
			_, err := task.Result()
			fmt.Println(task.Name(), err, task.Future().IsReady())
			v, err := task.Join(ctx)
			fmt.Println(v, err, task.Future().IsReady())
			return nil
		})
	})
	// Output:
	// answer task has not finished false
	// 42 <nil> true
}

// serve reports that it is ready, and continues until it is canceled.
func serve(ctx workflow.Context, started func(string)) error {
	if err := deadline.Sleep(ctx, time.Second); err != nil {
		return err
	}
	started("session 1")
	return deadline.Sleep(ctx, 1000*time.Hour)
}

// Work that can begin only when something else is ready.
func ExampleStart() {
	show(func(ctx workflow.Context) error {
		return nursery.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
			session, err := nursery.Start(ctx, n, "session", serve)
			fmt.Println(session, err)
			n.Scope().Cancel(nil)
			return err
		})
	})
	// Output: session 1 <nil>
}

// The same with a result of the task, for later.
func ExampleStartTask() {
	show(func(ctx workflow.Context) error {
		return nursery.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
			from, task, err := nursery.StartTask(ctx, n, "copy", func(ctx workflow.Context, started func(string)) (int, error) {
				started("disk 1")
				return 100, nil
			})
			if err != nil {
				return err
			}
			copied, err := task.Wait(ctx)
			fmt.Println(from, copied, err)
			return nil
		})
	})
	// Output: disk 1 100 <nil>
}

// A session that the tasks need: it ends by itself when they have ended.
func ExampleStartBackground() {
	show(func(ctx workflow.Context) error {
		return nursery.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
			session, err := nursery.StartBackground(ctx, n, "session", serve)
			fmt.Println(session, err)
			n.Go(func(ctx workflow.Context) error { return deadline.Sleep(ctx, time.Minute) })
			return err
		})
	})
	// Output: session 1 <nil>
}

// Ten orders, three at a time.
func ExampleForEach() {
	show(func(ctx workflow.Context) error {
		start := workflow.Now(ctx)
		orders := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}
		err := nursery.ForEach(ctx, 3, orders, func(ctx workflow.Context, order string) error {
			return deadline.Sleep(ctx, time.Minute)
		})
		fmt.Println(err, workflow.Now(ctx).Sub(start))
		return nil
	})
	// Output: <nil> 4m0s
}

// Results by index.
func ExampleForN() {
	show(func(ctx workflow.Context) error {
		squares := make([]int, 4)
		err := nursery.ForN(ctx, nursery.NoLimit, len(squares), func(ctx workflow.Context, i int) error {
			squares[i] = i * i
			return nil
		})
		fmt.Println(squares, err)
		return nil
	})
	// Output: [0 1 4 9] <nil>
}

// Results in the order of the items.
func ExampleMap() {
	show(func(ctx workflow.Context) error {
		prices, err := nursery.Map(ctx, 2, []int{3, 1, 2}, func(ctx workflow.Context, nights int) (int, error) {
			return 100 * nights, deadline.Sleep(ctx, time.Duration(nights)*time.Second)
		})
		fmt.Println(prices, err)
		return nil
	})
	// Output: [300 100 200] <nil>
}

// Two suppliers are asked; what the slower one reserved is given back.
func ExampleRace() {
	show(func(ctx workflow.Context) error {
		reserve := func(name string, d time.Duration) func(ctx workflow.Context) (string, error) {
			return func(ctx workflow.Context) (string, error) {
				_ = workflow.Sleep(ctx, d) // has reserved it, canceled or not
				return name, nil
			}
		}
		got, err := nursery.Race(ctx, func(name string) { fmt.Println("give back", name) },
			reserve("slow", time.Hour), reserve("fast", time.Minute))
		fmt.Println(got, err)
		return nil
	})
	// Output:
	// give back slow
	// fast <nil>
}

// The values of several functions.
func ExampleAll() {
	show(func(ctx workflow.Context) error {
		one := func(ctx workflow.Context) (int, error) { return 1, nil }
		two := func(ctx workflow.Context) (int, error) { return 2, nil }
		fmt.Println(nursery.All(ctx, one, two))
		return nil
	})
	// Output: [1 2] <nil>
}

// The bare error of the first failure, for code that compares.
func ExampleFirst() {
	show(func(ctx workflow.Context) error {
		errFull := errors.New("full")
		err := nursery.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
			n.GoNamed("hotel", func(workflow.Context) error { return errFull })
			return nil
		})
		fmt.Println(err, nursery.First(err) == errFull)
		return nil
	})
	// Output: hotel: full true
}

// Code that takes errors apart can put them together again.
func ExampleNewError() {
	err := nursery.NewError("trip", nursery.NewTaskError("hotel", false, errors.New("full")))
	var task *nursery.TaskError
	fmt.Println(err, errors.As(err, &task), task.Task)
	// Output: trip: hotel: full true hotel
}
