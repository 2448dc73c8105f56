package bench_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/trellis-go/trellis/bench/internal/peer"
	"github.com/trellis-go/trellis/cancelscope"
)

// timeouts: time limits that are not reached.
func (c config) timeouts() []workload {
	saw := c.seen(nothing)
	unseen := func(context.Context) error { saw(); return nil }
	seen := func(ctx context.Context) error { ctx.Done(); saw(); return nil }
	return []workload{
		{name: "timeout/depth=1/done=unseen", units: 1, entrants: nested(1, time.Hour, unseen)},
		{name: "timeout/depth=1/done=seen", units: 1, entrants: nested(1, time.Hour, seen)},
		{name: "timeout/depth=10/done=seen", units: 1, entrants: nested(10, time.Hour, seen)},
	}
}

// looks: methods of a context, in several places.
func (c config) looks() []workload {
	places := []struct {
		label string
		place
	}{
		{"parent/depth=1", place{depth: 1}},
		{"parent/depth=10", place{depth: 10}},
		{"parent/depth=50", place{depth: 50}},
		{"limit/depth=1", place{depth: 1, limit: time.Hour}},
		{"none/depth=1", place{depth: 1, alone: true}},
	}
	var all []workload
	for _, look := range []struct {
		label string
		calls func(ctx context.Context, calls int) error
	}{{"Err", callErr}, {"Done", callDone}, {"poll", poll}} {
		for _, p := range places {
			w := workload{name: "context/call=" + look.label + "/below=" + p.label, units: c.count(100_000)}
			w.entrants = p.inside(w.units, same(c.counted(look.calls)))
			all = append(all, w)
		}
	}
	return all
}

// counted counts the calls when all of them were made.
func (c config) counted(do func(ctx context.Context, calls int) error) func(ctx context.Context, calls int) error {
	if c.ran == nil {
		return do
	}
	return func(ctx context.Context, calls int) error {
		err := do(ctx, calls)
		for range calls {
			c.ran()
		}
		return err
	}
}

func callErr(ctx context.Context, calls int) error {
	var err error
	for range calls {
		err = ctx.Err()
	}
	return err
}

func callDone(ctx context.Context, calls int) error {
	var done <-chan struct{}
	for range calls {
		done = ctx.Done()
	}
	if done == nil {
		return errors.New("the context has no Done channel")
	}
	return nil
}

// poll is a select that does not wait.
func poll(ctx context.Context, calls int) error {
	for range calls {
		select {
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
	}
	return nil
}

// withOpen calls whenOpen while count scopes are open directly below
// ctx. Each needs a goroutine, because the function that opens a scope leaves it. With
// look, their goroutines wait for the end of their contexts, otherwise for that of
// whenOpen. Woken is done when all of them have been woken by their contexts.
func (c config) withOpen(ctx context.Context, n peer.Nester, count int, look bool, whenOpen func(woken *sync.WaitGroup)) {
	var ready, woken, ended sync.WaitGroup
	end := make(chan struct{})
	saw := c.seen(nothing)
	scope := n.Nest(1, 0, func(ctx context.Context) error {
		if !look {
			ready.Done()
		} else {
			done := ctx.Done()
			ready.Done()
			<-done
			woken.Done()
		}
		saw()
		<-end
		return nil
	})
	ready.Add(count)
	if look {
		woken.Add(count)
	}
	for range count {
		ended.Go(func() { scope(ctx) })
	}
	ready.Wait()
	runtime.Gosched() // the last ones still have to get to their channels
	if count >= settled {
		runtime.GC() // what made the scopes is not what is measured
	}
	whenOpen(&woken)
	close(end)
	ended.Wait()
}

// cancels: one call that cancels many scopes side by side. It is measured until all
// that wait for it have been woken. Wall time depends on when those get a processor;
// the time of the processors does not.
func (c config) cancels() []workload {
	const scopes = 100_000
	return []workload{
		// Scopes whose Done was never called are canceled in the same few microseconds however
		// many there are: what a benchmark would measure is how long it takes to open them.
		c.cancel("cancel/by=scope/done=seen", c.count(scopes), true, false),
		c.cancel("cancel/by=outside/done=seen", c.count(scopes), true, true),
	}
}

func (c config) cancel(name string, count int, look, outside bool) workload {
	w := workload{name: name, units: count, cold: true}
	for _, n := range nesters {
		w.entrants = append(w.entrants, entrant{n.Name, func(_ testing.TB, m *meter) func() error {
			return func() error {
				m.stop()
				defer m.start()
				ctx, cancelOutside := context.WithCancel(context.Background())
				defer cancelOutside()
				return cancelable(ctx, n, func(ctx context.Context, cancel func()) {
					if outside {
						cancel = cancelOutside
					}
					c.withOpen(ctx, n, w.units, look, func(woken *sync.WaitGroup) {
						m.start()
						cancel()
						woken.Wait()
						m.stop()
					})
				})
			}
		}})
	}
	return w
}

// cancelable calls fn in a scope of the kind of n. It returns nil where a scope that
// was canceled from outside returns an error.
func cancelable(ctx context.Context, n peer.Nester, fn func(ctx context.Context, cancel func())) error {
	if n.Name == peer.StdContexts.Name {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		fn(ctx, cancel)
		return nil
	}
	var s cancelscope.Scope
	err := s.Run(ctx, func(ctx context.Context) error {
		fn(ctx, func() { s.Cancel(nil) })
		return nil
	})
	if cancelscope.IsCancellation(ctx, err) {
		return nil
	}
	return err
}

// forms are ways to derive a context of the standard library from another context,
// and to give it up again.
var forms = []struct {
	label  string
	derive func(ctx context.Context)
}{
	{"WithCancel", func(ctx context.Context) {
		_, cancel := context.WithCancel(ctx)
		cancel()
	}},
	{"WithValueWithCancel", func(ctx context.Context) {
		type key struct{}
		_, cancel := context.WithCancel(context.WithValue(ctx, key{}, 1))
		cancel()
	}},
	{"WithTimeout", func(ctx context.Context) {
		_, cancel := context.WithTimeout(ctx, time.Hour)
		cancel()
	}},
	{"AfterFunc", func(ctx context.Context) {
		context.AfterFunc(ctx, func() {})()
	}},
}

// derived: contexts of the standard library below a scope.
func (c config) derived() []workload {
	saw := c.seen(nothing)
	var all []workload
	for _, form := range forms {
		w := workload{name: "derive/form=" + form.label, units: c.count(1000)}
		w.entrants = place{depth: 1}.inside(w.units, same(func(ctx context.Context, calls int) error {
			for range calls {
				form.derive(ctx)
				saw()
			}
			return nil
		}))
		all = append(all, w)
	}
	return all
}
