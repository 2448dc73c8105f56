package main_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/trellis-go/trellis/deadline"
	stream "github.com/trellis-go/trellis/examples/stream"
)

// A referee sees every job, and calls out when those of two presses of one
// client are at work at a time.
type referee struct {
	t    *testing.T
	seed uint64

	mu     sync.Mutex
	atWork map[string]map[string]int // by client and press: how many jobs; guarded by mu
}

// do does a job called client/press/number, which takes a random while, and
// another one to end when it is canceled.
func (r *referee) do(ctx context.Context, j stream.Job) (string, error) {
	name := strings.Split(j.ID, "/")
	client, press := name[0], name[1]
	r.count(client, press, +1)
	defer r.count(client, press, -1)
	err := deadline.Sleep(ctx, time.Duration(rand.IntN(3000))*time.Microsecond)
	for range rand.IntN(20) {
		runtime.Gosched()
	}
	return j.ID, err
}

func (r *referee) count(client, press string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.atWork[client] == nil {
		r.atWork[client] = make(map[string]int)
	}
	presses := r.atWork[client]
	presses[press] += n
	if presses[press] == 0 {
		delete(presses, press)
	}
	if len(presses) > 1 {
		r.t.Errorf("seed %d: jobs of several presses of client %s are at work: %v", r.seed, client, presses)
	}
}

// A transcript checks what one connection gets to see.
type transcript struct {
	presses []string // in the order of their numbers: what the jobs are called
	lists   []int    // and how many there are

	settled int    // how many of the presses have come to an end: finished or replaced
	run     uint64 // that is in progress, or 0
	last    uint64 // the highest number so far
	results map[int]bool
}

func (s *transcript) check(e stream.Event) error {
	if e.Type == "started" || e.Type == "replaced" && e.Run != s.run {
		if e.Run <= s.last || s.run != 0 {
			return fmt.Errorf("%+v during run %d, after run %d", e, s.run, s.last)
		}
		s.last, s.run, s.results = e.Run, e.Run, make(map[int]bool)
	}
	if s.settled >= len(s.presses) || e.Run != s.run {
		return fmt.Errorf("%+v during run %d, with %d of %d presses settled", e, s.run, s.settled, len(s.presses))
	}
	name, n := s.presses[s.settled], s.lists[s.settled]
	switch e.Type {
	case "started":
		if e.Jobs != n {
			return fmt.Errorf("%+v, want %d jobs", e, n)
		}
	case "result":
		if e != result(s.run, name, e.Job) || e.Job > n || s.results[e.Job] {
			return fmt.Errorf("%+v, want a result of %s that has not come yet", e, name)
		}
		s.results[e.Job] = true
	case "finished":
		if e.Jobs != n || len(s.results) != n {
			return fmt.Errorf("%+v after %d results, want %d", e, len(s.results), n)
		}
		s.settled, s.run = s.settled+1, 0
	case "replaced":
		if e.By <= e.Run {
			return fmt.Errorf("%+v: by an older one", e)
		}
		s.settled, s.run = s.settled+1, 0
	default:
		return fmt.Errorf("%+v is not expected", e)
	}
	return nil
}

// Clients press at random, connect again, vanish and come back, in several tabs
// at a time. Results of two runs never mix: neither do their jobs overlap in
// the server, nor their messages on a connection. And no press is lost: each
// is finished or replaced, and the last one of all is finished.
func TestNeverMix(t *testing.T) {
	const clients, rounds = 8, 25
	seed := rand.Uint64()
	ref := &referee{t: t, seed: seed, atWork: make(map[string]map[string]int)}
	h := loopback(t, stream.Settings{Limit: 4, WriteTimeout: 2 * patience, Do: ref.do})
	var all sync.WaitGroup
	for i := range clients {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		all.Go(func() {
			if err := restless(h, fmt.Sprint("client", i), rounds, random); err != nil {
				t.Errorf("seed %d: client %d: %v", seed, i, err)
			}
		})
	}
	all.Wait()
}

// restless is one client. It gives up a tab in one of several ways, or lets the
// next one do that.
func restless(h *host, id string, rounds int, random *rand.Rand) error {
	var reading sync.WaitGroup // of the tabs that were given up
	defer reading.Wait()
	var tabs []*client
	fail := func(err error) error {
		for _, c := range tabs {
			c.ws.CloseNow() // no next tab comes that would end the last one
		}
		return err
	}
	serial := 0
	for round := range rounds {
		c, err := h.connect(id)
		if err != nil {
			return fail(fmt.Errorf("tab %d: %w", round+1, err))
		}
		tabs = append(tabs, c)
		tab := &transcript{}
		for range random.IntN(6) {
			serial++
			tab.presses = append(tab.presses, fmt.Sprint(id, "/", serial))
			tab.lists = append(tab.lists, random.IntN(8))
		}
		last := round == rounds-1
		c.events = make(chan stream.Event, 1<<7) // room for all that five presses can bring
		go c.read()
		read := make(chan error, 1)
		enough := random.IntN(30)
		if last {
			enough = -1 // until all are settled
		}
		left := make(chan struct{}) // closed when as many messages have come, or no more will
		reading.Go(func() { read <- follow(c, tab, enough, left) })
		for i, name := range tab.presses {
			if err := c.send(jobs(name, tab.lists[i])); err != nil {
				return fail(fmt.Errorf("press %s: %w", name, err))
			}
			for range random.IntN(50) {
				runtime.Gosched()
			}
		}
		if last {
			<-left
			c.ws.Close(websocket.StatusNormalClosure, "")
			if err := <-read; err != nil {
				return fail(err)
			}
			if tab.settled != len(tab.presses) {
				return fmt.Errorf("%d of %d presses were settled", tab.settled, len(tab.presses))
			}
			return nil
		}
		if random.IntN(2) == 0 {
			<-left
		}
		switch random.IntN(4) {
		case 0:
			c.ws.Close(websocket.StatusNormalClosure, "") // an error says that the server was first
		case 1:
			c.conn.Close()
		}
		defer func() {
			if err := <-read; err != nil {
				h.t.Errorf("client %s, tab %d: %v", id, round+1, err)
			}
		}()
	}
	return nil
}

// follow checks what a tab sees until its connection ends. It closes left when
// there have been enough messages, or all its presses have been settled.
func follow(c *client, tab *transcript, enough int, left chan<- struct{}) (err error) {
	leave := sync.OnceFunc(func() { close(left) })
	defer leave()
	if len(tab.presses) == 0 {
		leave()
	}
	seen := 0
	for e := range c.events {
		if err != nil {
			continue
		}
		if err = tab.check(e); err != nil {
			c.ws.CloseNow()
			continue
		}
		if seen++; seen == enough || tab.settled == len(tab.presses) {
			leave()
		}
	}
	var status websocket.CloseError
	if err == nil && errors.As(c.err, &status) && status.Code != websocket.StatusNormalClosure && status.Code != stream.StatusReplaced {
		err = c.err
	}
	return err
}
