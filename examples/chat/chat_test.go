package main_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/coder/websocket"

	chat "github.com/trellis-go/trellis/examples/chat"
)

// The document's case: two clients, of whom the second leaves, in whatever way.
func TestOtherLeaves(t *testing.T) {
	for _, c := range []struct {
		name  string
		leave func(b *client)
	}{
		{"closing", (*client).close},
		{"closing without a status", func(b *client) { b.conn.Close(websocket.StatusNoStatusRcvd, "") }},
		{"vanishing", (*client).vanish},
		{"binary message", func(b *client) {
			b.send(websocket.MessageBinary, `{"type":"msg","data":"x"}`)
			b.expectClose(websocket.StatusUnsupportedData, "text")
		}},
		{"no JSON", func(b *client) {
			b.send(websocket.MessageText, "{]")
			b.expectClose(websocket.StatusInvalidFramePayloadData, "JSON")
		}},
		{"no object", func(b *client) {
			b.send(websocket.MessageText, `["msg"]`)
			b.expectClose(websocket.StatusInvalidFramePayloadData, "JSON")
		}},
		{"two objects", func(b *client) {
			b.send(websocket.MessageText, `{"type":"msg","data":"x"}{}`)
			b.expectClose(websocket.StatusInvalidFramePayloadData, "JSON")
		}},
		{"data is a number", func(b *client) {
			b.send(websocket.MessageText, `{"type":"msg","data":1}`)
			b.expectClose(websocket.StatusInvalidFramePayloadData, "JSON")
		}},
		{"no data", func(b *client) {
			b.send(websocket.MessageText, `{"type":"msg"}`)
			b.expectClose(websocket.StatusPolicyViolation, "data")
		}},
		{"unknown type", func(b *client) {
			b.send(websocket.MessageText, `{"type":"shout","data":"x"}`)
			b.expectClose(websocket.StatusPolicyViolation, "type msg")
		}},
		{"type of the server", func(b *client) {
			b.send(websocket.MessageText, `{"type":"part","data":"a"}`)
			b.expectClose(websocket.StatusPolicyViolation, "type msg")
		}},
		{"too large", func(b *client) {
			b.say(strings.Repeat("x", 4097))
			b.expectClose(websocket.StatusMessageTooBig, "4096 bytes")
		}},
		{"far too large", func(b *client) {
			b.say(strings.Repeat("x", 50_000))
			b.expectClose(websocket.StatusMessageTooBig, "")
		}},
		{"no UTF-8", func(b *client) {
			b.send(websocket.MessageText, "{\"type\":\"msg\",\"data\":\"\xff\"}")
			b.expectClose(websocket.StatusInvalidFramePayloadData, "UTF-8")
		}},
		{"unmasked", func(b *client) {
			b.tcp.Write([]byte("\x81\x02{}"))
			b.expectClose(websocket.StatusProtocolError, "not a frame of a websocket client")
		}},
		{"unknown opcode", func(b *client) {
			b.tcp.Write([]byte("\x83\x80\x00\x00\x00\x00"))
			b.expectClose(websocket.StatusProtocolError, "opcode")
		}},
		{"fragmented ping", func(b *client) {
			b.tcp.Write([]byte("\x09\x80\x00\x00\x00\x00"))
			b.expectClose(websocket.StatusProtocolError, "fragmented")
		}},
		{"continuation of nothing", func(b *client) {
			b.tcp.Write([]byte("\x80\x80\x00\x00\x00\x00"))
			b.expectClose(websocket.StatusProtocolError, "continuation")
		}},
		{"no websocket any more", func(b *client) {
			b.tcp.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
			if m, err := b.next(); err == nil {
				b.t.Errorf("b read %v after it has written nonsense, want an error", m)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startTCP(t, chat.Limits{})
			a := s.join(t, "a")
			defer a.close()
			b := s.join(t, "b")
			defer b.conn.CloseNow()
			a.expect(joined("b"))
			b.say("hello")
			a.expect(said("b", "hello"))
			b.expect(said("b", "hello"))

			c.leave(b)
			a.expect(parted("b"))
			a.say("still there")
			a.expect(said("a", "still there"))
		})
	}
}

// A text may have its whole length, whatever its characters take in JSON.
func TestLongestText(t *testing.T) {
	s := startTCP(t, chat.Limits{})
	a := s.join(t, "a")
	defer a.close()
	for _, character := range []string{"x", "\x01", "\n", "<", "ü", "💬"} {
		text := strings.Repeat(character, 4096/len(character))
		a.say(text)
		a.expect(said("a", text))
	}
	a.send(websocket.MessageText, `{"type":"msg","data":"`+strings.Repeat(`\u0001`, 4096)+`"}`)
	a.expect(said("a", strings.Repeat("\x01", 4096)))
}

// What the shield is for. Without it, a client that leaves sends that to the others in
// its canceled scope, and they never receive it.
func TestShield(t *testing.T) {
	for name, leave := range map[string]func(*client){"closing": (*client).close, "vanishing": (*client).vanish} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startPipes(chat.Limits{})
				a, b := s.join(t, "a"), s.join(t, "b")
				a.expect(joined("b"))
				leave(b)
				// The handler of b has ended, and the hub has passed on the events before.
				synctest.Wait()
				a.say("is b still there?")
				a.expect(parted("b"), said("a", "is b still there?"))
				a.close()
				s.end(t)
			})
		})
	}
}

