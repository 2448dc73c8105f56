package main

import (
	"context"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/memchan"
)

// A hub is the room: a task that receives the events of the clients, one after
// another, and passes them on to all. So every client gets the same messages in
// the same order. It never waits for a client.
type hub struct {
	in   *memchan.Sender[event]
	out  *memchan.Receiver[event]
	room room // belongs to run

	// shield is how leaving clients are protected: cancelscope.Shield. A test
	// replaces it to show what happens without.
	shield func(ctx context.Context, limit time.Duration, fn func(context.Context) error) error
}

// An event is something that a client does: typeJoin, typeMsg or typePart.
type event struct {
	from *client
	kind string
	text string // of typeMsg
}

// queueLimit is how many events may wait for the hub. Clients that send more are
// read from later.
const queueLimit = 64

func newHub() *hub {
	in, out := memchan.Open[event](queueLimit)
	return &hub{
		in:     in,
		out:    out,
		room:   room{clients: make(map[*client]bool), tabs: make(map[string]int)},
		shield: cancelscope.Shield,
	}
}

// send hands an event to the hub. If ctx is done, it does not, and the error is
// the cause of ctx.
func (h *hub) send(ctx context.Context, e event) error {
	return h.in.Send(ctx, e)
}

// close ends run, when that has passed on all events before.
func (h *hub) close() { h.in.Close() }

// run is the task of the hub, which ends after close. It is called once.
func (h *hub) run(ctx context.Context) error {
	defer h.out.Close() // however run ends, no client waits for a hub that is gone
	for e, err := range h.out.All(ctx) {
		if err != nil {
			return err
		}
		h.room.handle(e)
	}
	return nil
}

// A room has the clients that have joined.
type room struct {
	clients map[*client]bool
	tabs    map[string]int // the clients of each user, by the id; never 0
}

// handle passes an event on. A user with several clients joins with the first and
// leaves with the last.
func (r *room) handle(e event) {
	u := e.from.user
	switch e.kind {
	case typeJoin:
		r.clients[e.from] = true
		r.tabs[u.ID]++
		if r.tabs[u.ID] == 1 {
			r.broadcast(message{Type: typeJoin, ID: u.ID, Data: u.Name})
		}
	case typeMsg:
		r.broadcast(message{Type: typeMsg, ID: u.ID, User: u.Name, Data: e.text})
	case typePart:
		delete(r.clients, e.from)
		r.tabs[u.ID]--
		if r.tabs[u.ID] == 0 {
			delete(r.tabs, u.ID)
			r.broadcast(message{Type: typePart, ID: u.ID, Data: u.Name})
		}
	}
}

func (r *room) broadcast(m message) {
	data := m.encode() // once for all
	for c := range r.clients {
		c.post(data)
	}
}
