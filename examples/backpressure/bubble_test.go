package main_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	backpressure "github.com/trellis-go/trellis/examples/backpressure"
	"github.com/trellis-go/trellis/internal/proctest"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// runPiped runs the program for a time, with these readers, where nothing takes any time
// but waiting. It checks that the program ends well, when, and with what output. In want,
// runs of blanks count as one. It returns the log.
func runPiped(t *testing.T, patience, limit, took time.Duration, habits []backpressure.Habit, want ...string) string {
	t.Helper()
	start := time.Now()
	stdout, stderr := new(proctest.Text), new(proctest.Text)
	net := newPipes()
	err := backpressure.Run(t.Context(), patience, limit, stdout, slog.New(slog.NewTextHandler(stderr, nil)), net, net.Dial, habits...)
	if got := time.Since(start); err != nil || got != took {
		t.Errorf("run = %v after %v, want nil after %v", err, got, took)
	}
	out := strings.Join(strings.Fields(stdout.String()), " ")
	for _, w := range want {
		if !strings.Contains(out, w) {
			t.Errorf("run: standard output has no %q; it ends\n%s", w, stdout.String()[max(0, len(stdout.String())-1000):])
		}
	}
	return stderr.String()
}

// The same pause, in two ways: what a cancellation makes of it is the difference
// between deadline.Sleep and time.Sleep. The nursery waits for both.
func TestSleepAfterCancel(t *testing.T) {
	sleeper := backpressure.Habit{Name: "sleeper", Every: 10 * time.Second}
	blocker := backpressure.Habit{Name: "blocker", Every: 10 * time.Second, Block: true}
	for _, test := range []struct {
		name    string
		readers []backpressure.Habit
		took    time.Duration
		want    []string
	}{
		{"deadline.Sleep", []backpressure.Habit{sleeper}, 13 * time.Second,
			[]string{"sleeper with deadline.Sleep ended 0.0ms after the cancellation; it took 2 messages"}},
		{"time.Sleep", []backpressure.Habit{blocker}, 20 * time.Second,
			[]string{"blocker with time.Sleep ended 7000.0ms after the cancellation; it took 2 messages"}},
		{"both", []backpressure.Habit{sleeper, blocker}, 20 * time.Second,
			[]string{"sleeper with deadline.Sleep ended 0.0ms", "blocker with time.Sleep ended 7000.0ms", "12.0s blocker sent 2 buffered 0 blocked for 2.0s"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				runPiped(t, time.Minute, 13*time.Second, test.took, test.readers, test.want...)
			})
		})
	}
}

// No reader waits for another one: what each got in the time is what it would
// have got alone.
func TestReadersDoNotDelayEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		readers := []backpressure.Habit{
			{Name: "tenth", Every: 100 * time.Millisecond},
			{Name: "stopper", Every: time.Hour},
			{Name: "second", Every: time.Second, Block: true},
			{Name: "quitter", Take: 5, Closes: true},
			{Name: "vanisher", Take: 5},
			{Name: "mute", Every: 900 * time.Millisecond, Mute: true},
		}
		log := runPiped(t, 3*time.Second, 100450*time.Millisecond, 101*time.Second, readers,
			"2.0s stopper sent 1 buffered 0 blocked for 2.0s",
			"tenth with deadline.Sleep ended 0.0ms after the cancellation; it took 1005 messages",
			"second with time.Sleep ended 550.0ms after the cancellation; it took 101 messages",
			"stopper with deadline.Sleep ended 0.0ms after the cancellation; it took 1 messages",
		)
		for _, end := range []string{
			`reader=quitter end="closed with 1000"`,
			`reader=vanisher end="broke off" sent=5`,
			`reader=mute end="cut off: silent for 3s" sent=4`,
			`reader=stopper end="cut off: silent for 3s" sent=1 blocked=3s`,
			`reader=tenth end="(server stopped|broke off)" sent=1005`, // both sides are canceled at once
			`reader=second end="server stopped" sent=101`,
		} {
			if !regexp.MustCompile(end).MatchString(log) {
				t.Errorf("run: the log has no %s:\n%s", end, log)
			}
		}
	})
}

