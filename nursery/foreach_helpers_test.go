package nursery_test

import (
	"context"
	"io"
	"iter"
	"runtime"
	"strings"
	"sync/atomic"
)

// A source is a sequence of the numbers from 0 that watches how it is used.
type source struct {
	count  int // how many there are; negative: no end
	pulled atomic.Int64
	busy   atomic.Int64
	twice  atomic.Bool // two goroutines have been at it
	over   atomic.Bool // it has returned, by itself or because it was stopped
}

func (s *source) all() iter.Seq[int] {
	return func(yield func(int) bool) {
		defer s.over.Store(true)
		s.enter()
		defer s.busy.Add(-1)
		for i := 0; i != s.count; i++ {
			s.pulled.Add(1)
			s.busy.Add(-1)
			more := yield(i)
			s.enter()
			if !more {
				return
			}
		}
	}
}

func (s *source) enter() {
	if s.busy.Add(1) != 1 {
		s.twice.Store(true)
	}
}

// A gauge counts how many run.
type gauge struct{ now, most, total atomic.Int64 }

func (g *gauge) enter() {
	now := g.now.Add(1)
	for most := g.most.Load(); now > most && !g.most.CompareAndSwap(most, now); most = g.most.Load() {
	}
	g.total.Add(1)
}

func (g *gauge) leave() { g.now.Add(-1) }

// upTo is the sequence of the numbers from 0 to before count.
func upTo(count int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range count {
			if !yield(i) {
				return
			}
		}
	}
}

// receiving is a receive function for the numbers from 0 to before count.
func receiving(count int) func(ctx context.Context) (int, error) {
	next := 0
	return func(ctx context.Context) (int, error) {
		if next == count {
			return 0, io.EOF
		}
		next++
		return next - 1, nil
	}
}

// goroutine names the goroutine that calls it.
func goroutine() string {
	buf := make([]byte, 64)
	name, _, _ := strings.Cut(string(buf[:runtime.Stack(buf, false)]), " [")
	return name
}
