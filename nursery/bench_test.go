package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/trellis-go/trellis/nursery"
)

// The benchmarks come in pairs that do the same, so that their ratio can be had from
// one run: lib=trellis beside lib=errgroup and, where that says something, lib=raw,
// which is goroutines with a WaitGroup, without contexts and errors.

// parent is what servers have: a context that can be canceled, and whose Done has
// been asked for.
func parent(b *testing.B) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	ctx.Done()
	return ctx
}

var errBench = errors.New("failed")

func nothing(context.Context) error { return nil }

// spin is a task of about d.
func spin(d time.Duration) {
	for start := time.Now(); time.Since(start) < d; {
	}
}

// deep needs about 12 KiB of stack.
func deep(levels int) byte {
	var frame [1024]byte
	if levels == 0 {
		return frame[0]
	}
	frame[levels] = deep(levels - 1)
	return frame[levels/2]
}

func BenchmarkOpen(b *testing.B) {
	for _, look := range []bool{false, true} {
		name := fmt.Sprintf("done=%v/", look)
		b.Run(name+"lib=trellis", func(b *testing.B) {
			ctx := parent(b)
			b.ReportAllocs()
			for b.Loop() {
				nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					if look {
						ctx.Done()
					}
					return nil
				})
			}
		})
		b.Run(name+"lib=errgroup", func(b *testing.B) {
			parent := parent(b)
			b.ReportAllocs()
			for b.Loop() {
				g, ctx := errgroup.WithContext(parent)
				if look {
					ctx.Done()
				}
				g.Wait()
			}
		})
	}
}

// children runs count tasks in each library.
func children(b *testing.B, count int, work func()) {
	b.Run("lib=trellis", func(b *testing.B) {
		ctx := parent(b)
		b.ReportAllocs()
		for b.Loop() {
			nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				for range count {
					n.Go(func(context.Context) error { work(); return nil })
				}
				return nil
			})
		}
	})
	b.Run("lib=errgroup", func(b *testing.B) {
		parent := parent(b)
		b.ReportAllocs()
		for b.Loop() {
			g, _ := errgroup.WithContext(parent)
			for range count {
				g.Go(func() error { work(); return nil })
			}
			g.Wait()
		}
	})
	b.Run("lib=raw", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var wg sync.WaitGroup
			for range count {
				wg.Go(work)
			}
			wg.Wait()
		}
	})
}

func BenchmarkChildren(b *testing.B) {
	for _, count := range []int{1, 10, 100, 10_000} {
		b.Run(fmt.Sprintf("count=%d", count), func(b *testing.B) { children(b, count, func() {}) })
	}
}

func BenchmarkChildrenWork(b *testing.B) {
	b.Run("work=1us", func(b *testing.B) { children(b, 1000, func() { spin(time.Microsecond) }) })
	b.Run("work=stack12KiB", func(b *testing.B) { children(b, 1000, func() { deep(10) }) })
}

// From the failure of one to the return of Run, where all others wait for it.
func BenchmarkParked(b *testing.B) {
	const count = 100_000
	perChild := func(b *testing.B, took time.Duration) {
		b.ReportMetric(float64(took.Nanoseconds())/float64(b.N)/count, "ns/child")
	}
	b.Run("lib=trellis", func(b *testing.B) {
		ctx := parent(b)
		var took time.Duration
		for b.Loop() {
			var start time.Time
			nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				var parked sync.WaitGroup
				parked.Add(count)
				for range count {
					n.Go(func(ctx context.Context) error {
						done := ctx.Done()
						parked.Done()
						<-done
						return ctx.Err()
					})
				}
				parked.Wait()
				runtime.Gosched()
				start = time.Now()
				return errBench
			})
			took += time.Since(start)
		}
		perChild(b, took)
	})
	b.Run("lib=errgroup", func(b *testing.B) {
		parent := parent(b)
		var took time.Duration
		for b.Loop() {
			g, ctx := errgroup.WithContext(parent)
			var parked sync.WaitGroup
			parked.Add(count)
			for range count {
				g.Go(func() error {
					done := ctx.Done()
					parked.Done()
					<-done
					return ctx.Err()
				})
			}
			parked.Wait()
			runtime.Gosched()
			start := time.Now()
			g.Go(func() error { return errBench })
			g.Wait()
			took += time.Since(start)
		}
		perChild(b, took)
	})
}

func BenchmarkNested(b *testing.B) {
	const levels = 10
	b.Run("lib=trellis", func(b *testing.B) {
		var open func(ctx context.Context, level int) error
		open = func(ctx context.Context, level int) error {
			if level == 0 {
				return ctx.Err()
			}
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				return open(ctx, level-1)
			})
		}
		ctx := parent(b)
		b.ReportAllocs()
		for b.Loop() {
			open(ctx, levels)
		}
	})
	b.Run("lib=errgroup", func(b *testing.B) {
		var open func(ctx context.Context, level int) error
		open = func(ctx context.Context, level int) error {
			if level == 0 {
				return ctx.Err()
			}
			g, ctx := errgroup.WithContext(ctx)
			if err := open(ctx, level-1); err != nil {
				return err
			}
			return g.Wait()
		}
		ctx := parent(b)
		b.ReportAllocs()
		for b.Loop() {
			open(ctx, levels)
		}
	})
}

func BenchmarkSpawners(b *testing.B) {
	const spawners, each = 8, 1000
	b.Run("lib=trellis", func(b *testing.B) {
		ctx := parent(b)
		for b.Loop() {
			nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				for range spawners {
					n.Go(func(context.Context) error {
						for range each {
							n.Go(nothing)
						}
						return nil
					})
				}
				return nil
			})
		}
	})
	b.Run("lib=errgroup", func(b *testing.B) {
		parent := parent(b)
		for b.Loop() {
			g, _ := errgroup.WithContext(parent)
			for range spawners {
				g.Go(func() error {
					for range each {
						g.Go(func() error { return nil })
					}
					return nil
				})
			}
			g.Wait()
		}
	})
}

// One task in ten fails. Trellis keeps all the errors, errgroup the first.
func BenchmarkErrors(b *testing.B) {
	const count = 10_000
	b.Run("lib=trellis", func(b *testing.B) {
		ctx := parent(b)
		for b.Loop() {
			nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				for i := range count {
					n.Go(func(context.Context) error {
						if i%10 == 0 {
							return errBench
						}
						return nil
					})
				}
				return nil
			})
		}
	})
	b.Run("lib=errgroup", func(b *testing.B) {
		parent := parent(b)
		for b.Loop() {
			g, _ := errgroup.WithContext(parent)
			for i := range count {
				g.Go(func() error {
					if i%10 == 0 {
						return errBench
					}
					return nil
				})
			}
			g.Wait()
		}
	})
}
