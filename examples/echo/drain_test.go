package main_test

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	echo "github.com/trellis-go/trellis/examples/echo"
)

func TestDrain(t *testing.T) {
	none := echo.World{}
	inBubble(t, "no connection", none, nil, func(t *testing.T, h *hall, r *running) {
		r.signals <- os.Interrupt
		start := time.Now()
		r.expect(t, 0, "level=INFO msg=drained accepted=0 served=0 failed=0 gone=0 cut=0 lines=0")
		sinceStart(t, "end", start, 0)
	})
	inBubble(t, "refused", none, nil, func(t *testing.T, h *hall, r *running) {
		c := h.dial(t)
		say(t, c, "half")
		r.signals <- syscall.SIGTERM
		synctest.Wait() // the signal has had its effect
		_, late := newDuplex()
		if h.visit(late) {
			t.Error("a connection during the shutdown was accepted")
		}
		say(t, c, "\n")
		hear(t, c, "half\n")
		hearEnd(t, c, "")
		r.expect(t, 0, "level=INFO msg=drained accepted=1 served=1 failed=0 gone=0 cut=0 lines=1")
	})
	inBubble(t, "silent", none, nil, func(t *testing.T, h *hall, r *running) {
		c := h.dial(t)
		say(t, c, "line\n")
		hear(t, c, "line\n")
		r.signals <- os.Interrupt
		start := time.Now()
		hearEnd(t, c, "")
		sinceStart(t, "end of the connection", start, 100*time.Millisecond)
		r.expect(t, 0, "level=INFO msg=drained accepted=1 served=1 failed=0 gone=0 cut=0 lines=1")
		sinceStart(t, "end", start, 100*time.Millisecond)
	})
	inBubble(t, "silent, and does not close", none, nil, func(t *testing.T, h *hall, r *running) {
		c := h.dial(t)
		r.signals <- os.Interrupt
		start := time.Now()
		r.expect(t, 0, "level=INFO msg=drained accepted=1 served=1 failed=0 gone=0 cut=0 lines=0")
		sinceStart(t, "end", start, 1100*time.Millisecond)
		hearEnd(t, c, "")
	})
	// However short the grace period, there is time to be silent in it.
	inBubble(t, "silent, short grace", none, []string{"-grace", "10ms"}, func(t *testing.T, h *hall, r *running) {
		c := h.dial(t)
		r.signals <- os.Interrupt
		start := time.Now()
		hearEnd(t, c, "")
		r.expect(t, 0, "level=INFO msg=drained accepted=1 served=1 failed=0 gone=0 cut=0 lines=0")
		sinceStart(t, "end", start, 5*time.Millisecond)
	})
	inBubble(t, "in the middle of a line", none, nil, func(t *testing.T, h *hall, r *running) {
		c := h.dial(t)
		say(t, c, "one\ntw")
		hear(t, c, "one\n")
		r.signals <- os.Interrupt
		start := time.Now()
		time.Sleep(1800*time.Millisecond - 1)
		say(t, c, "o\nthr")
		hear(t, c, "two\n")
		time.Sleep(time.Nanosecond)
		say(t, c, "ee\n")
		hear(t, c, "three\n")
		hearEnd(t, c, "")
		sinceStart(t, "end of the connection", start, 1900*time.Millisecond)
		r.expect(t, 0, "level=INFO msg=drained accepted=1 served=1 failed=0 gone=0 cut=0 lines=3")
	})
	// The clients decide for themselves when they have enough.
	inBubble(t, "ended by the client", none, nil, func(t *testing.T, h *hall, r *running) {
		c := h.dial(t)
		say(t, c, "ha")
		r.signals <- os.Interrupt
		start := time.Now()
		time.Sleep(time.Second)
		say(t, c, "lf")
		c.CloseWrite()
		hearEnd(t, c, "half")
		sinceStart(t, "end of the connection", start, time.Second)
		r.expect(t, 0, "level=INFO msg=drained accepted=1 served=1 failed=0 gone=0 cut=0 lines=1")
	})
}

