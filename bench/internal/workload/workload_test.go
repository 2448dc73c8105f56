package workload_test

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/trellis-go/trellis/bench/internal/workload"
)

// small is how much work there is in these tests: more than any limit, and few enough
// goroutines for the race detector.
const small = 200

// ran says how many tasks, items or calls there are in one run of a workload.
func ran(name string) int {
	kind, _, _ := strings.Cut(name, "/")
	switch kind {
	case "parked", "errors", "foreach", "map", "move", "cancel", "derive", "channel":
		return small
	case "spawners":
		return 8 * small
	case "children":
		for prefix, count := range map[string]int{"count=1/": 1, "count=10/": 10, "count=100/": 100} {
			if strings.HasPrefix(name, "children/"+prefix) {
				return count
			}
		}
		return small
	}
	return 1
}

// A watch is a Timer that checks how it is used.
type watch struct {
	running bool
	started int
	err     error
}

func (w *watch) StartTimer() { w.started++; w.set(true) }
func (w *watch) StopTimer()  { w.set(false) }

func (w *watch) set(running bool) {
	if w.running == running {
		w.err = errors.New("a timer was started or stopped twice")
	}
	w.running = running
}

// Each entrant of each workload does all of its work, each time, and fails exactly
// where that is part of the work.
func TestWorkIsDone(t *testing.T) {
	var count atomic.Int64
	for _, w := range workload.All(workload.Config{Cap: small, Ran: func() { count.Add(1) }}) {
		for _, e := range w.Entrants {
			t.Run(w.Name+"/lib="+e.Lib, func(t *testing.T) {
				run, release := e.Setup()
				defer release()
				for range 2 {
					count.Store(0)
					timer := &watch{running: true}
					err := run(timer)
					if got, want := int(count.Load()), ran(w.Name); got != want {
						t.Errorf("the work was done %d times, want %d", got, want)
					}
					if (err != nil) != w.Fails {
						t.Errorf("run gave the error %v, want one: %v", err, w.Fails)
					}
					if timer.err != nil || !timer.running {
						t.Errorf("after run the timer is running: %v, misused: %v, want true and nil", timer.running, timer.err)
					}
				}
			})
		}
	}
}

// Of the errors of many tasks errgroup keeps one, and the others all of them.
func TestErrorsAreSeen(t *testing.T) {
	for _, w := range workload.All(workload.Config{Cap: small}) {
		if !w.Fails {
			continue
		}
		for _, e := range w.Entrants {
			run, release := e.Setup()
			err := run(&watch{running: true})
			release()
			// The parked tasks return what they are told by their context, which most
			// libraries take for an error like any other.
			got := failures(err)
			want := 1
			if w.Name == "errors" && e.Lib != "errgroup" {
				want = small / 10
			}
			if got != want {
				t.Errorf("%s with %s gave %d failures, want %d", w.Name, e.Lib, got, want)
			}
		}
	}
}

// failures counts the failures of tasks in err.
func failures(err error) int {
	switch u := err.(type) {
	case interface{ Unwrap() []error }:
		n := 0
		for _, err := range u.Unwrap() {
			n += failures(err)
		}
		return n
	case interface{ WrappedErrors() []error }: // multierror
		return failures(errors.Join(u.WrappedErrors()...))
	case interface{ Unwrap() error }:
		return failures(u.Unwrap())
	}
	if err == workload.ErrWork {
		return 1
	}
	return 0
}

// Names are good for -run and for benchmarks, and everything they refer to exists.
func TestTable(t *testing.T) {
	all := workload.All(workload.Config{})
	byName := make(map[string]workload.Workload)
	for _, w := range all {
		if _, twice := byName[w.Name]; twice {
			t.Errorf("two workloads have the name %q", w.Name)
		}
		byName[w.Name] = w
	}
	entered := func(name, lib string) bool {
		return slices.ContainsFunc(byName[name].Entrants, func(e workload.Entrant) bool { return e.Lib == lib })
	}
	for _, w := range all {
		if !entered(w.Name, "trellis") {
			t.Errorf("%s: no entrant trellis", w.Name)
		}
		if !entered(w.Name, w.Against) {
			t.Errorf("%s: compared with %q, which is no entrant", w.Name, w.Against)
		}
		for _, g := range w.Goals {
			of := w.Name
			if g.Of != "" {
				of = g.Of
			}
			if !entered(of, g.Against) {
				t.Errorf("%s: the goal is a ratio to %s in %s, which is no entrant there", w.Name, g.Against, of)
			}
		}
		if strings.ContainsAny(w.Name, " \t") || w.Title == "" || w.Unit == "" || w.Units < 1 {
			t.Errorf("%s: title %q, unit %q, %d units, want all of them and no space in the name", w.Name, w.Title, w.Unit, w.Units)
		}
	}
	for name := range workload.Goals {
		if _, ok := byName[name]; !ok {
			t.Errorf("a goal is set for %q, which is no workload", name)
		}
	}
}

// Loops have all items with Full, and fewer without only where these take time.
func TestItems(t *testing.T) {
	for _, full := range []bool{false, true} {
		for _, w := range workload.All(workload.Config{Full: full}) {
			if w.Unit != "item" {
				continue
			}
			want := 10_000
			if full || strings.HasSuffix(w.Name, "/work=nothing") {
				want = 100_000
			}
			if w.Units != want {
				t.Errorf("%s with Full %v has %d items, want %d", w.Name, full, w.Units, want)
			}
		}
	}
}

// Bench refuses figures of work that was not done.
func TestBenchFails(t *testing.T) {
	w := workload.Workload{Name: "lazy", Unit: "run", Units: 1, Fails: true}
	e := workload.Entrant{Lib: "lazy", Setup: func() (func(workload.Timer) error, func()) {
		return func(workload.Timer) error { return nil }, func() {}
	}}
	var err error
	testing.Benchmark(func(b *testing.B) { err = w.Bench(b, e) })
	if err == nil {
		t.Error("Bench of work that does not fail as it should gave nil, want an error")
	}
}
