package nursery_test

import (
	"context"
	"runtime"
	"sync"
	"testing"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/ceiling"
	"github.com/trellis-go/trellis/nursery"
)

// A nursery that has run very many children holds the memory of an empty one, however
// they were started. The growth command of the bench module does the same with 100
// million of them.
func TestMemoryOfEndedChildren(t *testing.T) {
	ceiling.SkipUnderRace(t)
	for _, c := range []struct {
		name  string
		tasks int
		start func(ctx context.Context, n *nursery.Nursery, ended *sync.WaitGroup)
	}{
		{"Go", 200_000, func(_ context.Context, n *nursery.Nursery, ended *sync.WaitGroup) {
			n.Go(func(context.Context) error { ended.Done(); return nil })
		}},
		{"GoNamed", 50_000, func(_ context.Context, n *nursery.Nursery, ended *sync.WaitGroup) {
			n.GoNamed("task", func(context.Context) error { ended.Done(); return nil })
		}},
		{"Spawn", 50_000, func(_ context.Context, n *nursery.Nursery, ended *sync.WaitGroup) {
			nursery.Spawn(n, "", func(context.Context) (int, error) { ended.Done(); return 1, nil })
		}},
		{"Task.Cancel", 50_000, func(_ context.Context, n *nursery.Nursery, ended *sync.WaitGroup) {
			nursery.Spawn(n, "", func(ctx context.Context) (int, error) {
				defer ended.Done()
				<-ctx.Done()
				return 0, ctx.Err()
			}).Cancel(nil)
		}},
		{"Start", 50_000, func(ctx context.Context, n *nursery.Nursery, ended *sync.WaitGroup) {
			nursery.Start(ctx, n, "", func(_ context.Context, started func(int)) error {
				defer ended.Done()
				started(1)
				return nil
			})
		}},
		{"a nursery in a task", 50_000, func(_ context.Context, n *nursery.Nursery, ended *sync.WaitGroup) {
			n.Go(func(ctx context.Context) error {
				defer ended.Done()
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					ctx.Done()
					return nil
				})
			})
		}},
		{"a standard context in a task", 50_000, func(_ context.Context, n *nursery.Nursery, ended *sync.WaitGroup) {
			n.Go(func(ctx context.Context) error {
				defer ended.Done()
				_, cancel := context.WithCancel(ctx)
				cancel()
				return nil
			})
		}},
	} {
		t.Run(c.name, func(t *testing.T) { checkMemory(t, c.tasks, c.start) })
	}
}

// checkMemory checks that a nursery holds no more after so many tasks than it does
// after a few.
func checkMemory(t *testing.T, tasks int, start func(ctx context.Context, n *nursery.Nursery, ended *sync.WaitGroup)) {
	// Few at a time: the runtime keeps what it needs for a goroutine for the next one.
	const batch = 50
	limit := atMost(tasks)
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		run := func(tasks int) {
			for range tasks / batch {
				var ended sync.WaitGroup
				ended.Add(batch)
				for range batch {
					start(ctx, n, &ended)
				}
				ended.Wait()
				for n.Running() > 0 {
					runtime.Gosched()
				}
			}
		}
		run(20 * batch)
		before := heap()
		run(tasks)
		if grown := heap() - before; grown > limit {
			t.Errorf("the heap after %d tasks more = %d bytes more, want at most %d", tasks, grown, limit)
		} else {
			t.Logf("the heap after %d tasks more = %d bytes more, of %d", tasks, grown, limit)
		}
		return nil
	})
	if err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}

// Nothing refers to a scope that has been left, in particular not the scope around it,
// which may stay open for weeks.
func TestMemoryOfScopesLeft(t *testing.T) {
	ceiling.SkipUnderRace(t)
	const scopes = 100_000
	var around cancelscope.Scope
	around.Run(t.Context(), func(ctx context.Context) error {
		ctx.Done()
		run := func(scopes int) {
			for range scopes {
				var s cancelscope.Scope
				s.SetTimeout(forever)
				s.Run(ctx, func(ctx context.Context) error { ctx.Done(); return nil })
			}
		}
		run(1000)
		before := heap()
		run(scopes)
		if grown, limit := heap()-before, atMost(scopes); grown > limit {
			t.Errorf("the heap after %d scopes more = %d bytes more, want at most %d", scopes, grown, limit)
		}
		return nil
	})
}

// atMost returns by how much the heap may grow while so many tasks or scopes come and
// go. The least that could be held for one is a pointer, 8 bytes. What the runtime has
// for goroutines depends on how many there happened to be at a time.
func atMost(many int) int { return 4*many + 1<<16 }

// heap returns the bytes that live objects have on the heap.
func heap() int {
	runtime.GC()
	runtime.GC() // the first one may only have found what has a finalizer
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
