package deadline_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/deadline"
)

// secure makes TLS connections of two ends, with configurations that edits may change.
// Neither has made its handshake.
func secure(t *testing.T, near, far net.Conn, edits ...func(client, server *tls.Config)) (client, server *tls.Conn) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	clients := &tls.Config{InsecureSkipVerify: true}
	servers := &tls.Config{Certificates: []tls.Certificate{cert}, SessionTicketsDisabled: true}
	for _, edit := range edits {
		edit(clients, servers)
	}
	return tls.Client(near, clients), tls.Server(far, servers)
}

// A reader of a TLS connection can be interrupted and continue, also in the middle of a
// record. An interrupted write is the end of writing.
func TestConnTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe(t)
		half := &fakeConn{Conn: far}
		client, server := secure(t, near, half)
		ctx, cancel := cancelable(t, "enough")
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
		wantReadInterrupted(t, near)
		b := make([]byte, 10)
		n, err := deadline.Conn(t.Context(), c).Read(b)
		if string(b[:n]) != "data" || err != nil {
			t.Errorf("Read under another context: got %q, %v; want %q", b[:n], err, "data")
		}
		wantResult(t, "Write of the peer", <-sent, 4, nil)

		ctx, cancel = cancelable(t, "enough")
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

// wantReadInterrupted checks the deadlines that an interrupted Read of a TLS connection
// has set. Those for writes are set only if the Read has not returned by then.
func wantReadInterrupted(t *testing.T, c *fakeConn) {
	t.Helper()
	of := make(map[string][]string) // by direction
	for _, entry := range c.took() {
		direction, what, _ := strings.Cut(entry, " ")
		of[direction] = append(of[direction], what)
	}
	want := []string{"past", "none"}
	if !slices.Equal(of["read"], want) || of["write"] != nil && !slices.Equal(of["write"], want) {
		t.Errorf("deadlines set: got %q, want %q for reads and the same or nothing for writes", of, want)
	}
}

// A handshake reads and writes, whichever method makes it, and is interrupted in
// either.
func TestConnHandshake(t *testing.T) {
	perMethod(t, func(t *testing.T, m method) {
		for _, silent := range []bool{true, false} {
			near, far := pipe(t)
			client, _ := secure(t, near, far)
			ctx, cancel := cancelable(t, "enough")
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
		inner         error
		canceled, not error // what is returned under a context that is done, and under one that is not
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
			if _, err := m.call(c)(nil); err != test.canceled {
				t.Errorf("%s, canceled meanwhile, handshake returns %v: got %v, want %v", m.name, test.inner, err, test.canceled)
			}
		}
	}
}
