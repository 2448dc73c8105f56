package deadline_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/trellis-go/trellis/deadline"
)

// tcp returns the two ends of a connection.
func tcp(t *testing.T) (near, far net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	if near, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		near.Close()
		far.Close()
	})
	// A small buffer, so that writes block, too.
	near.(*net.TCPConn).SetWriteBuffer(1 << 14)
	return near, far
}

func TestConnTCP(t *testing.T) {
	near, far := tcp(t)
	c := deadline.Conn(t.Context(), near)
	for i := range 100 {
		ctx, cancel := cancelable(t, "enough")
		done := start(deadline.Conn(ctx, c).Read, make([]byte, 4))
		for range i % 10 {
			runtime.Gosched()
		}
		reason := cancel()
		wantResult(t, "Read", <-done, 0, reason)
	}
	far.Write([]byte("data"))
	n, err := io.ReadFull(c, make([]byte, 4))
	wantResult(t, "Read under another context", result{n: n, err: err}, 4, nil)
	done := start(c.Read, make([]byte, 4))
	c.Close()
	if got := <-done; !errors.Is(got.err, net.ErrClosed) {
		t.Errorf("Read and Close: got %v, want net.ErrClosed", got.err)
	}
}

// A stress is a number of players, each of which works under one context after
// another and cancels those of all, its own included, on the way.
type stress struct {
	t       *testing.T
	seed    uint64
	players []*player
	strikes sync.WaitGroup
}

type player struct {
	*stress
	rng    *rand.Rand
	cancel atomic.Pointer[context.CancelFunc] // of its latest context
	cut    int                                // calls that have been cut short
}

func newStress(t *testing.T, players int) *stress {
	s := &stress{t: t, seed: rand.Uint64()}
	for i := range players {
		p := &player{stress: s, rng: rand.New(rand.NewPCG(s.seed, uint64(i)))}
		p.next()
		s.players = append(s.players, p)
	}
	return s
}

// next returns a new context.
func (p *player) next() context.Context {
	ctx, cancel := context.WithCancel(p.t.Context())
	p.cancel.Store(&cancel)
	return ctx
}

// strike cancels the context of some player, now, soon or while the caller continues,
// or does nothing.
func (p *player) strike() {
	cancel := *p.players[p.rng.IntN(len(p.players))].cancel.Load()
	switch p.rng.IntN(6) {
	case 0:
		cancel()
	case 1:
		cancel()
		runtime.Gosched()
	case 2:
		p.strikes.Go(cancel)
	case 3:
		p.strikes.Go(cancel)
		runtime.Gosched()
	}
}

// Reader and writer are canceled again and again, and continue under new contexts. Every
// byte comes through, once and in its place.
func TestConnStress(t *testing.T) {
	const words = 1 << 18
	for name, connect := range map[string]func(*testing.T) (near, far net.Conn){
		"tcp":  tcp,
		"pipe": func(*testing.T) (near, far net.Conn) { return net.Pipe() },
	} {
		t.Run(name, func(t *testing.T) {
			near, far := connect(t)
			s := newStress(t, 2)
			var both sync.WaitGroup
			both.Go(func() { s.players[0].send(deadline.Conn(t.Context(), near), words) })
			both.Go(func() { s.players[1].receive(deadline.Conn(t.Context(), far), words) })
			both.Wait()
			s.strikes.Wait()
			for _, p := range s.players {
				if p.cut == 0 {
					t.Errorf("seed %d: nothing has been cut short: this test shows nothing", s.seed)
				}
			}
		})
	}
}

// send writes the numbers up to words, and closes the connection.
func (p *player) send(c net.Conn, words uint32) {
	defer c.Close()
	var rest []byte
	bound := deadline.Conn(p.next(), c)
	for next := uint32(0); next < words || len(rest) > 0; {
		for n := p.rng.IntN(20000); n > 0 && next < words; n-- {
			rest = binary.BigEndian.AppendUint32(rest, next)
			next++
		}
		p.strike()
		n, err := bound.Write(rest)
		rest = rest[n:]
		switch {
		case err == context.Canceled:
			p.cut++
			bound = deadline.Conn(p.next(), c)
		case err != nil:
			p.t.Errorf("seed %d: Write: %v", p.seed, err)
			return
		}
	}
}

// receive checks the numbers up to words, and the end.
func (p *player) receive(c net.Conn, words uint32) {
	defer c.Close()
	var got bytes.Buffer
	next := uint32(0)
	b := make([]byte, 10000)
	bound := deadline.Conn(p.next(), c)
	for {
		p.strike()
		n, err := bound.Read(b[:1+p.rng.IntN(len(b))])
		got.Write(b[:n])
		for got.Len() >= 4 {
			if word := binary.BigEndian.Uint32(got.Next(4)); word != next {
				p.t.Errorf("seed %d: received %d in place of %d", p.seed, word, next)
				return
			}
			next++
		}
		switch {
		case err == context.Canceled:
			p.cut++
			bound = deadline.Conn(p.next(), c)
		case err != nil:
			if err != io.EOF || next != words || got.Len() > 0 {
				p.t.Errorf("seed %d: Read after %d of %d words: %v", p.seed, next, words, err)
			}
			return
		}
	}
}

// Several readers and several writers at a time, each under contexts of its own: what
// they write and read is the same, whatever the order.
func TestConnStressTogether(t *testing.T) {
	const users, each = 3, 1 << 17
	near, far := tcp(t)
	near, far = deadline.Conn(t.Context(), near), deadline.Conn(t.Context(), far)
	s := newStress(t, 2*users)
	var writers, readers sync.WaitGroup
	var received [users][users]int // by reader and by writer
	for i := range users {
		writers.Go(func() {
			p := s.players[i]
			for left := each; left > 0; {
				bound := deadline.Conn(p.next(), near)
				p.strike()
				n, err := bound.Write(bytes.Repeat([]byte{byte(i)}, min(left, 10000)))
				if left -= n; err != nil && err != context.Canceled {
					t.Errorf("seed %d: Write: %v", s.seed, err)
					return
				}
			}
		})
		readers.Go(func() {
			p := s.players[users+i]
			b := make([]byte, 500)
			for {
				bound := deadline.Conn(p.next(), far)
				p.strike()
				n, err := bound.Read(b)
				for _, writer := range b[:n] {
					received[i][writer]++
				}
				if err != nil && err != context.Canceled {
					if err != io.EOF {
						t.Errorf("seed %d: Read: %v", s.seed, err)
					}
					return
				}
			}
		})
	}
	writers.Wait()
	near.Close()
	readers.Wait()
	s.strikes.Wait()
	for writer := range users {
		sum := 0
		for reader := range users {
			sum += received[reader][writer]
		}
		if sum != each {
			t.Errorf("seed %d: %d bytes of writer %d received, want %d", s.seed, sum, writer, each)
		}
	}
}
