package bench_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/trellis-go/trellis/bench/internal/peer"
)

// The libraries of the workloads with groups. Conc gives its context to tasks only, so
// it has no part where the body needs it.
var (
	libraries   = []peer.Library{peer.Trellis, peer.Errgroup, peer.Raw, peer.Conc, peer.Pond}
	withErrors  = []peer.Library{peer.Trellis, peer.Errgroup, peer.RawErrors, peer.Conc, peer.Pond}
	withContext = []peer.Library{peer.Trellis, peer.Errgroup, peer.RawErrors, peer.Pond}
)

// open: groups without tasks.
func (c config) open() []workload {
	saw := c.seen(nothing)
	empty := func(*meter) peer.Body { return func(context.Context, peer.Group) { saw() } }
	look := func(*meter) peer.Body {
		return func(ctx context.Context, _ peer.Group) {
			ctx.Done()
			saw()
		}
	}
	return []workload{
		{name: "open/done=unseen", units: 1, entrants: grouped(withErrors, empty)},
		{name: "open/done=seen", units: 1, entrants: grouped(withContext, look)},
	}
}

// children: so many tasks in a group, all started by its body.
func (c config) children() []workload {
	var all []workload
	for _, work := range []struct {
		label  string
		counts []int
		do     func(context.Context)
	}{
		{"nothing", []int{1, 10, 100, 1000, 10_000}, func(context.Context) {}},
		{"look", []int{10}, func(ctx context.Context) { ctx.Done() }},
		{"1us", []int{1000}, func(context.Context) { microsecond() }},
		{"stack12KiB", []int{1000}, func(context.Context) { deep() }},
	} {
		for _, count := range work.counts {
			libs := libraries
			if work.label == "look" {
				libs = withErrors
			}
			all = append(all, workload{
				name: fmt.Sprintf("children/count=%d/work=%s", count, work.label), units: 1,
				entrants: grouped(libs, c.start(c.count(count), work.do)),
			})
		}
	}
	return all
}

var microsecond = spin(time.Microsecond)

// start returns bodies that start so many tasks.
func (c config) start(count int, do func(ctx context.Context)) func(*meter) peer.Body {
	saw := c.seen(nothing)
	return func(*meter) peer.Body {
		task := peer.NewTask(func(ctx context.Context) error {
			do(ctx)
			saw()
			return nil
		})
		return func(ctx context.Context, g peer.Group) {
			task.Under(ctx)
			for range count {
				g.Go(task)
			}
		}
	}
}

// parked: from the failure of one task to the end of the group, where all others wait
// for the cancellation. The start of the tasks is not measured.
func (c config) parked() []workload {
	const parked = 100_000
	w := workload{name: "parked", units: c.count(parked), fails: true, cold: true}
	saw := c.seen(nothing)
	w.entrants = grouped(withErrors, func(m *meter) peer.Body {
		var ready sync.WaitGroup
		wait := peer.NewTask(func(ctx context.Context) error {
			done := ctx.Done()
			saw()
			ready.Done()
			<-done
			return ctx.Err()
		})
		fail := peer.NewTask(func(context.Context) error { return errWork })
		return func(ctx context.Context, g peer.Group) {
			m.stop()
			wait.Under(ctx)
			ready.Add(w.units)
			for range w.units {
				g.Go(wait)
			}
			ready.Wait()
			runtime.Gosched() // the last ones still have to get to the channel
			m.start()
			g.Go(fail)
		}
	})
	return []workload{w}
}

const levels = 10

// nested: groups in groups, without tasks.
func (c config) nested() []workload {
	saw := c.seen(nothing)
	none := func(context.Context) {}
	err := func(ctx context.Context) { ctx.Err() }
	done := func(ctx context.Context) { ctx.Done() }
	var all []workload
	for _, look := range []struct {
		label            string
		innermost, outer func(ctx context.Context)
	}{{"err", err, none}, {"done", done, none}, {"everydone", done, done}} {
		w := workload{name: fmt.Sprintf("nested/levels=%d/look=%s", levels, look.label), units: 1}
		for _, lib := range withContext {
			run := lib.Open(func(ctx context.Context, _ peer.Group) {
				look.innermost(ctx)
				saw()
			})
			for range levels - 1 {
				run = around(lib, look.outer, run)
			}
			w.entrants = append(w.entrants, entrant{lib.Name, underParent(run)})
		}
		all = append(all, w)
	}
	return all
}

// around returns a group whose body calls look and then runs inner.
func around(lib peer.Library, look func(context.Context), inner func(context.Context) error) func(context.Context) error {
	return lib.Open(func(ctx context.Context, g peer.Group) {
		look(ctx)
		if err := inner(ctx); err != nil {
			g.Go(peer.NewTask(func(context.Context) error { return err }))
		}
	})
}

// spawners: several goroutines that start tasks in one group.
func (c config) spawners() []workload {
	const spawners, each = 8, 1000
	return []workload{c.spawn("spawners", spawners, c.count(each), libraries)}
}

// spawn has bodies that wait for the goroutines, because not every library allows a
// task to be started once it waits itself.
func (c config) spawn(name string, spawners, each int, libs []peer.Library) workload {
	task := peer.Work(c.seen(nothing))
	return workload{name: name, units: spawners * each, entrants: grouped(libs, func(*meter) peer.Body {
		return func(_ context.Context, g peer.Group) {
			var all sync.WaitGroup
			for range spawners {
				all.Go(func() {
					for range each {
						g.Go(task)
					}
				})
			}
			all.Wait()
		}
	})}
}

// failEvery: one task in so many fails.
const failEvery = 10

// errors: many failures in one group. Errgroup keeps the first one, the others keep all
// of them. Pond has no part, because it skips tasks after the first failure.
func (c config) errors() []workload {
	const tasks = 10_000
	w := workload{name: "errors", units: c.count(tasks), fails: true}
	saw := c.seen(nothing)
	pass := peer.Work(saw)
	fail := peer.NewTask(func(context.Context) error {
		saw()
		return errWork
	})
	w.entrants = grouped(withErrors[:len(withErrors)-1], func(*meter) peer.Body {
		return func(_ context.Context, g peer.Group) {
			for i := range w.units {
				if i%failEvery == 0 {
					g.Go(fail)
				} else {
					g.Go(pass)
				}
			}
		}
	})
	return []workload{w}
}
