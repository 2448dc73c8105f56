package main_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/trellis-go/trellis/deadline"
	stream "github.com/trellis-go/trellis/examples/stream"
)

// The jobs that pages ask for, done in earnest.
func TestRun(t *testing.T) {
	h := loopback(t, stream.Settings{})
	c := h.tab("a")
	list := []struct{ text, id, value, err string }{
		{`{"id":"s","kind":"sleep","ms":1}`, "s", "slept 1ms", ""},
		{`{"id":"h","kind":"hash","text":"abc"}`, "h", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", ""},
		{`{"id":"b","kind":"sing"}`, "b", "", `unknown kind of job "sing"`},
		{`7`, "", "", "not a job: is of the wrong type: number"},
	}
	var texts []string
	want := make(map[stream.Event]bool)
	for i, j := range list {
		texts = append(texts, j.text)
		want[stream.Event{Type: "result", Run: 1, Job: i + 1, ID: j.id, Value: j.value, Error: j.err}] = true
	}
	c.press("[" + strings.Join(texts, ",") + "]")
	c.expect(started(1, len(list)))
	for range list {
		e := c.next()
		if !want[e] {
			t.Errorf("message %+v, want one of %v", e, want)
		}
		delete(want, e)
	}
	c.expect(finished(1, len(list)))
}

// Results come when they are there, not when it is their turn.
func TestAsTheyCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := piped(t, stream.Settings{})
		c := h.tab("a")
		begin := time.Now()
		c.press(`[{"kind":"sleep","ms":3000},{"kind":"sleep","ms":1000},{"kind":"sleep","ms":2000}]`)
		c.expect(started(1, 3))
		for i, job := range []int{2, 3, 1} {
			e := c.next()
			took, want := time.Since(begin), time.Duration(i+1)*time.Second
			if e.Job != job || took != want {
				t.Errorf("result %d: job %d after %v, want job %d after %v", i+1, e.Job, took, job, want)
			}
		}
		c.expect(finished(1, 3))
	})
}

// A gauge counts how many jobs of each run are at work.
type gauge struct {
	mu        sync.Mutex
	now, most map[string]int // by the name of the list; guarded by mu
}

func newGauge() *gauge { return &gauge{now: make(map[string]int), most: make(map[string]int)} }

func (g *gauge) add(name string, n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now[name] += n
	g.most[name] = max(g.most[name], g.now[name])
}

// No more jobs than the limit run at a time, and no fewer, as long as there are
// some. By default that is ten.
func TestLimit(t *testing.T) {
	for _, limit := range []int{0, 1, 3, 10, 100} {
		t.Run(fmt.Sprint("limit=", limit), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGauge()
				h := piped(t, stream.Settings{Limit: limit, Do: func(ctx context.Context, j stream.Job) (string, error) {
					g.add("", +1)
					defer g.add("", -1)
					return j.ID, deadline.Sleep(ctx, time.Second)
				}})
				want := limit
				if limit == 0 {
					want = 10
				}
				c := h.tab("a")
				begin := time.Now()
				c.press(jobs("x", 30))
				c.expect(started(1, 30))
				for range 30 {
					c.next()
				}
				c.expect(finished(1, 30))
				if g.most[""] != min(want, 30) {
					t.Errorf("at most %d jobs at a time, want %d", g.most[""], min(want, 30))
				}
				if took, want := time.Since(begin), time.Duration((30+want-1)/want)*time.Second; took != want {
					t.Errorf("30 jobs of a second took %v, want %v", took, want)
				}
			})
		})
	}
}

// A job whose result is not taken keeps its place: what a client does not read
// does not pile up.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 3
		g := newGauge()
		h := piped(t, stream.Settings{Limit: limit, PingEvery: time.Hour, Do: func(_ context.Context, j stream.Job) (string, error) {
			g.add("", +1)
			return j.ID, nil
		}})
		c := h.deaf("a")
		c.press(jobs("x", 30))
		if _, _, err := c.ws.Read(t.Context()); err != nil { // that it has started
			t.Fatal(err)
		}
		synctest.Wait() // the writer has a result in its hands, and the jobs theirs
		g.mu.Lock()
		got := g.now[""]
		g.mu.Unlock()
		if got != limit+1 {
			t.Errorf("%d jobs were begun, want %d", got, limit+1)
		}
		for range 31 {
			if _, _, err := c.ws.Read(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A panic in a job is a bug, and ends the connection; the server and the
// client's seat survive it.
func TestPanic(t *testing.T) {
	s := newStage()
	h := loopback(t, stream.Settings{Do: func(ctx context.Context, j stream.Job) (string, error) {
		if j.ID == "panic/1" {
			panic("oops")
		}
		return s.do(ctx, j)
	}})
	other := h.tab("other")
	other.press(jobs("stay", 1))
	other.expect(started(1, 1))
	c := h.tab("a")
	c.press(jobs("panic", 1))
	for e := range c.events {
		if e != started(2, 1) { // which may have come first
			t.Errorf("message %+v, want no more", e)
		}
	}
	if websocket.CloseStatus(c.err) != -1 {
		t.Errorf("the connection ended with %v, want no goodbye", c.err)
	}
	again := h.tab("a")
	again.press(jobs("x", 1))
	again.expect(started(3, 1), result(3, "x", 1), finished(3, 1))
	other.press("[]")
	other.expect(replaced(1, 4), started(4, 0), finished(4, 0))
}

// A hundred clients at once, each of whom has the limit for itself.
func TestManyClients(t *testing.T) {
	const clients, limit, perClient = 100, 10, 25
	g := newGauge()
	var full sync.WaitGroup // until all clients have as many jobs at work as they may
	full.Add(clients * limit)
	h := loopback(t, stream.Settings{Limit: limit, WriteTimeout: patience, Do: func(ctx context.Context, j stream.Job) (string, error) {
		name, number, _ := strings.Cut(j.ID, "/")
		g.add(name, +1)
		defer g.add(name, -1)
		var n int
		fmt.Sscan(number, &n)
		if n <= limit {
			full.Done()
			full.Wait()
		}
		return j.ID, nil
	}})
	all := make([]*client, clients)
	for i := range all {
		all[i] = h.tab(fmt.Sprint("client", i))
	}
	for _, c := range all {
		c.press(jobs(c.id, perClient))
	}
	for _, c := range all {
		first := c.next()
		if first != started(first.Run, perClient) {
			t.Fatalf("client %s: message %+v, want started", c.id, first)
		}
		seen := make(map[int]bool)
		for range perClient {
			e := c.next()
			if e != result(first.Run, c.id, e.Job) || seen[e.Job] {
				t.Fatalf("client %s: message %+v, want another result of run %d", c.id, e, first.Run)
			}
			seen[e.Job] = true
		}
		c.expect(finished(first.Run, perClient))
	}
	for _, c := range all {
		if g.most[c.id] != limit {
			t.Errorf("client %s: at most %d jobs at a time, want %d", c.id, g.most[c.id], limit)
		}
	}
	if n := h.server.Clients(); n != clients {
		t.Errorf("the server remembers %d clients, want %d", n, clients)
	}
}
