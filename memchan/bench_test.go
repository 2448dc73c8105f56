package memchan_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trellis-go/trellis/memchan"
)

// The benchmarks compare a memory channel with a Go channel in a select with the context.
// Each benchmark runs the two in turns, so that other load on the machine affects them alike,
// and reports the medians for one value, and their ratio:
//
//	go test -run '^$' -bench . -benchtime 2s ./memchan
//
// The goal is a ratio of at most 1.5, and below 1 where many calls wait. With many calls and
// a capacity of 0 it is not far below: nearly all of the time is spent on waking one goroutine
// and parking another for each value, and the scheduler does that for both kinds. Where the
// buffer is full and 1,000 calls wait to send, each kind may behave in two ways. If the
// receiver is faster than the senders that it wakes, it empties the queue, and then most
// values cost no wait; otherwise each value costs one. Which of the two happens depends on
// other load on the machine, so a single run of that row means little.

// A pipe is either of the two.
type pipe interface {
	send(ctx context.Context, v int) error
	receive(ctx context.Context) (int, error)
}

type memory struct {
	s *memchan.Sender[int]
	r *memchan.Receiver[int]
}

func newMemory(capacity int) pipe {
	s, r := memchan.Open[int](capacity)
	return memory{s, r}
}

func (m memory) send(ctx context.Context, v int) error    { return m.s.Send(ctx, v) }
func (m memory) receive(ctx context.Context) (int, error) { return m.r.Receive(ctx) }

type plain chan int

func newPlain(capacity int) pipe { return make(plain, capacity) }

func (c plain) send(ctx context.Context, v int) error {
	select {
	case c <- v:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (c plain) receive(ctx context.Context) (int, error) {
	select {
	case v := <-c:
		return v, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// compare measures both kinds in turns. Each call of measure makes n values, and
// returns the time that they took.
func compare(b *testing.B, capacity, n int, measure func(p pipe) time.Duration) {
	var each [2][]float64 // nanoseconds for one value
	for b.Loop() {
		for i, p := range []pipe{newPlain(capacity), newMemory(capacity)} {
			each[i] = append(each[i], float64(measure(p).Nanoseconds())/float64(n))
		}
	}
	median := func(all []float64) float64 {
		slices.Sort(all)
		return all[len(all)/2]
	}
	b.ReportMetric(0, "ns/op") // of both together, which says nothing
	b.ReportMetric(median(each[0]), "plain-ns/value")
	b.ReportMetric(median(each[1]), "memchan-ns/value")
	b.ReportMetric(median(each[1])/median(each[0]), "memchan/plain")
}

// move sends about n values with that many tasks and receives them with that many.
func move(p pipe, n, senders, receivers int, sending, receiving context.Context) time.Duration {
	n = n / senders / receivers * senders * receivers
	start := time.Now()
	var tasks sync.WaitGroup
	for range senders {
		tasks.Go(func() {
			for v := range n / senders {
				p.send(sending, v)
			}
		})
	}
	for range receivers {
		tasks.Go(func() {
			for range n / receivers {
				p.receive(receiving)
			}
		})
	}
	tasks.Wait()
	return time.Since(start)
}

// BenchmarkMove hands values from tasks to tasks. All have the same context, as in a
// nursery, or the two sides have one each.
func BenchmarkMove(b *testing.B) {
	const n = 20_000
	for _, shape := range []struct{ senders, receivers, capacity, contexts int }{
		{1, 1, 0, 1}, {1, 1, 0, 2}, {1, 1, 1, 1}, {1, 1, 1, 2}, {1, 1, 64, 1}, {1, 1, 64, 2},
		{8, 8, 0, 1}, {8, 8, 0, 2}, {8, 8, 64, 1},
		{1, 1000, 0, 1}, {1000, 1, 0, 1}, {1000, 1, 64, 1},
	} {
		name := fmt.Sprintf("senders=%d/receivers=%d/capacity=%d/contexts=%d", shape.senders, shape.receivers, shape.capacity, shape.contexts)
		b.Run(name, func(b *testing.B) {
			sending, cancel := context.WithCancel(b.Context())
			defer cancel()
			receiving := sending
			if shape.contexts == 2 {
				receiving, cancel = context.WithCancel(b.Context())
				defer cancel()
			}
			compare(b, shape.capacity, n, func(p pipe) time.Duration {
				return move(p, n, shape.senders, shape.receivers, sending, receiving)
			})
		})
	}
}

// BenchmarkAlone sends and receives in one task, which never waits.
func BenchmarkAlone(b *testing.B) {
	const n = 10_000
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	compare(b, 1, n, func(p pipe) time.Duration {
		start := time.Now()
		for v := range n {
			p.send(ctx, v)
			p.receive(ctx)
		}
		return time.Since(start)
	})
}

// BenchmarkCancel measures how long many tasks that wait need to end when their context
// is canceled, for one of them.
func BenchmarkCancel(b *testing.B) {
	for _, waiting := range []int{1, 1000, 10_000} {
		b.Run(fmt.Sprintf("waiting=%d", waiting), func(b *testing.B) {
			compare(b, 0, waiting, func(p pipe) time.Duration {
				ctx, cancel := context.WithCancel(b.Context())
				var tasks sync.WaitGroup
				for range waiting {
					tasks.Go(func() { p.receive(ctx) })
				}
				for range 3 {
					runtime.GC() // not in the middle, and all wait when it is done
				}
				start := time.Now()
				cancel()
				tasks.Wait()
				return time.Since(start)
			})
		})
	}
}
