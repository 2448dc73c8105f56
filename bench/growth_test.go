package bench_test

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trellis-go/trellis/bench/internal/peer"
)

// growth returns the workloads of BenchmarkGrowth: what there is more and more of, n,
// is at most what c says. The command in folder plot draws a panel for each.
func growth(c config) []workload {
	var all []workload
	add := func(what string, sizes []int, make func(n int) workload) {
		for _, n := range sizes {
			if c.cap != 0 && n > c.cap {
				continue
			}
			w := make(n)
			w.name, w.size = fmt.Sprintf("what=%s/n=%d", what, n), n
			all = append(all, w)
		}
	}
	const million = 1_000_000
	add("a-group-after-n-children", []int{100, 10_000, million, 100 * million}, c.lifetime)
	lifetimes := all
	all = nil
	libs := []peer.Library{peer.Trellis, peer.Errgroup, peer.Raw}
	add("children", powers(million), func(n int) workload {
		return workload{units: n, entrants: grouped(libs, c.start(n, func(context.Context) {}))}
	})
	add("children-that-wait", powers(million), func(n int) workload { return c.waiting(libs, n) })
	add("children-on-n-threads", []int{1, 2, 4, 8, 16}, func(n int) workload {
		w := c.spawn("", n, c.count(1000), libs)
		for i, e := range w.entrants {
			w.entrants[i].setup = func(tb testing.TB, m *meter) func() error {
				before := runtime.GOMAXPROCS(n)
				tb.Cleanup(func() { runtime.GOMAXPROCS(before) })
				return e.setup(tb, m)
			}
		}
		return w
	})
	add("scopes-one-by-one", powers(million), c.oneByOne)
	add("open-limits", powers(million), func(n int) workload { return c.openLimits(n, func(context.Context) {}) })
	add("open-limits-with-Done", powers(million), func(n int) workload {
		return c.openLimits(n, func(ctx context.Context) { ctx.Done() })
	})
	add("canceled-scopes", powers(million/10), func(n int) workload { return c.cancel("", n, true, false) })
	add("a-move-over-n-scopes", powers(million/10), func(n int) workload { return c.moveOver("", n, true) })
	for _, call := range depthCalls {
		add(call.what, powers(1000), func(n int) workload {
			return workload{units: call.calls, entrants: place{depth: n}.inside(call.calls, func(n peer.Nester) func(context.Context, int) error {
				return c.counted(call.do(n))
			})}
		})
	}
	// The runtime keeps what it has made for a million goroutines, so these come last.
	slices.SortStableFunc(all, func(a, b workload) int { return cmp.Compare(a.size, b.size) })
	return append(lifetimes, all...)
}

// powers returns the powers of ten from 1 to last.
func powers(last int) []int {
	var all []int
	for n := 1; n <= last; n *= 10 {
		all = append(all, n)
	}
	return all
}

// depthCalls are calls in the innermost of many scopes.
var depthCalls = []struct {
	what  string
	calls int
	do    func(n peer.Nester) func(ctx context.Context, calls int) error
}{
	{"Err-at-depth-n", 1000, same(callErr)},
	{"Done-at-depth-n", 1000, same(callDone)},
	{"a-new-scope-at-depth-n", 100, func(n peer.Nester) func(context.Context, int) error {
		return repeat(n.Nest(1, 0, func(context.Context) error { return nil }))
	}},
}

func repeat(do func(ctx context.Context) error) func(ctx context.Context, calls int) error {
	return func(ctx context.Context, calls int) error {
		for range calls {
			if err := do(ctx); err != nil {
				return err
			}
		}
		return nil
	}
}

// waiting: children that all wait at the same time, for something that is not their
// context. It is also measured what they hold while they wait.
func (c config) waiting(libs []peer.Library, n int) workload {
	saw := c.seen(nothing)
	return workload{units: n, entrants: grouped(libs, func(m *meter) peer.Body {
		return func(_ context.Context, g peer.Group) {
			var ready sync.WaitGroup
			end := make(chan struct{})
			task := peer.Work(func() {
				saw()
				ready.Done()
				<-end
			})
			m.holding(n, func() {
				ready.Add(n)
				for range n {
					g.Go(task)
				}
				ready.Wait()
			})
			close(end)
		}
	})}
}

// settled is the size from which on the memory of a unit says something: what the
// runtime allocates meanwhile is more than the memory of a few units.
const settled = 1000

// holding measures also what open makes the process hold, where there are n units
// of it. The time for that does not count.
func (m *meter) holding(n int, open func()) {
	if m.b == nil || n < settled {
		open()
		return
	}
	m.stop()
	before := m.inUse()
	m.start()
	open()
	m.stop()
	m.held = m.inUse() - before
	m.start()
}

// oneByOne: scopes that are opened and left, one after the other, in one scope.
func (c config) oneByOne(n int) workload {
	return workload{units: n, entrants: place{depth: 1}.inside(n, func(nester peer.Nester) func(context.Context, int) error {
		return c.counted(repeat(nester.Nest(1, 0, func(context.Context) error { return nil })))
	})}
}

// openLimits: scopes with deadlines that are all open at the same time, each in a
// goroutine. It is also measured what they hold while they are open.
func (c config) openLimits(n int, look func(ctx context.Context)) workload {
	w := workload{units: n}
	saw := c.seen(nothing)
	for _, nester := range []peer.Nester{peer.TrellisScopes, peer.StdContexts, peer.NoScopes} {
		w.entrants = append(w.entrants, entrant{nester.Name, func(tb testing.TB, m *meter) func() error {
			return underParent(nester.Nest(1, 0, func(ctx context.Context) error {
				var ready, ended sync.WaitGroup
				end := make(chan struct{})
				limit := nester.Nest(1, time.Hour, func(ctx context.Context) error {
					look(ctx)
					saw()
					ready.Done()
					<-end
					return nil
				})
				m.holding(n, func() {
					ready.Add(n)
					for range n {
						ended.Go(func() { limit(ctx) })
					}
					ready.Wait()
				})
				close(end)
				ended.Wait()
				return nil
			}))(tb, m)
		}})
	}
	return w
}

// lifetime: a group that stays open while very many children end in it, a few at a
// time. What is measured apart from time is all that the process holds afterwards,
// because the size of the group must not depend on the children that have ended.
func (c config) lifetime(n int) workload {
	const atATime = 50
	return workload{units: n, cold: true, entrants: grouped([]peer.Library{peer.Trellis, peer.Raw}, func(m *meter) peer.Body {
		return func(_ context.Context, g peer.Group) {
			var ended sync.WaitGroup
			task := peer.Work(c.seen(ended.Done))
			for range n / atATime {
				ended.Add(atATime)
				for range atATime {
					g.Go(task)
				}
				ended.Wait()
			}
			m.stop()
			m.process = m.inUse()
			m.start()
		}
	})}
}
