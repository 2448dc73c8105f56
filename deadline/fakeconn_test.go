package deadline_test

import (
	"context"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A fakeConn does what a test says and notes which deadlines are set. Methods that
// are not given go to the Conn inside.
type fakeConn struct {
	net.Conn
	read, write func(b []byte) (int, error)
	broken      error // what setting deadlines returns, without effect

	mu  sync.Mutex
	log []string // guarded by mu
}

func (f *fakeConn) Read(b []byte) (int, error) {
	if f.read == nil {
		return f.Conn.Read(b)
	}
	return f.read(b)
}

func (f *fakeConn) Write(b []byte) (int, error) {
	if f.write == nil {
		return f.Conn.Write(b)
	}
	return f.write(b)
}

func (f *fakeConn) SetReadDeadline(t time.Time) error {
	if f.note("read", t); f.broken != nil || f.Conn == nil {
		return f.broken
	}
	return f.Conn.SetReadDeadline(t)
}

func (f *fakeConn) SetWriteDeadline(t time.Time) error {
	if f.note("write", t); f.broken != nil || f.Conn == nil {
		return f.broken
	}
	return f.Conn.SetWriteDeadline(t)
}

func (f *fakeConn) SetDeadline(t time.Time) error {
	if f.note("both", t); f.broken != nil || f.Conn == nil {
		return f.broken
	}
	return f.Conn.SetDeadline(t)
}

func (f *fakeConn) note(direction string, t time.Time) {
	what := "future"
	switch {
	case t.IsZero():
		what = "none"
	case t.Before(time.Now()):
		what = "past"
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, direction+" "+what)
}

// took returns what has been noted since the last call.
func (f *fakeConn) took() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	log := f.log
	f.log = nil
	return log
}

func (f *fakeConn) wantLog(t *testing.T, want ...string) {
	t.Helper()
	if got := f.took(); !slices.Equal(got, want) {
		t.Errorf("deadlines set: got %q, want %q", got, want)
	}
}

// pipe returns a connection whose deadlines are noted, and its peer.
func pipe(t *testing.T) (near *fakeConn, far net.Conn) {
	a, b := net.Pipe()
	t.Cleanup(func() {
		a.Close()
		b.Close()
	})
	return &fakeConn{Conn: a}, b
}

// A ledgerContext is a context that no package of this module knows. It counts the
// registrations with it, and its Err may be ahead of its Done channel, as that of a context
// is which compares clocks.
type ledgerContext struct {
	context.Context
	err        atomic.Pointer[error]
	registered atomic.Int64
}

func (c *ledgerContext) Err() error {
	if err := c.err.Load(); err != nil {
		return *err
	}
	return nil
}

func (c *ledgerContext) expire() {
	err := context.DeadlineExceeded
	c.err.Store(&err)
}

func (c *ledgerContext) Done() <-chan struct{} { return c.Context.Done() }

// Value hides the contexts of the standard library inside, which would be asked
// instead.
func (c *ledgerContext) Value(any) any { return nil }

func (c *ledgerContext) AfterFunc(f func()) (stop func() bool) {
	c.registered.Add(1)
	inner := context.AfterFunc(c.Context, f)
	return func() bool {
		c.registered.Add(-1)
		return inner()
	}
}

// result is what a Read or Write in another goroutine returns.
type result struct {
	n   int
	err error
	at  time.Time
}

// start calls f in a goroutine of its own.
func start(f func([]byte) (int, error), b []byte) <-chan result {
	done := make(chan result, 1)
	go func() {
		n, err := f(b)
		done <- result{n, err, time.Now()}
	}()
	return done
}

// wantResult checks what has come from the call that is described.
func wantResult(t *testing.T, call string, got result, n int, err error) {
	t.Helper()
	if got.n != n || got.err != err {
		t.Errorf("%s: got (%d, %v), want (%d, %v)", call, got.n, got.err, n, err)
	}
}

// cancelable returns a context and a function that cancels it for a reason, which
// it returns.
func cancelable(t *testing.T, name string) (context.Context, func() error) {
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := &namedError{name}
	return ctx, func() error {
		cancel(reason)
		return reason
	}
}

type namedError struct{ name string }

func (e *namedError) Error() string { return e.name }

// A method is a direction of a connection.
type method struct {
	name string
	call func(c net.Conn) func([]byte) (int, error)
	set  func(c net.Conn) func(time.Time) error
	log  string // how a fakeConn notes its deadline
}

var methods = []method{
	{"Read", func(c net.Conn) func([]byte) (int, error) { return c.Read },
		func(c net.Conn) func(time.Time) error { return c.SetReadDeadline }, "read "},
	{"Write", func(c net.Conn) func([]byte) (int, error) { return c.Write },
		func(c net.Conn) func(time.Time) error { return c.SetWriteDeadline }, "write "},
}

func netConn(c net.Conn) net.Conn { return c.(interface{ NetConn() net.Conn }).NetConn() }
