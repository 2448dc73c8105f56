package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/trellis-go/trellis/deadline"
)

const (
	connectLimit = 10 * time.Second // for the connection and the handshake
	maxSize      = 1 << 20          // bytes of a message
)

// An ending is what a reader does when it has taken the messages it wanted.
type ending string

const (
	endClose ending = "close" // close in good order
	endBreak ending = "break" // break off without a closing handshake
	endStop  ending = "stop"  // keep the connection and read no more
)

// A reader takes messages from a server.
type reader struct {
	name   string
	url    string
	buffer int // of the socket; 0: the system's
	dial   func(ctx context.Context, network, addr string) (net.Conn, error)

	every time.Duration // how long it pauses after a message
	block bool          // pause with time.Sleep
	mute  bool          // send neither acknowledgments nor pongs
	take  int64         // how many messages it wants; 0: no limit
	then  ending        // what comes after that

	taken atomic.Int64
}

// run connects, calls connected, and takes messages until ctx is done, the reader
// has what it wants, or the connection fails. If ctx is done it breaks off: a
// closing handshake would have to wait for an answer that stands behind all
// the messages which nobody wants any more.
func (r *reader) run(ctx context.Context, connected func()) error {
	conn, err := r.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	connected()
	for r.take == 0 || r.taken.Load() < r.take {
		if err := r.one(ctx, conn); err != nil {
			return err
		}
		if err := r.pause(ctx); err != nil {
			return err
		}
	}
	switch r.then {
	case endStop:
		<-ctx.Done()
		return context.Cause(ctx)
	case endClose:
		return conn.Close(websocket.StatusNormalClosure, "")
	}
	return nil
}

// connect dials the server.
func (r *reader) connect(ctx context.Context) (conn *websocket.Conn, err error) {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := r.dial(ctx, network, addr)
			if t, ok := c.(*net.TCPConn); ok && r.buffer > 0 {
				t.SetReadBuffer(r.buffer) // see smallBuffers
			}
			return c, err
		},
		DisableKeepAlives: true, // nothing is left behind by a handshake that fails
	}
	options := &websocket.DialOptions{
		HTTPClient:     &http.Client{Transport: transport},
		OnPingReceived: func(context.Context, []byte) bool { return !r.mute },
	}
	err = deadline.FailAfter(ctx, connectLimit, func(ctx context.Context) error {
		conn, _, err = websocket.Dial(ctx, r.url, options)
		return err
	})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(maxSize)
	return conn, nil
}

// one takes the next message and acknowledges it.
func (r *reader) one(ctx context.Context, conn *websocket.Conn) error {
	_, message, err := conn.Read(ctx)
	if err == nil {
		text, _, _ := strings.Cut(string(message[:min(len(message), maxAck+1)]), " ")
		n, _ := strconv.ParseInt(text, 10, 64)
		if want := r.taken.Add(1); n != want {
			return fmt.Errorf("got message %q, want number %d", text, want)
		}
		if !r.mute {
			err = conn.Write(ctx, websocket.MessageText, []byte(text))
		}
	}
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// pause is what the reader does between two messages.
func (r *reader) pause(ctx context.Context) error {
	if r.block {
		// Nothing interrupts this. If ctx is done meanwhile, the task
		// notices when it has slept enough, and not before.
		time.Sleep(r.every)
		return deadline.Sleep(ctx, 0)
	}
	return deadline.Sleep(ctx, r.every)
}

// demo returns readers of every kind. The names are those of the table.
func demo(url string, o options) []*reader {
	const short = 100 * time.Millisecond
	readers := []*reader{
		{name: "fast"},
		{name: "sleeper", every: o.every},
		{name: "blocker", every: o.every, block: true},
		{name: "quitter", every: short, take: 25, then: endClose},
		{name: "vanisher", every: short, take: 40, then: endBreak},
		{name: "stopper", every: short, take: 10, then: endStop},
		{name: "mute", every: short, mute: true},
	}
	for _, r := range readers {
		r.url = url + "?name=" + r.name
		r.buffer = o.buffer
	}
	return readers
}
