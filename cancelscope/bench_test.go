package cancelscope_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
)

// The benchmarks come in pairs that do the same, lib=trellis beside lib=std, so that
// their ratio can be had from one run.

func benchParent(b *testing.B) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	ctx.Done()
	return ctx
}

// nest calls fn under depth scopes, each with a timeout if limit is not zero.
func nest(ctx context.Context, depth int, limit time.Duration, fn func(ctx context.Context) error) error {
	if depth == 0 {
		return fn(ctx)
	}
	var s cancelscope.Scope
	if limit > 0 {
		s.SetTimeout(limit)
	}
	return s.Run(ctx, func(ctx context.Context) error { return nest(ctx, depth-1, limit, fn) })
}

// nestStd is nest with the contexts of the standard library.
func nestStd(ctx context.Context, depth int, limit time.Duration, fn func(ctx context.Context) error) error {
	if depth == 0 {
		return fn(ctx)
	}
	var cancel context.CancelFunc
	if limit > 0 {
		ctx, cancel = context.WithTimeout(ctx, limit)
	} else {
		ctx, cancel = context.WithCancel(ctx)
	}
	defer cancel()
	return nestStd(ctx, depth-1, limit, fn)
}

var nesters = []struct {
	lib  string
	nest func(context.Context, int, time.Duration, func(context.Context) error) error
}{{"trellis", nest}, {"std", nestStd}}

func BenchmarkTimeout(b *testing.B) {
	look := func(ctx context.Context) error { ctx.Done(); return nil }
	leave := func(ctx context.Context) error { return nil }
	for _, c := range []struct {
		name  string
		depth int
		fn    func(context.Context) error
	}{{"done=false/depth=1", 1, leave}, {"done=true/depth=1", 1, look}, {"done=true/depth=10", 10, look}} {
		for _, n := range nesters {
			b.Run(c.name+"/lib="+n.lib, func(b *testing.B) {
				ctx := benchParent(b)
				b.ReportAllocs()
				for b.Loop() {
					n.nest(ctx, c.depth, time.Hour, c.fn)
				}
			})
		}
	}
}

func BenchmarkMoveDeadline(b *testing.B) {
	for _, c := range []struct {
		name string
		step time.Duration
	}{{"to=later", time.Microsecond}, {"to=earlier", -time.Microsecond}} {
		b.Run(c.name+"/lib=trellis", func(b *testing.B) {
			s := cancelscope.Scope{Adjustable: true}
			t := time.Now().Add(1000 * time.Hour)
			s.SetDeadline(t)
			s.Run(benchParent(b), func(ctx context.Context) error {
				ctx.Done()
				for b.Loop() {
					t = t.Add(c.step)
					s.SetDeadline(t)
				}
				return nil
			})
		})
	}
	b.Run("to=new/lib=std", func(b *testing.B) {
		ctx := benchParent(b)
		t := time.Now().Add(1000 * time.Hour)
		for b.Loop() {
			t = t.Add(time.Microsecond)
			moved, cancel := context.WithDeadline(ctx, t)
			moved.Done()
			cancel()
		}
	})
}

func BenchmarkContext(b *testing.B) {
	for _, depth := range []int{1, 10, 50} {
		for _, n := range nesters {
			suffix := fmt.Sprintf("/depth=%d/lib=%s", depth, n.lib)
			n.nest(benchParent(b), depth, 0, func(ctx context.Context) error {
				b.Run("call=Err"+suffix, func(b *testing.B) {
					for b.Loop() {
						ctx.Err()
					}
				})
				b.Run("call=Done"+suffix, func(b *testing.B) {
					for b.Loop() {
						ctx.Done()
					}
				})
				return nil
			})
		}
	}
}

// What it costs to cancel one scope with many inside, for each of them.
func BenchmarkCancelMany(b *testing.B) {
	const count = 100_000
	perScope := func(b *testing.B, took time.Duration) {
		b.ReportMetric(float64(took.Nanoseconds())/float64(b.N)/count, "ns/scope")
	}
	for _, look := range []bool{false, true} {
		b.Run(fmt.Sprintf("done=%v/lib=trellis", look), func(b *testing.B) {
			var took time.Duration
			for b.Loop() {
				var s cancelscope.Scope
				s.Run(context.Background(), func(ctx context.Context) error {
					var ready, ended sync.WaitGroup
					end := make(chan struct{})
					ready.Add(count)
					for range count {
						ended.Go(func() {
							var in cancelscope.Scope
							in.Run(ctx, func(ctx context.Context) error {
								done := (<-chan struct{})(end)
								if look {
									done = ctx.Done()
								}
								ready.Done()
								<-done
								return nil
							})
						})
					}
					ready.Wait()
					start := time.Now()
					s.Cancel(nil)
					took += time.Since(start)
					close(end)
					ended.Wait()
					return nil
				})
			}
			perScope(b, took)
		})
		b.Run(fmt.Sprintf("done=%v/lib=std", look), func(b *testing.B) {
			var took time.Duration
			for b.Loop() {
				ctx, cancel := context.WithCancel(context.Background())
				var ready, ended sync.WaitGroup
				end := make(chan struct{})
				ready.Add(count)
				for range count {
					ended.Go(func() {
						ctx, cancel := context.WithCancel(ctx)
						defer cancel()
						done := (<-chan struct{})(end)
						if look {
							done = ctx.Done()
						}
						ready.Done()
						<-done
					})
				}
				ready.Wait()
				start := time.Now()
				cancel()
				took += time.Since(start)
				close(end)
				ended.Wait()
			}
			perScope(b, took)
		})
	}
}

func BenchmarkDerive(b *testing.B) {
	type key struct{}
	forms := []struct {
		name   string
		derive func(ctx context.Context)
	}{
		{"WithCancel", func(ctx context.Context) { _, cancel := context.WithCancel(ctx); cancel() }},
		{"WithValueWithCancel", func(ctx context.Context) {
			_, cancel := context.WithCancel(context.WithValue(ctx, key{}, 1))
			cancel()
		}},
		{"WithTimeout", func(ctx context.Context) { _, cancel := context.WithTimeout(ctx, time.Hour); cancel() }},
		{"AfterFunc", func(ctx context.Context) { context.AfterFunc(ctx, func() {})() }},
	}
	for _, f := range forms {
		for _, n := range nesters {
			n.nest(benchParent(b), 1, 0, func(ctx context.Context) error {
				b.Run("form="+f.name+"/lib="+n.lib, func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						f.derive(ctx)
					}
				})
				return nil
			})
		}
	}
}
