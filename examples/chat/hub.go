package main

import (
	"context"

	"github.com/trellis-go/trellis/memchan"
)

// A hub is the room: a task that receives the events of the clients, one after
// another, and passes them on to all. So every client gets the same messages in
// the same order. It never waits for a client.
type hub struct {
	in  *memchan.Sender[event]
	out *memchan.Receiver[event]

	// Of run.
	clients map[*client]bool
	tabs    map[string]int // the clients of each user, by the id; never 0
}

// An event is something that a client does: typeJoin, typeMsg or typePart.
type event struct {
	from *client
	kind string
	text string // of typeMsg
}

func newHub() *hub {
	in, out := memchan.Open[event](64) // clients that send more are read from later
	return &hub{in: in, out: out, clients: make(map[*client]bool), tabs: make(map[string]int)}
}

// run is the task of the hub, until ctx is done.
func (h *hub) run(ctx context.Context) error {
	defer h.out.Close() // however run ends, no client waits for a hub that is gone
	for e, err := range h.out.All(ctx) {
		if err != nil {
			return err
		}
		h.handle(e)
	}
	return nil
}

// handle passes an event on. A user with several clients joins with the first and
// leaves with the last.
func (h *hub) handle(e event) {
	u := e.from.user
	switch e.kind {
	case typeJoin:
		h.clients[e.from] = true
		h.tabs[u.ID]++
		if h.tabs[u.ID] == 1 {
			h.broadcast(message{Type: typeJoin, ID: u.ID, Data: u.Name})
		}
	case typeMsg:
		h.broadcast(message{Type: typeMsg, ID: u.ID, User: u.Name, Data: e.text})
	case typePart:
		delete(h.clients, e.from)
		h.tabs[u.ID]--
		if h.tabs[u.ID] == 0 {
			delete(h.tabs, u.ID)
			h.broadcast(message{Type: typePart, ID: u.ID, Data: u.Name})
		}
	}
}

func (h *hub) broadcast(m message) {
	data := m.encode() // once for all
	for c := range h.clients {
		c.post(data)
	}
}
