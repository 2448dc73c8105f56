package bench_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/trellis-go/trellis/bench/internal/peer"
)

// A workload is one piece of work, the same for each of its entrants.
type workload struct {
	name     string // key=value elements; it does not change with config
	units    int    // how many of what the figures are for a run has
	fails    bool   // a run ends in an error, which is part of the work
	cold     bool   // a run beforehand would make no difference, or none worth the time
	size     int    // what grows, for growth
	entrants []entrant
}

// An entrant is one library's way to do the work.
type entrant struct {
	lib string

	// setup does what is not measured. Each call of the run that it returns does the
	// work once; calls follow each other, and m is running when they begin and end.
	setup func(tb testing.TB, m *meter) (run func() error)
}

// A config says how much work there is. The zero value is the full size.
type config struct {
	cap int    // if not 0, no count is greater
	ran func() // if not nil, called by each task, item and call, by many goroutines at once
}

// rows returns the workloads of BenchmarkWork, in the order in which people should
// read them.
func rows(c config) []workload {
	all := slices.Concat(
		c.request(), c.open(), c.children(), c.parked(), c.nested(), c.spawners(), c.errors(),
		c.forEach(), c.mapping(),
		c.timeouts(), c.moves(), c.looks(), c.cancels(), c.derived(),
		c.channels(),
	)
	for i := range all {
		all[i].name = "row=" + all[i].name
	}
	return all
}

// errWork is the error of tasks that fail.
var errWork = errors.New("the task failed")

// count is n, or less if c says so.
func (c config) count(n int) int {
	if c.cap > 0 {
		return min(n, c.cap)
	}
	return n
}

// seen returns work that also calls c.ran.
func (c config) seen(work func()) func() {
	if c.ran == nil {
		return work
	}
	return func() {
		c.ran()
		work()
	}
}

// nothing is work that leaves only the cost of the task.
func nothing() {}

// spin returns work of about d. It reads the clock instead of counting, so that it
// takes as long on every machine.
func spin(d time.Duration) func() {
	return func() {
		for start := time.Now(); time.Since(start) < d; {
		}
	}
}

// deep is work that needs about 12 KiB of stack, which a goroutine has to grow to.
func deep() { deeper(10) }

func deeper(levels int) byte {
	var frame [1024]byte
	if levels == 0 {
		return frame[0]
	}
	frame[levels] = deeper(levels - 1)
	return frame[levels/2]
}

// parent returns what groups and scopes have above them in a server: a context that
// can be canceled, and whose Done was called. It ends with the benchmark.
func parent(tb testing.TB) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	tb.Cleanup(cancel)
	ctx.Done()
	return ctx
}

// underParent is the setup of a run that needs only a parent.
func underParent(run func(ctx context.Context) error) func(testing.TB, *meter) func() error {
	return func(tb testing.TB, _ *meter) func() error {
		ctx := parent(tb)
		return func() error { return run(ctx) }
	}
}

// grouped returns entrants that run a body in a group of each of libs.
func grouped(libs []peer.Library, body func(m *meter) peer.Body) []entrant {
	var all []entrant
	for _, lib := range libs {
		all = append(all, entrant{lib.Name, func(tb testing.TB, m *meter) func() error {
			ctx, run := parent(tb), lib.Open(body(m))
			return func() error { return run(ctx) }
		}})
	}
	return all
}

// nesters are compared in all workloads of scopes.
var nesters = []peer.Nester{peer.TrellisScopes, peer.StdContexts}

// nested returns entrants that call fn inside scopes, below the context of a server.
func nested(depth int, limit time.Duration, fn func(ctx context.Context) error) []entrant {
	var all []entrant
	for _, n := range nesters {
		all = append(all, entrant{n.Name, underParent(n.Nest(depth, limit, fn))})
	}
	return all
}

// A place is where contexts are used: in the innermost of depth scopes, each with a
// time limit if that is not zero, below the context of a server, or of none if alone.
type place struct {
	depth int
	limit time.Duration
	alone bool
}

// inside returns entrants that make calls in a place, all of them by one call of what
// do returns. What it costs to get there is not measured.
func (p place) inside(calls int, do func(n peer.Nester) func(ctx context.Context, calls int) error) []entrant {
	var all []entrant
	for _, n := range nesters {
		all = append(all, entrant{n.Name, func(tb testing.TB, m *meter) func() error {
			do := do(n)
			run := n.Nest(p.depth, p.limit, func(ctx context.Context) error {
				m.start()
				defer m.stop()
				return do(ctx, calls)
			})
			ctx := context.Background()
			if !p.alone {
				ctx = parent(tb)
			}
			return func() error {
				m.stop()
				defer m.start()
				return run(ctx)
			}
		}})
	}
	return all
}

// same is a call that is the same in scopes of all kinds.
func same(do func(ctx context.Context, calls int) error) func(peer.Nester) func(context.Context, int) error {
	return func(peer.Nester) func(context.Context, int) error { return do }
}