// served starts a server in the bubble, lets use run, and stops it.
func served(t *testing.T, patience time.Duration, use func(ctx context.Context, j *journal, connect func(habit backpressure.Habit), dial func(options *websocket.DialOptions) *websocket.Conn)) {
	j, net := newJournal(), newPipes()
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		n.GoNamed("server", func(ctx context.Context) error {
			return serve.HTTP(ctx, &http.Server{Handler: backpressure.NewServer(patience, slog.New(j))}, net)
		})
		defer n.Scope().Cancel(nil)
		dial := func(o *websocket.DialOptions) *websocket.Conn {
			o.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: net.Dial}}
			conn, _, err := websocket.Dial(ctx, "ws://pipe/?name=reader", o)
			if err != nil {
				t.Fatal(err)
			}
			return conn
		}
		connect := func(h backpressure.Habit) {
			n.Go(func(ctx context.Context) error {
				backpressure.RunReader(ctx, h, "ws://pipe/?name=reader", net.Dial) // the server says how it went
				return nil
			})
		}
		use(ctx, j, connect, dial)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A reader is cut off when it has said nothing for exactly the patience, and kept
// for ever if it has.
func TestPatience(t *testing.T) {
	for _, test := range []struct {
		name     string
		habit    backpressure.Habit
		patience time.Duration
		cut      time.Duration // 0: never
		end      string        // empty: for its silence
	}{
		{"stopped", backpressure.Habit{Every: time.Hour}, 3 * time.Second, 3 * time.Second, ""},
		{"stopped, long patience", backpressure.Habit{Every: time.Hour}, 50 * time.Second, 50 * time.Second, ""},
		{"mute", backpressure.Habit{Every: 100 * time.Millisecond, Mute: true}, 3 * time.Second, 3 * time.Second, ""},
		{"mute and slow", backpressure.Habit{Every: 7 * time.Second, Mute: true}, 4 * time.Second, 4 * time.Second, ""},
		{"no ping gets through", backpressure.Habit{Every: 20 * time.Second, Mute: true}, 30 * time.Second, 15 * time.Second, "cut off: failed to ping"},
		{"slow", backpressure.Habit{Every: 2900 * time.Millisecond}, 3 * time.Second, 0, ""},
		{"slow and blocked", backpressure.Habit{Every: 2900 * time.Millisecond, Block: true}, 3 * time.Second, 0, ""},
		{"slower than a ping may be", backpressure.Habit{Every: 12 * time.Second}, 20 * time.Second, 0, ""},
		{"slower than the patience", backpressure.Habit{Every: 3100 * time.Millisecond}, 3 * time.Second, 3 * time.Second, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				served(t, test.patience, func(ctx context.Context, j *journal, connect func(backpressure.Habit), _ func(*websocket.DialOptions) *websocket.Conn) {
					start := time.Now()
					connect(test.habit)
					if test.cut == 0 {
						time.Sleep(10 * time.Minute)
						j.next(t, "reader has connected")
						if len(j.records) > 0 {
							t.Errorf("after ten minutes: log record %v, want none", <-j.records)
						}
						return
					}
					rec := j.next(t, "reader has ended")
					want := test.end
					if want == "" {
						want = fmt.Sprintf("cut off: silent for %v", test.patience)
					}
					if got := time.Since(start); got != test.cut || !strings.HasPrefix(rec.attrs["end"], want) {
						t.Errorf("reader ended after %v as %q, want %v and %q", got, rec.attrs["end"], test.cut, want)
					}
				})
			})
		})
	}
}

// A reader that does not know of acknowledgments, such as any other websocket
// client, speaks by its pongs.
func TestPongsAreSignsOfLife(t *testing.T) {
	for _, every := range []time.Duration{50 * time.Millisecond, 900 * time.Millisecond} {
		t.Run(every.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				served(t, 3*time.Second, func(ctx context.Context, j *journal, _ func(backpressure.Habit), dial func(*websocket.DialOptions) *websocket.Conn) {
					pings := 0
					conn := dial(&websocket.DialOptions{OnPingReceived: func(context.Context, []byte) bool { pings++; return true }})
					defer conn.CloseNow()
					for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(every) {
						if _, _, err := conn.Read(ctx); err != nil {
							t.Fatalf("Read after %v: %v", time.Since(start), err)
						}
					}
					if pings < 20 {
						t.Errorf("%d pings in a minute, want one for every second or two", pings)
					}
				})
			})
		})
	}
}