// A user is there from the first tab to the last, and every tab hears all.
func TestTabs(t *testing.T) {
	s := startTCP(t, chat.Limits{})
	a, b := s.join(t, "a"), s.join(t, "b")
	defer b.close()
	a.expect(joined("b"))

	a2 := s.connect(t, a) // no message
	a2.say("from the second tab")
	for _, c := range []*client{a, a2, b} {
		c.expect(said("a", "from the second tab"))
	}
	a.close() // no message
	a2.say("from the last tab")
	for _, c := range []*client{a2, b} {
		c.expect(said("a", "from the last tab"))
	}
	a2.vanish()
	b.expect(parted("a"))

	// The cookie is good for coming back.
	a3 := s.connect(t, a)
	defer a3.close()
	a3.expect(joined("a"))
	b.expect(joined("a"))
}

// Two users may have the same name. They come and go one by one.
func TestSameName(t *testing.T) {
	s := startTCP(t, chat.Limits{})
	watcher := s.join(t, "watcher")
	defer watcher.close()
	first, second := s.join(t, "x"), s.join(t, "x")
	watcher.expect(joined("x"), joined("x"))
	first.expect(joined("x"))
	first.close()
	second.expect(parted("x"))
	second.close()
	watcher.expect(parted("x"), parted("x"))
}

// Messages have the ids of their users, by which users of the same name are distinguished.
func TestIDs(t *testing.T) {
	s := startTCP(t, chat.Limits{})
	watcher := s.join(t, "watcher")
	defer watcher.close()
	for range 2 {
		x := s.join(t, "x")
		x.say("hello")
		x.expect(said("x", "hello"))
		x.close()
		for _, kind := range []string{"join", "msg", "part"} {
			_, data, err := watcher.conn.Read(t.Context())
			var m struct{ Type, ID string }
			if json.Unmarshal(data, &m); err != nil || m.Type != kind || m.ID != x.id {
				t.Errorf("watcher read %s, %v, want %s with the id %s", data, err, kind, x.id)
			}
		}
	}
}

// Every client is closed with the reason when the server ends, and nothing of it is left.
func TestShutdown(t *testing.T) {
	s := startTCP(t, chat.Limits{})
	var clients []*client
	for i := range 20 {
		clients = append(clients, s.join(t, fmt.Sprint(i)))
	}
	s.stop()
	for _, c := range clients {
		for {
			m, err := c.next()
			if err != nil {
				if websocket.CloseStatus(err) != websocket.StatusGoingAway {
					t.Errorf("%s read %v, want the status of going away", c.name, err)
				}
				break
			}
			if m.Type == "msg" {
				t.Errorf("%s read %v, which no client has said", c.name, m)
			}
		}
	}
	s.end(t)
}
