package nursery_test

import (
	"context"
	"io"
	"iter"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/stress"
	"github.com/trellis-go/trellis/nursery"
)

// TestStressItems runs random items of random kinds, nested in each other, which
// fail, panic, exit, wait, depend on each other and are canceled from outside. What
// must hold is said where it is checked.
func TestStressItems(t *testing.T) {
	stress.Run(t, 60, func(r *stress.Round) {
		before := goleak.IgnoreCurrent()
		w := &works{r: r, rng: r.Rand(0), wild: r.Rand(1).IntN(3) == 0, planted: make(map[*plant]*level)}
		w.mood = w.rng.IntN(4)
		w.fuel.Store(int64(w.rng.IntN(3000)))
		var outer cancelscope.Scope
		var wg sync.WaitGroup
		if delay := w.rng.IntN(4000); delay < 2000 {
			wg.Go(func() {
				for range delay {
					runtime.Gosched()
				}
				outer.Cancel(nil)
			})
		}
		o := outcomeOf(func() error {
			return outer.Run(context.Background(), func(ctx context.Context) error { return w.level(ctx, nil) })
		})
		wg.Wait()
		w.check(o)
		if err := goleak.Find(before); err != nil {
			r.Errorf("after all items: %v", err)
		}
	})
}

// works is what one round does.
type works struct {
	r    *stress.Round
	wild bool // some panic or exit
	mood int  // how often things go wrong

	mu      sync.Mutex
	rng     *rand.Rand        // guarded by mu
	planted map[*plant]*level // guarded by mu
	broken  atomic.Bool       // something has panicked or exited
	fuel    atomic.Int64      // how many items there may still be
	plants  atomic.Uint64     // names of plants
}

func (w *works) intN(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rng.IntN(n)
}

// fail makes a real error in an item of the level.
func (l *level) fail() error {
	w := l.w
	p := &plant{w.plants.Add(1)}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.planted[p] = l
	return p
}

// lost reports whether the errors of the level's items have nowhere to go: a loop
// around it has been left.
func (l *level) lost() bool {
	for ; l != nil; l = l.outer {
		if l.left.Load() {
			return true
		}
	}
	return false
}

// level runs one sequence with items that may run sequences again.
func (w *works) level(ctx context.Context, outer *level) error {
	limit, count := 1+w.intN(12), w.intN(100)
	if w.intN(5) == 0 {
		count = -1
	}
	l := &level{w: w, outer: outer, limit: int64(limit), count: count, meet: w.intN(8) == 0}
	if outer != nil {
		l.depth = outer.depth + 1
	}
	defer l.end()
	switch w.intN(5) {
	case 0:
		if l.count < 0 {
			l.count = w.intN(100)
		}
		l.apart = true
		return runLevel(ctx, l, numbers(l.count))
	case 1:
		return runLevel(ctx, l, l.receive)
	case 2:
		l.apart = true
		c := make(chan int, w.intN(3))
		stop := make(chan struct{})
		var sender sync.WaitGroup
		sender.Go(func() { l.send(c, stop) })
		defer func() {
			close(stop)
			sender.Wait()
			if sent, begun := l.sent, l.begun.Load(); int64(sent) != begun+int64(len(c)) {
				w.r.Errorf("%d items sent, %d begun, %d left in the channel", sent, begun, len(c))
			}
		}()
		return runLevel(ctx, l, c)
	}
	l.stops = true
	return runLevel(ctx, l, l.sequence())
}

// runLevel gives the items of the level to one of the entry points.
func runLevel[S nursery.Items[int]](ctx context.Context, l *level, items S) error {
	w, limit := l.w, int(l.limit)
	switch w.intN(4) {
	case 0:
		return nursery.ForEach(ctx, limit, items, l.item)
	case 1:
		results, err := nursery.Map(ctx, limit, items, l.square)
		for i, r := range results {
			if r != i*i {
				w.r.Errorf("result %d of Map = %d, want %d", i, r, i*i)
			}
		}
		if pulled := l.pulled.Load(); err == nil && int64(len(results)) != pulled {
			w.r.Errorf("Map of %d items: %d results, nil", pulled, len(results))
		}
		return err
	case 2:
		return l.loop(nursery.MapSeq(ctx, limit, items, l.square), true)
	}
	return l.loop(nursery.MapUnordered(ctx, limit, items, l.square), false)
}

// loop is a loop over the squares of the items.
func (l *level) loop(results iter.Seq2[int, error], ordered bool) error {
	stop, given := l.w.intN(200), 0
	seen := make(map[int]bool)
	for r, err := range results {
		if err != nil {
			return err
		}
		if ordered && r != given*given || seen[r] {
			l.w.r.Errorf("result %d of a loop = %d, given before: %t", given, r, seen[r])
		}
		seen[r] = true
		if given++; given > stop {
			l.left.Store(true)
			break
		}
		if ahead := l.pulled.Load() - int64(given); ahead > l.limit {
			l.w.r.Errorf("loop with limit %d: %d items pulled ahead of it", l.limit, ahead)
		}
	}
	return nil
}

