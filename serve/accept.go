package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/trellis-go/trellis/deadline"
)

const (
	// backlogQuiet is how long no connection must have come for the backlog of a
	// listener to count as empty.
	backlogQuiet = 5 * time.Millisecond
	// backlogLimit bounds how long a backlog is accepted that does not get empty.
	backlogLimit = 500 * time.Millisecond
)

// errAccepted says that an acceptor has accepted its last connection.
var errAccepted = errors.New("nothing is accepted any more")

// An acceptor accepts the connections of a listener until a drain, and then those that
// the kernel has made already: a listener that is closed resets them. Its methods are
// called by one goroutine at a time, except for close.
type acceptor struct {
	l      net.Listener
	work   context.Context // done when everything is canceled
	accept context.Context // inside work; done when nothing new is to be accepted
	stop   func()          // gives back what accept costs
	limit  time.Time       // when the backlog is left alone; zero until accept is done; of the goroutine that calls next
}

func newAcceptor(ctx context.Context, d *drain, l net.Listener) *acceptor {
	accept, cancel := context.WithCancelCause(ctx)
	a := &acceptor{l: l, work: ctx, accept: accept}
	takeBack := d.onClosing(func() { cancel(errClosing) })
	interrupt := func() bool { return true }
	if _, ok := l.(deadline.Deadliner); !ok {
		// Nothing but closing it ends its Accept, and its backlog is lost.
		interrupt = context.AfterFunc(accept, func() { l.Close() })
	}
	a.stop = func() {
		takeBack()
		interrupt()
		cancel(nil)
	}
	return a
}

// next returns the next connection. After the last one, or when work is done, the listener
// is closed, and next returns errAccepted, which wraps another error if connections may have
// been lost. All other errors are those of the listener.
func (a *acceptor) next() (net.Conn, error) {
	l, ok := a.l.(interface {
		net.Listener
		deadline.Deadliner
	})
	if !ok {
		c, err := a.l.Accept()
		if err != nil && a.accept.Err() != nil {
			err = a.last()
		}
		return c, err
	}
	if a.limit.IsZero() {
		c, err := deadline.Accept(a.accept, l)
		if err == nil || a.accept.Err() == nil {
			return c, err
		}
		a.limit = time.Now().Add(backlogLimit)
	}
	if now := time.Now(); a.work.Err() == nil && now.Before(a.limit) {
		_ = l.SetDeadline(now.Add(backlogQuiet)) // an error is also one of Accept
		c, err := l.Accept()
		if err == nil {
			return c, nil
		}
		if c := acceptNow(l); c != nil {
			return c, nil
		}
		if last := a.last(); isTimeout(err) || a.work.Err() != nil {
			return nil, last
		}
		return nil, fmt.Errorf("%w: what is in the backlog is lost: %w", errAccepted, err)
	}
	return nil, a.last()
}

// last closes the listener and returns errAccepted. It does not return the cause of work:
// net/http would accept again if that says that it is temporary, like the end of a deadline.
func (a *acceptor) last() error {
	a.l.Close()
	return errAccepted
}

// close gives up the listener, if that has not been done.
func (a *acceptor) close() {
	a.stop()
	a.l.Close()
}

// warn logs why accepting has ended, if that loses connections.
func (d *drain) warn(err error) {
	if errors.Is(err, errAccepted) && err != errAccepted {
		d.log(slog.LevelWarn, "connections may be lost", slog.Any("error", err))
	}
}
