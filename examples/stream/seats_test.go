package main_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	stream "github.com/trellis-go/trellis/examples/stream"
	"github.com/trellis-go/trellis/internal/proctest"
)

// The newer tab replaces the older one, which learns why, and begins when the
// older one's run has ended.
func TestTwoTabs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, h, older := clinging(t)

		newer := h.tab("a")
		newer.press(jobs("x", 1))
		synctest.Wait() // the older one's run is canceled, and does not end
		newer.quiet()
		older.quiet()
		s.expect(t, "begin cling/1")

		close(s.letGo)
		older.closed(stream.StatusReplaced, "another tab")
		newer.expect(started(2, 1), result(2, "x", 1), finished(2, 1))
		s.expect(t, "begin cling/1", "end cling/1", "begin x/1", "end x/1")
		if n := h.server.Clients(); n != 1 {
			t.Errorf("the server remembers %d clients, want 1", n)
		}
	})
}

// Presses that the older tab has not got to when it is replaced hold up
// nothing: the client's answer to the goodbye is read past them.
func TestReplacedWithPresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(proctest.Text)
		s := newStage()
		h := piped(t, stream.Settings{Do: s.do, Log: slog.NewTextHandler(log, nil)})
		older := h.tab("a")
		older.press(jobs("cling", 1))
		older.expect(started(1, 1))
		go func() {
			for range 3 * stream.WaitingPresses {
				older.send("[]") // fails in the end
			}
		}()
		synctest.Wait() // the server keeps as many as it can
		newer := h.tab("a")
		newer.press("[]")
		synctest.Wait() // it waits
		begin := time.Now()
		close(s.letGo)
		older.closed(stream.StatusReplaced, "another tab")
		if e := newer.next(); e.Type != "started" {
			t.Errorf("message %+v, want started", e)
		}
		synctest.Wait() // the older tab has ended
		if took := time.Since(begin); took != 0 || !strings.Contains(log.String(), "tab closed") {
			t.Errorf("after %v the log says\n%swant the older tab closed at once", took, log.String())
		}
	})
}

// A third tab that comes while the second waits for the first waits for both.
func TestThreeTabs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, h, first := clinging(t)
		second := h.tab("a")
		second.press(jobs("second", 1))
		synctest.Wait() // the second waits
		third := h.tab("a")
		third.press(jobs("third", 1))
		synctest.Wait() // so does the third, although the second is canceled
		first.quiet()
		second.quiet()
		third.quiet()
		s.expect(t, "begin cling/1")

		close(s.letGo)
		first.closed(stream.StatusReplaced, "another tab")
		second.closed(stream.StatusReplaced, "another tab")
		third.expect(started(3, 1), result(3, "third", 1), finished(3, 1))
		s.expect(t, "begin cling/1", "end cling/1", "begin third/1", "end third/1")
	})
}

// A tab that goes while it waits for its seat is no trouble for those around.
func TestGoneWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, h, first := clinging(t)
		second := h.tab("a")
		second.press(jobs("second", 1))
		synctest.Wait() // the second waits
		second.conn.Close()
		synctest.Wait() // and has gone
		close(s.letGo)
		first.closed(stream.StatusReplaced, "another tab")
		synctest.Wait() // no tab is left
		s.expect(t, "begin cling/1", "end cling/1")
		if n := h.server.Clients(); n != 0 {
			t.Errorf("the server remembers %d clients, want none", n)
		}
	})
}

// Other clients are not concerned.
func TestTwoClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		h := piped(t, stream.Settings{Do: s.do})
		a, b := h.tab("a"), h.tab("b")
		a.press(jobs("stay", 1))
		a.expect(started(1, 1))
		b.press(jobs("x", 1))
		b.expect(started(2, 1), result(2, "x", 1), finished(2, 1))
		synctest.Wait()
		a.quiet()
		close(s.letGo)
	})
}

// Who is newer is decided when the requests come, not by who is through with
// the handshake first, and also if the newer one has left by then.
func TestOvertaken(t *testing.T) {
	for _, left := range []bool{false, true} {
		t.Run(fmt.Sprint("left=", left), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s stream.Seats
				older, newer := s.Arrive("a"), s.Arrive("a")
				var olderWork, newerWork cancelscope.Scope
				go func() {
					defer s.Depart(newer)
					s.Hold(t.Context(), newer, &newerWork, func(ctx context.Context) error {
						return deadline.Sleep(ctx, time.Second)
					})
				}()
				if left {
					time.Sleep(2 * time.Second)
				}
				synctest.Wait() // the newer one has the seat, or has left it
				err := s.Hold(t.Context(), older, &olderWork, func(context.Context) error {
					t.Error("the older one runs as well")
					return nil
				})
				if err != nil || !errors.Is(olderWork.Cause(), stream.ErrNewerTab) {
					t.Errorf("Hold of the older one = %v, cause %v; want nil and %q", err, olderWork.Cause(), stream.ErrNewerTab)
				}
				if newerWork.CancelCalled() {
					t.Error("the newer one was canceled")
				}
				s.Depart(older)
				time.Sleep(2 * time.Second)
				synctest.Wait() // the newer one has left
				if n := s.Len(); n != 0 {
					t.Errorf("%d clients are remembered, want none", n)
				}
			})
		})
	}
}

// Many tabs of few clients, in whatever order they come and go: there is never
// more than one of a client at work, a tab that waits gets the seat or learns
// of a newer one, and nothing is left behind.
func TestSeats(t *testing.T) {
	seed := rand.Uint64()
	const clients, tabs = 5, 400
	var s stream.Seats
	var atWork [clients]atomic.Int32
	var all sync.WaitGroup
	for i := range tabs {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		client := random.IntN(clients)
		ctx, cancel := context.WithCancel(t.Context())
		if random.IntN(4) == 0 {
			time.AfterFunc(time.Duration(random.IntN(1000))*time.Microsecond, cancel)
		}
		wait := time.Duration(random.IntN(2000)) * time.Microsecond
		all.Go(func() {
			defer cancel()
			var work cancelscope.Scope
			mine := s.Arrive(fmt.Sprint(client))
			defer s.Depart(mine)
			for range random.IntN(3) {
				runtime.Gosched()
			}
			err := s.Hold(ctx, mine, &work, func(ctx context.Context) error {
				if n := atWork[client].Add(1); n != 1 {
					t.Errorf("seed %d: %d tabs of client %d at work", seed, n, client)
				}
				defer atWork[client].Add(-1)
				return deadline.Sleep(ctx, wait)
			})
			replaced := errors.Is(work.Cause(), stream.ErrNewerTab)
			if err != nil && !cancelscope.IsCancellation(ctx, err) || err == nil && work.CanceledCaught() && !replaced {
				t.Errorf("seed %d: Hold = %v, cause %v", seed, err, work.Cause())
			}
		})
	}
	all.Wait()
	if n := s.Len(); n != 0 {
		t.Errorf("seed %d: %d clients are remembered, want none", seed, n)
	}
}