func TestGrace(t *testing.T) {
	none := echo.World{}
	const oneCut = "level=WARN msg=\"cut off\" accepted=1 served=0 failed=0 gone=0 cut=1 lines=0"
	for _, grace := range []string{"2s", "1ns", "0s", "1h0m0.000000001s"} {
		inBubble(t, "unfinished line for "+grace, none, []string{"-grace", grace}, func(t *testing.T, h *hall, r *running) {
			c := h.dial(t)
			say(t, c, "half")
			r.signals <- os.Interrupt
			start := time.Now()
			hearEnd(t, c, "")
			d, _ := time.ParseDuration(grace)
			sinceStart(t, "end of the connection", start, d)
			r.expect(t, 3, oneCut)
			sinceStart(t, "end", start, d)
		})
	}
	inBubble(t, "and does not close", none, nil, func(t *testing.T, h *hall, r *running) {
		c := h.dial(t)
		say(t, c, "half")
		r.signals <- os.Interrupt
		start := time.Now()
		r.expect(t, 3, oneCut)
		sinceStart(t, "end", start, 2100*time.Millisecond)
		hearEnd(t, c, "")
	})
	inBubble(t, "second signal", none, nil, func(t *testing.T, h *hall, r *running) {
		c := h.dial(t)
		say(t, c, "half")
		r.signals <- os.Interrupt
		start := time.Now()
		time.Sleep(time.Second)
		r.signals <- syscall.SIGTERM
		hearEnd(t, c, "")
		r.expect(t, 3, oneCut)
		sinceStart(t, "end", start, time.Second)
		want := `level=WARN msg=cut task="connection 1 from pipe" lines=0 err="scope \"server\" canceled: second signal received: terminated"`
		if got := r.log.lines("msg=cut task"); len(got) != 1 || got[0] != want {
			t.Errorf("log\n%q\nwant one line\n%s", got, want)
		}
	})
	inBubble(t, "both signals at once", none, nil, func(t *testing.T, h *hall, r *running) {
		c := h.dial(t)
		r.signals <- os.Interrupt
		r.signals <- os.Interrupt
		start := time.Now()
		hearEnd(t, c, "")
		r.expect(t, 3, oneCut)
		sinceStart(t, "end", start, 0)
	})
	// A client that never stops sending is served to the last instant.
	inBubble(t, "busy", none, nil, func(t *testing.T, h *hall, r *running) {
		c := h.dial(t)
		start := time.Now()
		r.signals <- os.Interrupt
		for time.Since(start) < 2*time.Second-time.Nanosecond {
			say(t, c, "line\n")
			hear(t, c, "line\n")
			time.Sleep(min(99*time.Millisecond, 2*time.Second-time.Nanosecond-time.Since(start)))
		}
		say(t, c, "last\n")
		hear(t, c, "last\n")
		hearEnd(t, c, "")
		sinceStart(t, "end of the connection", start, 2*time.Second)
		r.expect(t, 3, "level=WARN msg=\"cut off\" accepted=1 served=0 failed=0 gone=0 cut=1 lines=22")
	})
}

// What has been read as a line is sent back although the connection is cut off, if
// the client takes it.
func TestOwed(t *testing.T) {
	owed := func(t *testing.T, h *hall, r *running) *duplex {
		c := h.dial(t)
		say(t, c, strings.Repeat("line\n", 100)+"half")
		r.signals <- os.Interrupt
		return c
	}
	inBubble(t, "taken", echo.World{}, nil, func(t *testing.T, h *hall, r *running) {
		c := owed(t, h, r)
		time.Sleep(2100*time.Millisecond - 1)
		hearEnd(t, c, strings.Repeat("line\n", 100))
		r.expect(t, 3, "level=WARN msg=\"cut off\" accepted=1 served=0 failed=0 gone=0 cut=1 lines=100")
	})
	inBubble(t, "half taken", echo.World{}, nil, func(t *testing.T, h *hall, r *running) {
		c := owed(t, h, r)
		hear(t, c, strings.Repeat("line\n", 49)+"li")
		time.Sleep(2050 * time.Millisecond)
		hearEnd(t, c, "ne\n"+strings.Repeat("line\n", 50))
		r.expect(t, 3, "level=WARN msg=\"cut off\" accepted=1 served=0 failed=0 gone=0 cut=1 lines=100")
	})
	inBubble(t, "not taken", echo.World{}, nil, func(t *testing.T, h *hall, r *running) {
		start := time.Now()
		c := owed(t, h, r)
		r.expect(t, 3, "level=WARN msg=\"cut off\" accepted=1 served=0 failed=0 gone=0 cut=1 lines=0")
		sinceStart(t, "end", start, 2100*time.Millisecond)
		hearEnd(t, c, "")
		want := `level=WARN msg=cut task="connection 1 from pipe" lines=0 err="scope \"connections\" canceled: deadline passed" unsent=500`
		if got := r.log.lines("msg=cut task"); len(got) != 1 || got[0] != want {
			t.Errorf("log\n%q\nwant one line\n%s", got, want)
		}
	})
}
