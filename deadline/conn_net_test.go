package deadline_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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
		ctx, cancel := cancellable(t, "enough")
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

// spells makes contexts that are cancelled soon, after a number of turns of the
// scheduler.
type spells struct {
	t     *testing.T
	rng   *rand.Rand
	spent int // how many of the contexts have cut something short
	done  sync.WaitGroup
}

func (s *spells) next() context.Context {
	ctx, cancel := context.WithCancel(s.t.Context())
	turns := s.rng.IntN(40)
	s.done.Go(func() {
		for range turns {
			runtime.Gosched()
		}
		cancel()
	})
	return ctx
}

// Reader and writer are cancelled again and again, and go on under new contexts. Every
// byte comes through, once and in its place.
func TestConnStress(t *testing.T) {
	const words = 1 << 18
	for name, connect := range map[string]func(*testing.T) (near, far net.Conn){
		"tcp": tcp,
		"pipe": func(t *testing.T) (near, far net.Conn) {
			near, far = pipe(t)
			return near, far
		},
	} {
		t.Run(name, func(t *testing.T) {
			seed := rand.Uint64()
			near, far := connect(t)
			writing := spells{t: t, rng: rand.New(rand.NewPCG(seed, 1))}
			reading := spells{t: t, rng: rand.New(rand.NewPCG(seed, 2))}
			var both sync.WaitGroup
			both.Go(func() { send(t, seed, &writing, deadline.Conn(t.Context(), near), words) })
			both.Go(func() { receive(t, seed, &reading, deadline.Conn(t.Context(), far), words) })
			both.Wait()
			writing.done.Wait()
			reading.done.Wait()
			if writing.spent+reading.spent == 0 {
				t.Errorf("seed %d: nothing has been cut short: this test shows nothing", seed)
			}
		})
	}
}

// send writes the numbers up to words, and closes the connection.
func send(t *testing.T, seed uint64, s *spells, c net.Conn, words uint32) {
	defer c.Close()
	var rest []byte
	for next := uint32(0); next < words || len(rest) > 0; {
		ctx := s.next()
		for c := deadline.Conn(ctx, c); next < words || len(rest) > 0; {
			for n := s.rng.IntN(20000); n > 0 && next < words; n-- {
				rest = binary.BigEndian.AppendUint32(rest, next)
				next++
			}
			n, err := c.Write(rest)
			rest = rest[n:]
			if err == context.Canceled {
				s.spent++
				break
			}
			if err != nil {
				t.Errorf("seed %d: Write: %v", seed, err)
				return
			}
		}
	}
}

// receive checks the numbers up to words, and the end.
func receive(t *testing.T, seed uint64, s *spells, c net.Conn, words uint32) {
	defer c.Close()
	var got bytes.Buffer
	next := uint32(0)
	b := make([]byte, 10000)
	for {
		ctx := s.next()
		for c := deadline.Conn(ctx, c); ; {
			n, err := c.Read(b[:1+s.rng.IntN(len(b))])
			got.Write(b[:n])
			for got.Len() >= 4 {
				if word := binary.BigEndian.Uint32(got.Next(4)); word != next {
					t.Errorf("seed %d: received %d in place of %d", seed, word, next)
					return
				}
				next++
			}
			if err == context.Canceled {
				s.spent++
				break
			}
			if err != nil {
				if err != io.EOF || next != words || got.Len() > 0 {
					t.Errorf("seed %d: Read after %d of %d words: %v", seed, next, words, err)
				}
				return
			}
		}
	}
}

// Several readers and several writers at a time, each under contexts of its own: what
// they write and read is the same, whatever the order.
func TestConnStressTogether(t *testing.T) {
	const users, each = 3, 1 << 16
	seed := rand.Uint64()
	near, far := tcp(t)
	near, far = deadline.Conn(t.Context(), near), deadline.Conn(t.Context(), far)
	var writers, readers sync.WaitGroup
	var received [users][users]int // by reader and by writer
	for i := range users {
		writers.Go(func() {
			s := spells{t: t, rng: rand.New(rand.NewPCG(seed, uint64(i)))}
			defer s.done.Wait()
			for left := each; left > 0; {
				n, err := deadline.Conn(s.next(), near).Write(bytes.Repeat([]byte{byte(i)}, min(left, 1000)))
				if left -= n; err != nil && err != context.Canceled {
					t.Errorf("seed %d: Write: %v", seed, err)
					return
				}
			}
		})
		readers.Go(func() {
			s := spells{t: t, rng: rand.New(rand.NewPCG(seed, users+uint64(i)))}
			defer s.done.Wait()
			b := make([]byte, 500)
			for {
				n, err := deadline.Conn(s.next(), far).Read(b)
				for _, writer := range b[:n] {
					received[i][writer]++
				}
				if err != nil && err != context.Canceled {
					if err != io.EOF {
						t.Errorf("seed %d: Read: %v", seed, err)
					}
					return
				}
			}
		})
	}
	writers.Wait()
	near.Close()
	readers.Wait()
	for writer := range users {
		sum := 0
		for reader := range users {
			sum += received[reader][writer]
		}
		if sum != each {
			t.Errorf("seed %d: %d bytes of writer %d received, want %d", seed, sum, writer, each)
		}
	}
}

