package memchan_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trellis-go/trellis/internal/stress"
	"github.com/trellis-go/trellis/memchan"
)

// TestStressDelivery lets many tasks send, receive, clone, close and be canceled at
// random, on one channel, and then accounts for every value: each one of a Send that
// returned nil was received once, or was in the buffer when the last receiver was
// closed; no other was received; and each receiver got those of one sender in order.
func TestStressDelivery(t *testing.T) {
	stress.Run(t, 30, func(r *stress.Round) { newMarket(r).run() })
}

// A value has the number of its sender, and its own number among the values of that sender.
type value struct{ sender, n int }

// A market is one channel with all the tasks that use it.
type market struct {
	r       *stress.Round
	s       *memchan.Sender[value]
	rcv     *memchan.Receiver[value]
	wild    bool                       // handles are closed while they are in use
	longest int                        // how seldom a wait is cut short, in a thousand
	leaving int                        // how often a receiver leaves early, in a thousand
	shared  atomic.Pointer[cancelable] // a context that many use, until it is canceled
	tasks   sync.WaitGroup

	mu       sync.Mutex
	sent     map[value]bool
	refused  map[value]bool
	received map[value]int
	ends     map[error]int // what calls ended with
}

// A cancelable is a context with its end.
type cancelable struct {
	context.Context
	cancel context.CancelFunc
}

func newCancelable() *cancelable {
	ctx, cancel := context.WithCancel(context.Background())
	return &cancelable{ctx, cancel}
}

func newMarket(r *stress.Round) *market {
	rng := r.Rand(0)
	capacity := []int{0, 0, 1, 2, 7, 100, memchan.Unbounded}[rng.IntN(7)]
	m := &market{
		r: r, wild: rng.IntN(2) == 0, longest: rng.IntN(1000), leaving: []int{0, 3, 50}[rng.IntN(3)],
		sent: make(map[value]bool), refused: make(map[value]bool),
		received: make(map[value]int), ends: make(map[error]int),
	}
	m.s, m.rcv = memchan.Open[value](capacity)
	memchan.SetThreshold(m.s, 1+rng.IntN(10))
	m.shared.Store(newCancelable())
	return m
}

func (m *market) run() {
	rng := m.r.Rand(1)
	senders, receivers := 1+rng.IntN(12), 1+rng.IntN(12)
	for i := range senders {
		own, err := m.s.Clone()
		if err != nil {
			m.r.Errorf("Clone = %v, want nil", err)
		}
		m.tasks.Go(func() { m.send(own, i, m.r.Rand(uint64(100+i))) })
	}
	for i := range receivers {
		own, err := m.rcv.Clone()
		if err != nil {
			m.r.Errorf("Clone = %v, want nil", err)
		}
		m.tasks.Go(func() { m.receive(own, m.r.Rand(uint64(200+i))) })
	}
	m.s.Close()
	m.rcv.Close()
	stop := make(chan struct{})
	var agitator sync.WaitGroup
	agitator.Go(func() { m.agitate(stop) })
	m.tasks.Wait()
	close(stop)
	agitator.Wait()
	m.shared.Load().cancel()
	m.account()
}

// agitate cancels the shared context now and then.
func (m *market) agitate(stop chan struct{}) {
	rng := m.r.Rand(2)
	for {
		select {
		case <-stop:
			return
		default:
		}
		for range rng.IntN(200) {
			runtime.Gosched()
		}
		m.shared.Swap(newCancelable()).cancel()
	}
}

// context returns a context for one call: often the one that all share, or one of its
// own that ends soon, or one that never does.
func (m *market) context(rng *rand.Rand) (context.Context, context.CancelFunc) {
	switch {
	case rng.IntN(1000) < m.longest/4:
		return context.Background(), func() {}
	case rng.IntN(1000) < m.longest:
		return m.shared.Load().Context, func() {}
	case rng.IntN(2) == 0:
		return context.WithTimeout(m.shared.Load().Context, time.Duration(rng.IntN(20))*time.Microsecond)
	}
	c := newCancelable()
	spins := rng.IntN(20)
	m.tasks.Go(func() {
		for range spins {
			runtime.Gosched()
		}
		c.cancel()
	})
	return c, c.cancel
}

