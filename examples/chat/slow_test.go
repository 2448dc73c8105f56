package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	chat "github.com/trellis-go/trellis/examples/chat"
)

// The tests of this file are about clients that do not read, with exact times.
// Connections in memory have no buffers: one message is in the hands of the
// writer, two are in the mailbox, and for the next there is no room.
var slowLimits = chat.Limits{
	Mailbox:  2,
	Ping:     time.Hour,
	Write:    time.Hour,
	Farewell: time.Minute,
}

// withSlow runs f with a client that does not read, and one that does.
func withSlow(t *testing.T, limits chat.Limits, f func(t *testing.T, slow, b *client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := startPipes(limits)
		slow, b := s.join(t, "slow"), s.join(t, "b")
		slow.expect(joined("b"))
		f(t, slow, b)
		slow.conn.CloseNow()
		b.close()
		s.end(t)
	})
}

// talk lets b say messages and returns them. It hears each of them at once,
// whatever the others do.
func talk(b *client, n int) []message {
	b.t.Helper()
	var all []message
	begin := time.Now()
	for i := range n {
		m := said(b.name, fmt.Sprint("message ", i))
		b.say(m.Data)
		b.expect(m)
		all = append(all, m)
		// Whatever could be done with the message for the others is done.
		synctest.Wait()
	}
	checkTook(b.t, "talking", begin, 0)
	return all
}

func checkTook(t *testing.T, what string, begin time.Time, want time.Duration) {
	t.Helper()
	if took := time.Since(begin); took != want {
		t.Errorf("%s took %v, want %v", what, took, want)
	}
}

// What waits for a client is bounded, however fast the others talk: one that does not read
// is dropped, and finds the reason when it reads again. A mailbox that is just full is no
// reason, however long.
func TestMailboxFull(t *testing.T) {
	withSlow(t, slowLimits, func(t *testing.T, slow, b *client) {
		all := talk(b, 3)
		time.Sleep(time.Minute)
		slow.expect(all...)
		all = talk(b, 3)
		begin := time.Now()
		talk(b, 1)
		b.expect(parted("slow"))
		checkTook(t, "dropping", begin, 0)
		slow.expect(all[0]) // which had been begun
		slow.expectClose(websocket.StatusPolicyViolation, "more than 2 messages behind")
	})
}

// Where it never reads again, the connection is cut.
func TestNeverReadsAgain(t *testing.T) {
	for _, c := range []struct {
		name      string
		change    func(*chat.Limits)
		messages  int
		part, cut time.Duration // from the last message
	}{
		{"limit of the farewell", func(l *chat.Limits) { l.Farewell = 3 * time.Second }, 4, 0, 3 * time.Second},
		{"limit of a write", func(l *chat.Limits) { l.Write = 4 * time.Second }, 1, 4 * time.Second, 4 * time.Second},
		{"limit of a write, during the farewell", func(l *chat.Limits) { l.Write = 2 * time.Second }, 4, 0, 2 * time.Second},
		// The library has a limit of 5s for the writing of a ping, and for that
		// of a close.
		{"ping", func(l *chat.Limits) { l.Ping = 20 * time.Second }, 1, 25 * time.Second, 30 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			limits := slowLimits
			c.change(&limits)
			withSlow(t, limits, func(t *testing.T, slow, b *client) {
				begin := time.Now()
				talk(b, c.messages)
				b.expect(parted("slow"))
				checkTook(t, "dropping", begin, c.part)
				<-slow.tcp.(pipeEnd).peerClosed
				checkTook(t, "cutting", begin, c.cut)
			})
		})
	}
}

// A client that reads, but is not there any more to answer, as when a
// proxy on the way takes what is sent.
func TestNoPong(t *testing.T) {
	limits := chat.Limits{Ping: 20 * time.Second}
	withSlow(t, limits, func(t *testing.T, slow, b *client) {
		begin := time.Now()
		go io.Copy(io.Discard, slow.tcp)
		b.expect(parted("slow"))
		checkTook(t, "dropping", begin, 30*time.Second)
	})
}

// Clients that answer are not dropped, however quiet they are.
func TestPong(t *testing.T) {
	limits := chat.Limits{Ping: 5 * time.Second}
	synctest.Test(t, func(t *testing.T) {
		s := startPipes(limits)
		a, b := s.join(t, "a"), s.join(t, "b")
		a.expect(joined("b"))

		heard := make(chan message)
		for _, c := range []*client{a, b} {
			go func() {
				m, err := c.next() // answers pings meanwhile
				if err != nil {
					t.Errorf("%s read %v", c.name, err)
				}
				heard <- m
			}()
		}
		time.Sleep(10*limits.Ping - 1)
		a.say("hello")
		for range 2 {
			if got, want := <-heard, said("a", "hello"); got != want {
				t.Errorf("after a while heard %v, want %v", got, want)
			}
		}
		a.close()
		b.expect(parted("a"))
		b.close()
		s.end(t)
	})
}

// A client that sends too fast is read from more slowly, and disturbs no other.
func TestPace(t *testing.T) {
	withSlow(t, chat.Limits{Pace: 10 * time.Millisecond}, func(t *testing.T, slow, b *client) {
		begin := time.Now()
		for range 101 {
			b.say("spam")
			b.expect(said("b", "spam"))
			slow.expect(said("b", "spam"))
		}
		checkTook(t, "101 messages", begin, time.Second)
	})
}

// A shutdown does not wait for a client that does not read for longer than for
// its farewell.
func TestShutdownWithSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := slowLimits
		limits.Farewell = 3 * time.Second
		s := startPipes(limits)
		slow, b := s.join(t, "slow"), s.join(t, "b")
		talk(b, 3)
		begin := time.Now()
		s.end(t)
		if took := time.Since(begin); took < 3*time.Second || took > 4*time.Second { // Shutdown looks at intervals
			t.Errorf("the end took %v, want 3s", took)
		}
		slow.conn.CloseNow()
		b.conn.CloseNow()
	})
}

// A ping that is stuck does not keep the client from hearing why it has to
// leave, if it reads after all.
func TestShutdownDuringPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startPipes(chat.Limits{Ping: 20 * time.Second})
		slow := s.join(t, "slow")
		time.Sleep(21 * time.Second)
		s.stop()
		time.Sleep(time.Second)
		slow.expectClose(websocket.StatusGoingAway, "shutting down")
		s.end(t)
	})
}

// A login whose body does not come is not waited for, and holds up no other request.
func TestSlowLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startPipes(chat.Limits{})
		conn, err := s.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		fmt.Fprintf(conn, "POST /api/v1/auth HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
		s.join(t, "a").close()
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || response.StatusCode != 400 {
			t.Errorf("POST without an end: %v, %v, want 400", response, err)
		}
		checkTook(t, "giving up", begin, 4*time.Second)
		conn.Close()
		s.end(t)
	})
}