// A level is one call.
type level struct {
	w     *works
	outer *level
	limit int64
	count int
	depth int
	meet  bool // an item waits for the one after it to be pulled, as far as the limit allows
	apart bool // what the items come from runs ahead, and items count as pulled when they begin
	stops bool // what the items come from is stopped when no more are wanted
	sent  int  // how many the sender has sent; written by it, read when it has ended
	left  atomic.Bool
	over  atomic.Bool // what the items come from has ended

	busy, pulled, begun, done, running atomic.Int64
}

// next returns the next item, and reports whether there is one. It is called where a
// source of items gives one.
func (l *level) next() (item int, ok bool) {
	item = int(l.pulled.Load())
	if item == l.count || l.w.fuel.Add(-1) <= 0 {
		return 0, false
	}
	if l.busy.Add(1) != 1 {
		l.w.r.Errorf("the source of the items runs twice")
	}
	defer l.busy.Add(-1)
	for range l.w.intN(3) {
		runtime.Gosched()
	}
	if l.w.wild && l.w.intN(2000) == 0 {
		l.w.misbehave()
	}
	done := l.done.Load()
	if pulled := l.pulled.Add(1); pulled-done > l.limit {
		l.w.r.Errorf("limit %d: %d items pulled, %d done", l.limit, pulled, done)
	}
	return item, true
}

func (l *level) sequence() iter.Seq[int] {
	return func(yield func(int) bool) {
		defer l.over.Store(true)
		for item, ok := l.next(); ok && yield(item); item, ok = l.next() {
		}
	}
}

// send sends items to c until there are no more, or stop is closed.
func (l *level) send(c chan<- int, stop <-chan struct{}) {
	defer close(c)
	defer l.over.Store(true)
	for item := 0; item != l.count && l.w.fuel.Add(-1) > 0; item++ {
		select {
		case c <- item:
			l.sent++
		case <-stop:
			return
		}
	}
}

func (l *level) receive(context.Context) (int, error) {
	item, ok := l.next()
	if !ok {
		l.over.Store(true)
		return 0, io.EOF
	}
	return item, nil
}

func (w *works) misbehave() {
	w.broken.Store(true)
	if w.intN(2) == 0 {
		runtime.Goexit()
	}
	panic("misbehaves")
}

func (l *level) square(ctx context.Context, item int) (int, error) {
	return item * item, l.item(ctx, item)
}

func (l *level) item(ctx context.Context, item int) error {
	w := l.w
	l.begun.Add(1)
	if l.apart {
		l.pulled.Add(1)
		if item == l.count-1 {
			l.over.Store(true)
		}
	}
	if running := l.running.Add(1); running > l.limit {
		w.r.Errorf("limit %d: %d items run", l.limit, running)
	}
	defer func() {
		l.done.Add(1)
		l.running.Add(-1)
	}()
	if l.meet && item%int(l.limit) != int(l.limit)-1 {
		for l.pulled.Load() < int64(item+2) && !l.over.Load() && ctx.Err() == nil {
			runtime.Gosched()
		}
	}
	switch dice := w.intN(1000); {
	case dice < 2 && w.wild:
		w.misbehave()
	case dice < 5*w.mood, dice < 50*w.mood && ctx.Err() != nil:
		return l.fail()
	case dice < 60 && l.depth < 2:
		if err := w.level(ctx, l); err != nil {
			return err
		}
	case dice < 300:
		for range dice % 20 {
			runtime.Gosched()
		}
	}
	return ctx.Err()
}

// end checks what must hold when the call has ended, in whatever way.
func (l *level) end() {
	pulled, begun, running := l.pulled.Load(), l.begun.Load(), l.running.Load()
	if begun != pulled && !l.w.broken.Load() || running != 0 {
		l.w.r.Errorf("after the end of a call: %d items pulled, %d begun, %d run, want the same number and 0", pulled, begun, running)
	}
	if pulled > 0 && !l.over.Load() && l.stops {
		l.w.r.Errorf("after the end of a call its sequence has not ended")
	}
}

// check checks the outcome.
func (w *works) check(o outcome) {
	if w.broken.Load() {
		return // the tests in bubbles check the outcome
	}
	if o.exited || o.panicked != nil {
		w.r.Errorf("the outermost call ended: %v", o)
	}
	all := gathered(o.err)
	for _, noise := range all.noise {
		w.r.Errorf("the outermost error has a cancellation:\n%s", noise)
	}
	for p, l := range w.planted {
		if n := all.plants[p]; n > 1 || n == 0 && !l.lost() {
			w.r.Errorf("error %d was returned %d times, want once", p.id, n)
		}
	}
}