// secure makes TLS connections of two ends. Neither has made its handshake.
func secure(t *testing.T, near, far net.Conn) (client, server *tls.Conn) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(crand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return tls.Client(near, &tls.Config{InsecureSkipVerify: true}),
		tls.Server(far, &tls.Config{Certificates: []tls.Certificate{cert}, SessionTicketsDisabled: true})
}

// A reader of a TLS connection can be interrupted and go on, also in the middle of a
// record. An interrupted write is the end of writing.
func TestConnTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe(t)
		half := &fakeConn{Conn: far}
		client, server := secure(t, near, half)
		ctx, cancel := cancellable(t, "enough")
		c := deadline.Conn(ctx, client)
		done := start(c.Read, make([]byte, 10)) // makes the handshake
		if err := server.Handshake(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // Read waits for data
		near.took()
		half.write = func(b []byte) (int, error) {
			n, err := far.Write(b[:len(b)/2])
			synctest.Wait() // Read waits for the rest of the record
			cancel()
			synctest.Wait() // Read has returned
			m, err2 := far.Write(b[len(b)/2:])
			return n + m, errors.Join(err, err2)
		}
		sent := start(server.Write, []byte("data"))
		wantResult(t, "Read", <-done, 0, context.Cause(ctx))
		near.wantLog(t, "read past", "read none")
		b := make([]byte, 10)
		n, err := deadline.Conn(t.Context(), c).Read(b)
		if string(b[:n]) != "data" || err != nil {
			t.Errorf("Read under another context: got %q, %v; want %q", b[:n], err, "data")
		}
		wantResult(t, "Write of the peer", <-sent, 4, nil)

		ctx, cancel = cancellable(t, "enough")
		done = start(deadline.Conn(ctx, c).Write, []byte("data"))
		synctest.Wait() // Write is blocked
		reason := cancel()
		wantResult(t, "Write", <-done, 0, reason)
		_, err = deadline.Conn(t.Context(), c).Write([]byte("data"))
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Write after one that was interrupted: got %v, want a timeout", err)
		}
	})
}

// A handshake reads and writes, whichever method makes it, and is interrupted in
// either.
func TestConnHandshake(t *testing.T) {
	perMethod(t, func(t *testing.T, m method) {
		for _, silent := range []bool{true, false} {
			near, far := pipe(t)
			client, _ := secure(t, near, far)
			ctx, cancel := cancellable(t, "enough")
			c := deadline.Conn(ctx, client)
			done := start(m.call(c), []byte("data"))
			if !silent {
				far.Read(make([]byte, 10000)) // the client now waits for the answer
			}
			synctest.Wait() // the handshake is blocked
			reason := cancel()
			wantResult(t, m.name, <-done, 0, reason)
			if _, err := m.call(deadline.Conn(t.Context(), c))([]byte("data")); !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("%s after an interrupted handshake: got %v, want io.ErrClosedPipe", m.name, err)
			}
		}
	})
}

// A polite connection makes a handshake as a test says.
type polite struct {
	fakeConn
	handshake func(context.Context) error
}

func (c *polite) HandshakeContext(ctx context.Context) error { return c.handshake(ctx) }

func TestConnHandshakeErrors(t *testing.T) {
	reason := error(&namedError{"enough"})
	for _, test := range []struct {
		inner          error
		cancelled, not error // what comes out under a context that is done, and one that is not
	}{
		{context.Canceled, reason, context.Canceled},
		{os.ErrDeadlineExceeded, reason, os.ErrDeadlineExceeded},
		{context.DeadlineExceeded, context.DeadlineExceeded, context.DeadlineExceeded},
		{io.EOF, io.EOF, io.EOF},
	} {
		for _, m := range methods {
			ctx, cancel := context.WithCancelCause(t.Context())
			var during func()
			near := &polite{handshake: func(got context.Context) error {
				during()
				if got != ctx {
					t.Errorf("handshake under %v, want the context of the connection", got)
				}
				return test.inner
			}}
			c := deadline.Conn(ctx, near)
			during = func() {}
			if _, err := m.call(c)(nil); err != test.not {
				t.Errorf("%s, handshake returns %v: got %v, want %v", m.name, test.inner, err, test.not)
			}
			during = func() { cancel(reason) }
			if _, err := m.call(c)(nil); err != test.cancelled {
				t.Errorf("%s, cancelled meanwhile, handshake returns %v: got %v, want %v", m.name, test.inner, err, test.cancelled)
			}
		}
	}
}
