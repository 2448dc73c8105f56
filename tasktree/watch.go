package tasktree

import (
	"context"
	"log/slog"
	"runtime/trace"
	"time"
)

// WatchOptions are the settings of [Watch]. The zero value logs scopes that still run ten
// seconds after they were canceled.
type WatchOptions struct {
	// Canceled is how long a scope, a nursery or a task may run after it was canceled.
	// Zero means ten seconds. If it is negative, those are not looked at.
	Canceled time.Duration

	// Waiting is how long a nursery whose body has ended may wait for the same tasks: the
	// time begins anew when one of them ends or another one starts. Zero means that
	// nurseries which only wait are not looked at, because a body that starts servers and
	// returns is how many programs are built.
	Waiting time.Duration

	// Every is the time from one look to the next. Zero means a quarter of the shorter of
	// the two limits, and at least 100 milliseconds. A look takes a tree of all that
	// lives, which costs a few microseconds for each node. So that Watch never uses more
	// than a tenth of a processor, the next look is later where there are very many.
	Every time.Duration

	// Report, if not nil, is called with each stall when it is noticed, and once more
	// when it is over, by the goroutine that called Watch: the next look is after its
	// return, and a panic in it is one of Watch. It must not change the stall.
	Report func(ctx context.Context, s *Stall)

	// Log, if not nil, gets a record for each call of Report: of level Warn when a stall
	// is noticed, and Info when it is over. If both Log and Report are nil,
	// slog.Default gets it.
	Log *slog.Logger

	// Redact, if not nil, replaces names and texts of reasons: see [Options.Redact]. The
	// goroutine profile and the flight recording in Dir have the names of tasks as they
	// are.
	Redact func(text string) string

	// NoStacks leaves out what tasks wait for. Otherwise all goroutines of the process
	// stand still for a moment when a stall is noticed, unless there are more than
	// MaxStacks. Only tasks that were recorded with labels have it.
	NoStacks bool

	// Dir, if not empty, is an existing folder for files about each stall when it is
	// noticed: the tree as text, the goroutine profile, and what Flight has. Their names
	// begin with "stall-". They are written before the stall is reported.
	Dir string

	// Flight, if not nil, is a flight recorder that has been started, whose last seconds
	// are written to a file in Dir.
	Flight *trace.FlightRecorder

	// Files is for how many stalls there are files at most. Zero means 10.
	Files int
}

// Watch looks for what holds a program up, until ctx is done: scopes that were canceled
// longer than a limit ago and still run, and, if [WatchOptions.Waiting] is set, nurseries
// whose body has ended and that wait for the same tasks for longer than a limit. It reports
// each such stall once, and once more when it is over. When ctx is done Watch looks once more,
// and reports the stalls that are over by then, with a context that is not done. The other
// ones get no second report.
//
// Of scopes inside each other that are canceled together, the outermost is reported, with
// the innermost tasks that still run as what it waits for. Recording is on while Watch
// runs. What began before may be missing, so a program that watches all its life calls
// [Record] first.
//
// Run it as a background task of the outermost nursery. Background tasks are canceled when
// all others have ended, so that a shutdown which hangs is still watched:
//
//	n.Background("watch", func(ctx context.Context) error {
//		return tasktree.Watch(ctx, tasktree.WatchOptions{})
//	})
//
// Watch returns ctx.Err(), which a nursery recognizes as its cancellation. Several may run
// at the same time, and each reports each stall. In a bubble of package testing/synctest it
// works with the fake time of the bubble, and reports nothing that runs outside of it. A
// Watch outside of bubbles cannot judge what runs in one: do not let them run at the same
// time.
//
// A file that cannot be written is no reason to end: the report has the error.
func Watch(ctx context.Context, o WatchOptions) error {
	defer Record()()
	w := newWatcher(o)
	timer := time.NewTimer(w.o.Every)
	defer timer.Stop()
	for ctx.Err() == nil {
		begin := time.Now()
		w.reporting = 0
		w.look(ctx)
		timer.Reset(max(w.o.Every, 10*(time.Since(begin)-w.reporting)))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
	w.last(context.WithoutCancel(ctx))
	return ctx.Err()
}

// A watcher is what Watch knows from one look to the next. It belongs to its goroutine.
type watcher struct {
	o       WatchOptions
	open    map[stallKey]*Stall  // noticed, and not over
	looked  time.Time            // when the look before this one was
	first   map[uint64]moment    // the canceled nodes that do not know since when, or did not at first
	waiting map[uint64]sameTasks // the nurseries that wait
	files   int                  // for how many stalls there are files

	reporting time.Duration // how long the reports of this look took
}

// A stallKey identifies a stall: a nursery may have one of each kind.
type stallKey struct {
	kind StallKind
	id   uint64
}

// sameTasks says since when a nursery waits for the tasks with these IDs.
type sameTasks struct {
	ids   []uint64
	since time.Time
}

func newWatcher(o WatchOptions) *watcher {
	if o.Canceled == 0 {
		o.Canceled = 10 * time.Second
	}
	if o.Every <= 0 {
		shorter := o.Canceled
		if shorter < 0 || 0 < o.Waiting && o.Waiting < shorter {
			shorter = o.Waiting
		}
		o.Every = max(shorter/4, 100*time.Millisecond)
	}
	if o.Files == 0 {
		o.Files = 10
	}
	if o.Log == nil && o.Report == nil {
		o.Log = slog.Default()
	}
	return &watcher{o: o, open: make(map[stallKey]*Stall), first: make(map[uint64]moment), waiting: make(map[uint64]sameTasks)}
}

// look takes a tree and reports the differences to what is known.
func (w *watcher) look(ctx context.Context) {
	defer func(begin time.Time) { w.looked = begin }(time.Now().Round(0))
	if len(w.open) == 0 && !w.suspicious() {
		clear(w.first)
		clear(w.waiting)
		return
	}
	tree := w.take(false)
	found := w.find(tree)
	fresh := false
	for key, s := range found {
		fresh = fresh || w.open[key] == nil && s.late(w.o)
	}
	if fresh && !w.o.NoStacks {
		// What was found may have ended by now, and is not reported then.
		tree = w.take(true)
		found = w.find(tree)
	}
	w.close(ctx, found, tree.Taken)
	for _, key := range inOrder(found) {
		if s := found[key]; w.open[key] == nil && s.late(w.o) {
			s.complete(tree)
			w.open[key] = s
			w.write(s)
			w.report(ctx, s)
		}
	}
}

// last reports what is over when Watch ends.
func (w *watcher) last(ctx context.Context) {
	if len(w.open) > 0 {
		tree := w.take(false)
		w.close(ctx, w.find(tree), tree.Taken)
	}
}

// close reports stalls that are over, because they are not among what was found now.
func (w *watcher) close(ctx context.Context, found map[stallKey]*Stall, now time.Time) {
	for key, s := range w.open {
		if same, ok := found[key]; !ok || !same.Since.Equal(s.Since) {
			delete(w.open, key)
			w.report(ctx, s.over(now))
		}
	}
}

func (w *watcher) take(stacks bool) *Tree {
	return Take(Options{Max: -1, Unfolded: true, Redact: w.o.Redact, Stacks: stacks})
}

func (w *watcher) report(ctx context.Context, s *Stall) {
	defer func(begin time.Time) { w.reporting += time.Since(begin) }(time.Now())
	if ctx.Err() != nil { // since the look began
		ctx = context.WithoutCancel(ctx)
	}
	if w.o.Log != nil {
		s.log(ctx, w.o.Log)
	}
	if w.o.Report != nil {
		w.o.Report(ctx, s)
	}
}
