package workload

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/trellis-go/trellis/bench/internal/peer"
)

// A Workload is one piece of work, the same for each of its entrants.
type Workload struct {
	Name     string // key=value elements; it does not change with Config
	Title    string // for people
	Section  string // Groups, Loops, Scopes or Channels
	Unit     string // what the cost is given for: "group", "item" and so on
	Units    int    // how many of them one run is
	Fails    bool   // a run ends in an error, which is part of the work
	Against  string // the entrant that the others are compared with
	Goals    []Goal
	Entrants []Entrant

	// cold says that running it once beforehand would make no difference, or none that
	// is worth the time.
	cold bool
}

// An Entrant is one library's way to do the work.
type Entrant struct {
	Lib string

	// Setup does what need not be measured. Each call of run does the work once; calls
	// follow each other, and release comes after the last one. The timer runs when run
	// is called and when it returns nil; in between, run may stop it.
	Setup func() (run func(t Timer) error, release func())
}

// A Timer is what a run needs of a *testing.B.
type Timer interface {
	StartTimer()
	StopTimer()
}

// Config says how much work there is. The zero value is what gets measured; tests need
// less, and want to see it done.
type Config struct {
	Full bool // loops have as many items where these take time as where they do not

	Cap int    // if not zero, no count is greater
	Ran func() // if not nil, called by each task and item, by many goroutines at once
}

// The sections that workloads belong to.
const (
	Groups   = "Groups of tasks"
	Loops    = "Loops"
	Scopes   = "Cancel scopes"
	Channels = "Channels"
)

// All returns all workloads, section by section, in the order in which people should
// read them.
func All(c Config) []Workload {
	var all []Workload
	add := func(section string, parts ...[]Workload) {
		for _, part := range parts {
			for _, w := range part {
				w.Section, w.Goals = section, goals[w.Name]
				all = append(all, w)
			}
		}
	}
	add(Groups, c.open(), c.children(), c.parked(), c.nested(), c.spawners(), c.errors())
	add(Loops, c.forEach(), c.mapping())
	add(Scopes, c.timeouts(), c.moves(), c.looks(), c.cancels(), c.derived())
	add(Channels, c.channels())
	return all
}

// Bench runs the work in the loop of b. An error says that the work was not done;
// what b has measured then means nothing.
func (w *Workload) Bench(b *testing.B, e Entrant) error {
	run, release := e.Setup()
	defer release()
	if !w.cold {
		if err := w.check(run(b)); err != nil { // pools fill, stacks grow
			return err
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := w.check(run(b)); err != nil {
			return err
		}
	}
	if w.Units > 1 {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(w.Units), "ns/"+w.Unit)
	}
	return nil
}

// check judges what a run returned.
func (w *Workload) check(err error) error {
	if (err != nil) != w.Fails {
		return fmt.Errorf("the run of %s gave the error %v, want one: %v", w.Name, err, w.Fails)
	}
	return nil
}

// errWork is the error of tasks that fail.
var errWork = errors.New("the task failed")

// count is n, or less if c says so.
func (c Config) count(n int) int {
	if c.Cap > 0 {
		return min(n, c.Cap)
	}
	return n
}

// seen is work, or work that tells c of it.
func (c Config) seen(work func()) func() {
	if c.Ran == nil {
		return work
	}
	return func() {
		c.Ran()
		work()
	}
}

// parent returns what groups and scopes have above them in a server: a context that
// can be canceled, and that somebody has looked at.
func parent() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	ctx.Done()
	return ctx, cancel
}

// grouped are entrants that run body in a group of each of libs.
func grouped(libs []peer.Library, body peer.Body) []Entrant {
	var entrants []Entrant
	for _, lib := range libs {
		entrants = append(entrants, Entrant{lib.Name, func() (func(Timer) error, func()) {
			return underParent(lib.Open(body))
		}})
	}
	return entrants
}

// underParent gives run a parent, and release another thing to release.
func underParent(run func(ctx context.Context) error, release func()) (func(Timer) error, func()) {
	ctx, cancel := parent()
	return func(Timer) error { return run(ctx) }, func() {
		release()
		cancel()
	}
}
