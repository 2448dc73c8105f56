package main

import (
	"context"
	"errors"
	"log/slog"
	"net"

	"github.com/coder/websocket"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/examples/internal/textsocket"
	"github.com/trellis-go/trellis/memchan"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// statusReplaced closes a tab that has lost its seat. Codes from 4000 on are
// for programs to define.
const statusReplaced websocket.StatusCode = 4001

// waitingPresses is how many presses may wait while a run is ending. More wait
// where they are, in the network: a client that presses faster than its runs
// can end takes no more memory than this.
const waitingPresses = 8

var errShutdown = errors.New("the server is shutting down")

// A tab is one connection of a client.
type tab struct {
	*server
	seat *seat
	ws   *websocket.Conn
	conn net.Conn // below ws
	log  *slog.Logger
}

// serve returns when all that the tab has begun has ended, with the reason.
//
// There are two scopes: the work, which is canceled by the client when it leaves,
// by a newer tab, and by the server when it shuts down; and the link to the client,
// which must outlive the work, because the reason for its end is sent through it.
// So the link has a shield. Without it the reader, whose context would be done as
// well, would close the connection before the reason could be sent: that is what
// the websocket library does when the context of a read is done.
func (t *tab) serve(ctx context.Context) (reason error) {
	var work, link cancelscope.Scope
	link.SetShield(true)
	send, receive := memchan.Open[press](waitingPresses)

	nursery.Config{Name: "tab"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		defer link.Cancel(nil)
		// In the background: it ends when everything else has.
		n.Background("drain", func(ctx context.Context) error {
			select {
			case <-serve.Closing(ctx):
				work.Cancel(errShutdown)
			case <-ctx.Done():
			}
			return nil
		})
		n.GoNamed("link", func(ctx context.Context) error {
			err := link.Run(ctx, func(ctx context.Context) error { return t.keepLink(ctx, send) })
			work.Cancel(err)
			if _, ok := errors.AsType[*textsocket.Violation](err); !ok {
				t.ws.CloseNow() // ends the transmission that may be under way, which has a shield, too
			}
			return nil
		})

		err := t.seats.hold(ctx, t.seat, &work, func(ctx context.Context) error {
			return t.conduct(ctx, receive)
		})
		switch {
		case ctx.Err() != nil, errors.Is(work.Cause(), errShutdown):
			reason = errShutdown
			t.goodbye(ctx, websocket.StatusGoingAway, reason)
		case errors.Is(work.Cause(), errNewerTab):
			reason = errNewerTab
			t.goodbye(ctx, statusReplaced, reason)
		default:
			reason = lost(&work, err)
			if v, ok := errors.AsType[*textsocket.Violation](reason); ok {
				t.goodbye(ctx, v.Status, errors.New(v.Reason))
			} // otherwise there is no client left to say goodbye to
		}
		return nil
	})
	return reason
}

// lost returns why the connection was lost: because of the link, or of a transmission that
// failed. Each makes the other fail as well.
func lost(work *cancelscope.Scope, err error) error {
	if slow, ok := errors.AsType[*deadline.TooSlowError](err); ok {
		return slow // the connection is closed in the middle of it, and the link breaks because of that
	}
	if gone, ok := work.Cause().(*cancelscope.Canceled); ok {
		return nursery.First(gone.Reason())
	}
	return err
}

// keepLink reads from the client, and asks it from time to time whether it is
// still there. It returns when that is not so.
func (t *tab) keepLink(ctx context.Context, presses *memchan.Sender[press]) error {
	return nursery.Config{Name: "link"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.GoNamed("ping", t.ping)
		return t.read(ctx, presses)
	})
}

// ping notices a client that has vanished without a word: switched off, or
// beyond a network that is down. Reading alone would wait for it for ever.
func (t *tab) ping(ctx context.Context) error {
	for {
		if err := deadline.Sleep(ctx, t.pingEvery); err != nil {
			return err
		}
		// The task that reads receives the pong, and Ping then returns.
		if err := deadline.FailAfter(ctx, t.writeTimeout-t.pingEvery, t.ws.Ping); err != nil {
			return err
		}
	}
}

// read reads presses until the connection ends.
func (t *tab) read(ctx context.Context, presses *memchan.Sender[press]) error {
	for {
		text, err := textsocket.Read(ctx, t.ws)
		if err != nil {
			return err
		}
		p := newPress(t.presses.Add(1), text)
		if err := presses.Send(ctx, p); err != nil {
			return err
		}
	}
}

// goodbye closes the connection with a reason, in no more time than any other
// transmission has. The websocket's Close knows no context, and has limits of
// its own making; the connection below it has deadlines, through which it can
// be interrupted.
func (t *tab) goodbye(ctx context.Context, status websocket.StatusCode, reason error) {
	cancelscope.Shield(ctx, t.writeTimeout, func(ctx context.Context) error {
		return deadline.Interrupt(ctx, t.conn, func() error { return t.ws.Close(status, reason.Error()) })
	})
}
