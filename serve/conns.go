package serve

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

// Conns serves the connections of l, each in a task of its own that calls handle, until
// the program drains or ctx is done. It returns when every handle has returned, and
// closes l in any case.
//
// At most limit connections are served at a time (nursery.NoLimit for any number). While
// there are as many, Conns does not accept, and clients wait in the queue of the kernel.
// When the process has no more files, accepting pauses, for up to a second.
//
// The connection that handle gets is a [deadline.Conn]: its reads and writes end with
// ctx. Conns closes it when handle has returned. An error of handle, or a panic, ends its
// own connection only, and is logged; so return nil for what needs no line. A
// cancellation is not logged.
//
// When the program accepts nothing new any more, see [Closing], the connections that the
// kernel has made already are accepted, as far as limit allows, and l is closed. What is
// beyond the limit is closed, and counted in the log. Connections that are idle then, or
// become idle later, end: their Read returns io.EOF, as if the client had closed them. A
// connection is idle when handle has read nothing since it last wrote, or since the
// beginning, and nothing comes for 100 milliseconds more, or for the first second of a
// connection that is new.
//
// This fits protocols of requests and replies. A client that has sent a part of a
// request, or that only sends and gets no replies, is not idle, and holds the drain up
// until Grace has passed. For such protocols, handle must watch [Closing] itself. The
// connection of the listener, which has no such rules, is
//
//	raw := c.(interface{ NetConn() net.Conn }).NetConn().(interface{ NetConn() net.Conn }).NetConn()
//
// If ctx is done, reads and writes fail with its cause, and a Read does not return io.EOF
// in its place. Conns returns nil after a drain, and the cancellation if a connection was
// being served when ctx was done, whatever handle returns. An error of l other than a lack
// of files is returned as it is, and cancels the connections. Accepting has to end with a
// context, so l must have a method SetDeadline, as those of package net; the backlog of
// other listeners is lost when they are closed. For TLS, call tls.Server in handle. A client
// that has sent no request since its handshake is not idle then, because the end of the
// handshake was read and nothing was written since: give its first Read a deadline.
//
// Conns panics if ctx, l or handle is nil, or if limit is below 1.
func Conns(ctx context.Context, l net.Listener, limit int, handle func(ctx context.Context, c net.Conn) error) error {
	switch {
	case ctx == nil:
		panic("serve: Conns with a nil context: pass the context of the task")
	case l == nil:
		panic("serve: Conns with a nil listener: check the error of Listen first")
	case limit < 1:
		panic("serve: Conns with the limit " + strconv.Itoa(limit) + ": pass nursery.NoLimit for any number of connections")
	case handle == nil:
		panic("serve: Conns with a nil function: there is nothing to serve connections with")
	}
	s := &connServer{drain: drainOf(ctx), limit: int32(min(limit, nursery.NoLimit)), handle: handle, freed: make(chan struct{}, 1)}
	s.addr = l.Addr().String()
	config := nursery.Config{Name: "connections on " + s.addr, Supervise: true, Keep: -1, Panics: nursery.ConvertPanics, OnError: s.report}
	var failed error
	err := config.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		a := newAcceptor(ctx, s.drain, l)
		defer a.close()
		if failed = s.accept(n, a); failed != nil {
			n.Scope().Cancel(failed)
			return nil
		}
		s.endIdle()
		return nil
	})
	if failed != nil {
		return failed
	}
	// All other errors have been reported.
	canceled, _ := cancelscope.Split(ctx, err)
	if canceled == nil && s.late.Load() && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return canceled
}

// A connServer is a call of Conns.
type connServer struct {
	// Read-only.
	drain  *drain // nil if there is none
	addr   string
	limit  int32
	handle func(ctx context.Context, c net.Conn) error

	active atomic.Int32
	late   atomic.Bool   // a connection was served when ctx was done
	freed  chan struct{} // gets a value when active has become smaller

	mu     sync.Mutex
	conns  map[*flow]bool // guarded by mu; that are served
	ending bool           // guarded by mu; connections end when they are idle
}

