package main_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/deadline"
	stream "github.com/trellis-go/trellis/examples/stream"
)

// A stage does jobs in the hands of the test: one whose name begins with "stay"
// stays until it is canceled, and one that begins with "cling" stays even then,
// until the test lets go.
type stage struct {
	letGo chan struct{} // closed by the test

	mu  sync.Mutex
	log []string // guarded by mu
}

func newStage() *stage { return &stage{letGo: make(chan struct{})} }

func (s *stage) do(ctx context.Context, j stream.Job) (string, error) {
	s.note("begin " + j.ID)
	defer s.note("end " + j.ID)
	switch {
	case strings.HasPrefix(j.ID, "cling"):
		<-ctx.Done()
		<-s.letGo
		return "", context.Cause(ctx)
	case strings.HasPrefix(j.ID, "stay"):
		return "", deadline.Sleep(ctx, time.Hour)
	}
	return j.ID, nil
}

func (s *stage) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, what)
}

// expect checks what has happened so far.
func (s *stage) expect(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.log, want) {
		t.Fatalf("what the jobs did:\n%q\nwant\n%q", s.log, want)
	}
}

// clinging returns a server with a tab whose run has a job that clings.
func clinging(t *testing.T) (*stage, *host, *client) {
	t.Helper()
	s := newStage()
	h := piped(t, stream.Settings{Do: s.do})
	c := h.tab("a")
	c.press(jobs("cling", 1))
	c.expect(started(1, 1))
	synctest.Wait() // the job has begun
	return s, h, c
}

func TestPressAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		h := piped(t, stream.Settings{Limit: 1, Do: s.do})
		c := h.tab("a")
		c.press(`[{"id":"one","kind":"hash"},{"id":"cling","kind":"hash"},{"id":"three","kind":"hash"}]`)
		c.expect(started(1, 3), stream.Event{Type: "result", Run: 1, Job: 1, ID: "one", Value: "one"})
		synctest.Wait() // the second job stays

		c.press(jobs("again", 1))
		synctest.Wait() // the run is canceled, and does not end; the other one waits
		c.quiet()
		s.expect(t, "begin one", "end one", "begin cling")

		close(s.letGo)
		c.expect(replaced(1, 2), started(2, 1), result(2, "again", 1), finished(2, 1))
		s.expect(t, "begin one", "end one", "begin cling", "end cling", "begin again/1", "end again/1")
	})
}

// A run that has finished is not replaced by the next one.
func TestPressAfterwards(t *testing.T) {
	h := loopback(t, stream.Settings{Do: newStage().do})
	c := h.tab("a")
	for run := uint64(1); run <= 3; run++ {
		c.press(jobs("x", 1))
		c.expect(started(run, 1), result(run, "x", 1), finished(run, 1))
	}
	c.press("[]") // no jobs are a run as well
	c.expect(started(4, 0), finished(4, 0))
}

// More presses than the server keeps wait in the network. None is lost, and the
// runs come one after another, but one that is not the last may begin.
func TestTooManyPresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, c := clinging(t)
		const last = 10 * stream.WaitingPresses
		go func() {
			for run := 2; run <= last; run++ {
				if err := c.send(jobs("stay", 1)); err != nil {
					t.Errorf("press %d: %v", run, err)
				}
			}
		}()
		synctest.Wait() // the server keeps as many as it can
		c.quiet()

		close(s.letGo)
		c.expect(replaced(1, 2))
		for run := uint64(2); run < last; run++ {
			e := c.next()
			if e == started(run, 1) {
				e = c.next()
			}
			if want := replaced(run, run+1); e != want {
				t.Fatalf("message %+v, want %+v", e, want)
			}
		}
		c.expect(started(last, 1))
	})
}

// What is no press replaces nothing.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		h := piped(t, stream.Settings{Do: s.do})
		c := h.tab("a")
		refused := func(run uint64, why string) {
			t.Helper()
			if got := c.next(); got.Type != "refused" || got.Run != run || !strings.Contains(got.Error, why) {
				t.Fatalf("message %+v, want run %d refused with %q", got, run, why)
			}
		}
		c.press("nonsense")
		refused(1, "must be JSON")

		c.press(jobs("cling", 1))
		c.expect(started(2, 1))
		synctest.Wait() // the job has begun
		c.press(`{"id":"a","kind":"sleep"}`)
		refused(3, "not a JSON list of jobs")
		synctest.Wait()
		s.expect(t, "begin cling/1")

		c.press(jobs("next", 1))
		c.press("null")
		c.press(jobs("last", 1))
		synctest.Wait() // all are in the server
		close(s.letGo)
		c.expect(replaced(2, 4))
		for {
			e := c.next()
			if e.Run == 4 { // it begins, unless the next press was there before
				continue
			}
			if e.Type != "refused" || e.Run != 5 {
				t.Fatalf("message %+v, want run 5 refused", e)
			}
			break
		}
		for e := c.next(); e != started(6, 1); e = c.next() {
			if e.Run != 4 {
				t.Fatalf("message %+v, want the end of run 4, and the start of run 6", e)
			}
		}
		c.expect(result(6, "last", 1), finished(6, 1))
	})
}
