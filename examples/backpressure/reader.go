package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/trellis-go/trellis/deadline"
)

// A reader takes messages from a server.
type reader struct {
	name string
	url  string
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	every  time.Duration // how long it pauses after a message
	block  bool          // pause with time.Sleep
	mute   bool          // send neither acknowledgments nor pongs
	take   int64         // how many messages it wants; 0: no limit
	closes bool          // with a closing handshake, when it has them

	// Written by the task that calls run, and read when that has ended.
	taken int64
	ended time.Time // zero if it ended without being canceled
}

// demo returns readers of every kind.
func demo(pause time.Duration) []*reader {
	const short = 100 * time.Millisecond
	return []*reader{
		{name: "fast"},
		{name: "sleeper", every: pause},
		{name: "blocker", every: pause, block: true},
		{name: "quitter", every: short, take: 15, closes: true},
		{name: "vanisher", every: short, take: 25},
		{name: "stopper", every: time.Hour},
		{name: "mute", every: short, mute: true},
	}
}

// read is the task of the reader. That its connection is lost is what the program is about,
// and the server logs it.
func (r *reader) read(ctx context.Context) error {
	err := r.run(ctx)
	if ctx.Err() != nil {
		r.ended = time.Now()
	} else if isLoss(err) {
		return nil
	}
	return err
}

// run connects, and takes messages until ctx is done, the reader has what it
// wants, or the connection fails. If ctx is done it breaks off: a closing
// handshake would have to wait for an answer that stands behind all the messages
// in the buffers.
func (r *reader) run(ctx context.Context) error {
	conn, _, err := websocket.Dial(ctx, r.url, &websocket.DialOptions{
		// Without keep-alives nothing is left behind by a handshake that fails.
		HTTPClient:     &http.Client{Transport: &http.Transport{DialContext: r.dial, DisableKeepAlives: true}},
		OnPingReceived: func(context.Context, []byte) bool { return !r.mute },
	})
	if err != nil {
		return consequence(ctx, err)
	}
	defer conn.CloseNow()
	for r.take == 0 || r.taken < r.take {
		if err := r.one(ctx, conn); err != nil {
			return err
		}
		if r.block {
			// Nothing interrupts this. If ctx is done meanwhile, the task notices when it
			// has slept enough, and not before.
			time.Sleep(r.every)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
		} else if err := deadline.Sleep(ctx, r.every); err != nil {
			return err
		}
	}
	if r.closes {
		return conn.Close(websocket.StatusNormalClosure, "")
	}
	return nil
}

// dial makes a connection with a receive buffer of bufferSize.
func dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	if t, ok := c.(*net.TCPConn); ok {
		t.SetReadBuffer(bufferSize)
	}
	return c, err
}

// one takes the next message and acknowledges it.
func (r *reader) one(ctx context.Context, conn *websocket.Conn) error {
	_, message, err := conn.Read(ctx)
	if err != nil {
		return consequence(ctx, err)
	}
	r.taken++
	text := strconv.FormatInt(r.taken, 10)
	if !strings.HasPrefix(string(message), text+" ") {
		return fmt.Errorf("got message %.20q, want number %s", message, text)
	}
	if r.mute {
		return nil
	}
	return consequence(ctx, conn.Write(ctx, websocket.MessageText, []byte(text)))
}