// accept accepts connections and starts their tasks, until nothing new is accepted. It
// returns an error of the listener.
func (s *connServer) accept(n *nursery.Nursery, a *acceptor) error {
	var pause time.Duration
	refused := 0
	for {
		s.room(a.accept)
		c, err := a.next()
		switch {
		case err == nil && s.active.Load() < s.limit:
			pause = 0
			s.start(n, c)
		case err == nil: // of the backlog
			refused++
			c.Close()
		case errors.Is(err, errAccepted):
			s.drain.warn(err)
			if refused > 0 {
				s.log(slog.LevelWarn, "connections refused in the drain: the limit is reached", slog.Int("refused", refused))
			}
			return nil
		case a.work.Err() != nil:
			return nil
		case !isShort(err):
			return err
		default:
			if pause == 0 {
				s.log(slog.LevelWarn, "accepting pauses", slog.Any("error", err), slog.Int("connections", int(s.active.Load())))
			}
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			_ = deadline.Sleep(a.accept, pause) // next returns why it has ended
		}
	}
}

// room returns when one more connection may be served, or accept is done.
func (s *connServer) room(accept context.Context) {
	for s.active.Load() >= s.limit {
		select {
		case <-s.freed:
		case <-accept.Done():
			return
		}
	}
}

// isShort reports whether accepting has failed for something that passes.
func isShort(err error) bool {
	var number syscall.Errno
	if !errors.As(err, &number) {
		return false
	}
	return number.Temporary() || number == syscall.ENOBUFS || number == syscall.ENOMEM || number == syscall.ECONNABORTED
}

// start starts the task of a connection.
func (s *connServer) start(n *nursery.Nursery, c net.Conn) {
	s.active.Add(1)
	f := &flow{newConn(c)}
	s.mu.Lock()
	if s.conns == nil {
		s.conns = make(map[*flow]bool)
	}
	s.conns[f] = true
	if s.ending {
		f.end()
	}
	s.mu.Unlock()
	name := "from " + remote(c)
	n.GoNamed(name, func(ctx context.Context) error {
		defer func() {
			c.Close()
			if ctx.Err() != nil {
				s.late.Store(true) // whatever handle returns
			}
			s.mu.Lock()
			delete(s.conns, f)
			s.mu.Unlock()
			s.active.Add(-1)
			select {
			case s.freed <- struct{}{}:
			default: // there is room that has not been used yet
			}
		}()
		return s.handle(ctx, deadline.Conn(ctx, f))
	})
}

// remote returns where a connection comes from, without what differs between several of
// one client.
func remote(c net.Conn) string {
	addr := ""
	if a := c.RemoteAddr(); a != nil {
		addr = a.String()
	}
	if host, _, err := net.SplitHostPort(addr); err == nil {
		addr = host
	}
	return cmp.Or(addr, "unknown")
}

// endIdle ends connections that are idle, or as soon as they are.
func (s *connServer) endIdle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ending = true
	for f := range s.conns {
		f.end()
	}
}

// report logs the failure of one connection.
func (s *connServer) report(e *nursery.TaskError) {
	level := slog.LevelWarn
	if errors.As(e, new(*nursery.PanicError)) {
		level = slog.LevelError
	}
	s.log(level, "connection failed", slog.String("task", e.Task), slog.Any("error", e.Err))
}

func (s *connServer) log(level slog.Level, msg string, attrs ...slog.Attr) {
	s.drain.log(level, msg, append(attrs, slog.String("addr", s.addr))...)
}

// A flow is a connection that is idle when it has been written to and nothing has been
// read since, or in the beginning.
type flow struct{ *conn }

func (f *flow) Write(p []byte) (int, error) {
	n, err := f.conn.Write(p)
	f.becomeIdle()
	return n, err
}

func (f *flow) ReadFrom(r io.Reader) (int64, error) {
	n, err := f.conn.ReadFrom(r)
	f.becomeIdle()
	return n, err
}