func (m *market) send(s *memchan.Sender[value], id int, rng *rand.Rand) {
	defer func() { s.Close() }()
	for n := range 200 {
		v := value{id, n}
		var err error
		if rng.IntN(4) == 0 {
			err = s.TrySend(v)
		} else {
			ctx, cancel := m.context(rng)
			err = s.Send(ctx, v)
			cancel()
		}
		m.note(err, func() {
			if err == nil {
				m.sent[v] = true
			} else {
				m.refused[v] = true
			}
		})
		switch err {
		case memchan.ErrClosed, memchan.ErrBroken:
			return
		}
		if m.wild && rng.IntN(20) == 0 {
			c := m.replace(rng, s)
			if c == nil {
				return
			}
			s = c
		}
	}
}

// replace has the handle closed by another goroutine, while it may be in use, and goes over
// to a clone, or not. It returns nil if the handle is closed already.
func (m *market) replace(rng *rand.Rand, s *memchan.Sender[value]) *memchan.Sender[value] {
	c, err := s.Clone()
	if err != nil {
		m.note(err, func() {})
		return nil
	}
	spins := rng.IntN(20)
	m.tasks.Go(func() {
		for range spins {
			runtime.Gosched()
		}
		s.Close()
	})
	if rng.IntN(4) == 0 { // continue with the old one, until it is closed
		c.Close()
		return s
	}
	return c
}

func (m *market) receive(r *memchan.Receiver[value], rng *rand.Rand) {
	defer r.Close()
	last := make(map[int]int) // by sender
	for {
		var v value
		var err error
		if rng.IntN(4) == 0 {
			v, err = r.TryReceive()
		} else {
			ctx, cancel := m.context(rng)
			v, err = r.Receive(ctx)
			cancel()
		}
		m.note(err, func() {
			if err == nil {
				m.received[v]++
			}
		})
		switch err {
		case nil:
			if before, ok := last[v.sender]; ok && before >= v.n {
				m.r.Errorf("a receiver got number %d of a sender after number %d", v.n, before)
			}
			last[v.sender] = v.n
		case memchan.ErrEndOfChannel, memchan.ErrClosed:
			return
		default:
			if v != (value{}) {
				m.r.Errorf("Receive = %v, %v, want no value with an error", v, err)
			}
			runtime.Gosched()
		}
		if rng.IntN(1000) < m.leaving {
			m.tasks.Go(r.Close)
		}
	}
}

func (m *market) note(err error, f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ends[err]++
	f()
}

// account compares what was sent with what was received.
func (m *market) account() {
	allowed := []error{nil, memchan.ErrClosed, memchan.ErrBroken, memchan.ErrEndOfChannel, memchan.ErrWouldBlock, context.Canceled, context.DeadlineExceeded}
	for err, n := range m.ends {
		if !slices.Contains(allowed, err) {
			m.r.Errorf("%d calls ended with %v, want nothing of the kind", n, err)
		}
	}
	stats := m.s.Stats()
	for v, times := range m.received {
		if times != 1 || !m.sent[v] {
			m.r.Errorf("%v was received %d times; a Send of it returned nil: %v, and failed: %v", v, times, m.sent[v], m.refused[v])
		}
	}
	if got := len(m.received) + stats.Discarded; got != len(m.sent) {
		m.r.Errorf("%d values received and %d discarded, want %d together; calls ended with %v", len(m.received), stats.Discarded, len(m.sent), m.ends)
	}
	want := memchan.Stats{Capacity: stats.Capacity, Peak: stats.Peak, Discarded: stats.Discarded}
	if stats != want || stats.Peak > stats.Capacity {
		m.r.Errorf("Stats at the end = %+v, want %+v", stats, want)
	}
	if memchan.HasWatcher(m.s) {
		m.r.Errorf("there is a watcher at the end, want none")
	}
}
