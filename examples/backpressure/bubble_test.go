package main_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	backpressure "github.com/trellis-go/trellis/examples/backpressure"
	"github.com/trellis-go/trellis/examples/internal/proctest"
	"github.com/trellis-go/trellis/examples/internal/webserver"
	"github.com/trellis-go/trellis/nursery"
)

// result is what a run of the program in a bubble has left behind.
type result struct {
	code           int
	took           time.Duration
	stdout, stderr string
}

// runPiped runs the program, with these readers, where nothing takes any time
// but waiting.
func runPiped(ctx context.Context, args string, habits ...backpressure.Habit) result {
	var readers []*backpressure.Reader
	for _, h := range habits {
		readers = append(readers, h.Reader())
	}
	start := time.Now()
	stdout, stderr := proctest.NewText(), proctest.NewText()
	code := backpressure.RunWith(ctx, strings.Fields(args), stdout, stderr, newPipes(), readers...)
	return result{code, time.Since(start), stdout.String(), stderr.String()}
}

// expect checks what was written. In want, runs of blanks count as one.
func (r result) expect(t *testing.T, code int, took time.Duration, want ...string) {
	t.Helper()
	if r.code != code || r.took != took {
		t.Errorf("run: exit code %d after %v, want %d after %v", r.code, r.took, code, took)
	}
	out := strings.Join(strings.Fields(r.stdout), " ")
	for _, w := range want {
		if !strings.Contains(out, w) {
			t.Errorf("run: standard output has no %q; it ends\n%s", w, r.stdout[max(0, len(r.stdout)-1000):])
		}
	}
}

// The same pause, in two ways: what a cancellation makes of it is the difference
// between deadline.Sleep and time.Sleep. The nursery waits for both.
func TestSleepAfterCancel(t *testing.T) {
	sleeper := backpressure.Habit{Name: "sleeper", Every: 10 * time.Second}
	blocker := backpressure.Habit{Name: "blocker", Every: 10 * time.Second, Block: true}
	const flags = "-patience 1m -for 13s"
	t.Run("deadline.Sleep", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			runPiped(t.Context(), flags, sleeper).expect(t, 0, 13*time.Second, "sleeper with deadline.Sleep ended 0.0ms after the cancellation; it took 2 messages")
		})
	})
	t.Run("time.Sleep", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			runPiped(t.Context(), flags, blocker).expect(t, 0, 20*time.Second, "blocker with time.Sleep ended 7000.0ms after the cancellation; it took 2 messages")
		})
	})
	t.Run("interrupted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(13*time.Second, func() { cancel(errors.New("enough")) })
			runPiped(ctx, "-patience 1m -for 1h", sleeper, blocker).expect(t, 0, 20*time.Second,
				"sleeper with deadline.Sleep ended 0.0ms", "blocker with time.Sleep ended 7000.0ms",
				"12.0s blocker sent 2 buffered 0 blocked for 2.0s",
			)
		})
	})
}

// No reader waits for another one: what each got in the time is what it would
// have got alone.
func TestReadersDoNotDelayEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := runPiped(t.Context(), "-patience 3s -for 100450ms",
			backpressure.Habit{Name: "tenth", Every: 100 * time.Millisecond},
			backpressure.Habit{Name: "stopper", Every: time.Hour},
			backpressure.Habit{Name: "second", Every: time.Second, Block: true},
			backpressure.Habit{Name: "quitter", Take: 5, Closes: true},
			backpressure.Habit{Name: "vanisher", Take: 5},
			backpressure.Habit{Name: "mute", Every: 900 * time.Millisecond, Mute: true},
		)
		got.expect(t, 0, 101*time.Second,
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
			`reader=tenth end="server stopped" sent=1005`,
			`reader=second end="server stopped" sent=101`,
		} {
			if !strings.Contains(got.stderr, end) {
				t.Errorf("run: the log has no %s:\n%s", end, got.stderr)
			}
		}
	})
}

// served starts a server in the bubble, lets use run, and stops it.
func served(t *testing.T, patience time.Duration, use func(ctx context.Context, j *journal, connect func(habit backpressure.Habit), dial func(options *websocket.DialOptions) *websocket.Conn)) {
	j, net := newJournal(), newPipes()
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		n.GoNamed("server", func(ctx context.Context) error {
			return webserver.Run(ctx, net, backpressure.NewServer(patience, slog.New(j)))
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
