package main_test

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	chat "github.com/trellis-go/trellis/examples/chat"
)

// 200 clients, of which 50 vanish without a closing handshake, while 20 never
// read, until they are dropped. Every other client is notified of each of them
// exactly once, and everything else in its order.
func TestLoad(t *testing.T) {
	const all, vanishing, silent = 200, 50, 20
	const gone = vanishing + silent

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	// All that goes at once fits into the mailboxes of clients that read, so that
	// none of them depends on being fast. Pings are left out: clients that do not
	// read are to be found by their mailboxes.
	limits := chat.Limits{Mailbox: 4 * silent, Ping: time.Hour, Write: time.Hour, Farewell: 100 * time.Millisecond}
	s := start(smallBuffers{l}, new(net.Dialer).DialContext, limits)
	defer s.end(t)

	// Clients that do not read come last, so that all are there before the first
	// is dropped.
	clients, heard := make([]*client, all), make([]*hearing, all)
	leaving := make(map[string]bool)
	var listening sync.WaitGroup
	for i := range clients {
		c := s.join(t, fmt.Sprint("c", i))
		defer c.conn.CloseNow()
		clients[i] = c
		if i >= all-silent {
			c.tcp.(*net.TCPConn).SetReadBuffer(4096)
			leaving[c.name] = true
			continue
		}
		heard[i] = &hearing{parts: make(map[string]int), round: make(chan int, vanishing)}
		listening.Go(func() { heard[i].listen(c) })
	}
	for _, c := range clients[:vanishing] {
		leaving[c.name] = true
	}
	survivors, heard := clients[vanishing:all-silent], heard[vanishing:all-silent]

	// One of them talks until all who leave have left, in rounds that are over
	// when all have received what was said. In each some vanish.
	talker, filler := survivors[0], strings.Repeat("x", 3500)
	rounds, lost := 0, false
	for parts := 0; parts < gone && !lost; rounds++ {
		for _, c := range clients[min(5*rounds, vanishing):min(5*rounds+5, vanishing)] {
			listening.Go(c.vanish)
		}
		talker.say(fmt.Sprint(rounds, " ", filler))
		for i, h := range heard {
			n, ok := <-h.round
			lost = lost || !ok
			if i == 0 {
				parts = n
			}
		}
	}
	talker.say("end")
	listening.Wait()

	t.Logf("%d rounds", rounds)
	for i, h := range heard {
		if h.err != nil {
			t.Errorf("%s: %v", survivors[i].name, h.err)
			continue
		}
		if h.rounds != rounds {
			t.Errorf("%s heard %d rounds, want %d", survivors[i].name, h.rounds, rounds)
		}
		if len(h.parts) != gone {
			t.Errorf("%s heard %d clients leave, want %d", survivors[i].name, len(h.parts), gone)
		}
		for name, n := range h.parts {
			if n != 1 || !leaving[name] {
				t.Errorf("%s heard %d times that %s left, which is true: %t", survivors[i].name, n, name, leaving[name])
			}
		}
	}
}

// hearing is what a client has heard: its fields are for its task, and to be
// read when that has ended.
type hearing struct {
	parts  map[string]int
	rounds int
	err    error

	// round gets how many have left, after each round, and is closed at the end.
	// It has room for the rounds of those that vanish, which are not received.
	round chan int
}

// listen reads until the word "end", or until something is wrong.
func (h *hearing) listen(c *client) {
	defer close(h.round)
	for {
		m, err := c.next()
		switch {
		case err != nil:
			h.err = err
			return
		case m.Type == "part":
			h.parts[m.Data]++
		case m.Type == "msg" && m.Data == "end":
			return
		case m.Type == "msg":
			if number, _, _ := strings.Cut(m.Data, " "); number != fmt.Sprint(h.rounds) {
				h.err = fmt.Errorf("heard round %s, want %d", number, h.rounds)
				return
			}
			h.rounds++
			h.round <- len(h.parts)
		}
	}
}

// smallBuffers lets the system keep little of what is sent and not read, so
// that the mailboxes fill soon.
type smallBuffers struct{ net.Listener }

func (l smallBuffers) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		c.(*net.TCPConn).SetWriteBuffer(32 << 10)
	}
	return c, err
}
