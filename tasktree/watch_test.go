package tasktree_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/trace"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree"
)

// reports has what Watch reports, and when.
type reports struct {
	mu  sync.Mutex
	all []report // guarded by mu
}

type report struct {
	*tasktree.Stall
	at time.Time
}

func (r *reports) add(_ context.Context, s *tasktree.Stall) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, report{s, time.Now()})
}

func (r *reports) list() []report {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all
}

// expect compares the reports so far with words such as "canceled batch" and "over canceled
// batch".
func (r *reports) expect(t *testing.T, when string, want ...string) {
	t.Helper()
	var got []string
	for _, s := range r.list() {
		over := ""
		if s.Over {
			over = "over "
		}
		got = append(got, fmt.Sprintf("%s%s %s", over, s.Kind, s.Node.Name))
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("%s: reports %q, want %q", when, got, want)
	}
}

// watched runs fn in a bubble, in the body of a nursery with a Watch in the background.
func watched(t *testing.T, o tasktree.WatchOptions, fn func(t *testing.T, ctx context.Context, n *nursery.Nursery, r *reports)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		defer tasktree.Config{Labels: true}.Record()()
		r := &reports{}
		o.Report = r.add
		err := nursery.Config{Name: "program"}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Background("watch", func(ctx context.Context) error { return tasktree.Watch(ctx, o) })
			fn(t, ctx, n, r)
			return nil
		})
		if err != nil {
			t.Errorf("the program returned %v", err)
		}
	})
}

// A task that looks at no context is reported once, when its limit has passed, and once more
// when it has ended.
func TestWatchCanceled(t *testing.T) {
	watched(t, tasktree.WatchOptions{Canceled: 4 * time.Second, Every: time.Second}, func(t *testing.T, ctx context.Context, n *nursery.Nursery, r *reports) {
		batch := n.Task("press 7", func(ctx context.Context) error {
			return nursery.Config{Name: "batch"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("deaf", func(context.Context) error { time.Sleep(time.Minute); return nil })
				n.GoNamed("obedient", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
				return nil
			})
		})
		time.Sleep(10500 * time.Millisecond)
		r.expect(t, "before the cancellation")
		begin := time.Now()
		batch.Cancel(errors.New("pressed again"))
		time.Sleep(3900 * time.Millisecond)
		r.expect(t, "before the limit")
		time.Sleep(time.Second)
		r.expect(t, "after the limit", "canceled press 7")
		time.Sleep(30 * time.Second)
		r.expect(t, "long after the limit", "canceled press 7")
		batch.Join()
		time.Sleep(1500 * time.Millisecond)
		r.expect(t, "after the end", "canceled press 7", "over canceled press 7")

		s := r.list()[0]
		if !s.Since.Equal(begin) || s.at.Sub(begin) != 4500*time.Millisecond || s.Lasted != 4500*time.Millisecond {
			t.Errorf("noticed %v after %v, lasted %v; want 4.5s after %v", s.at.Sub(begin), s.Since, s.Lasted, begin)
		}
		if len(s.Waits) != 1 || s.Waits[0].Name != "deaf" || s.Waits[0].Place == "" || s.Waits[0].Goroutine == nil {
			t.Fatalf("it waits for %+v, want the task deaf, with its place and goroutine", s.Waits)
		}
		if got := strings.Join(s.Path, "/"); got != "program" {
			t.Errorf("Path = %q, want program", got)
		}
		for _, want := range []string{`task "press 7" (tasktree/watch_test.go:`, "was canceled 4.5s ago", "pressed again", `still runs: task "deaf" (tasktree/watch_test.go:`, "sleep"} {
			if !strings.Contains(s.String(), want) {
				t.Errorf("String() = %s\nwant %q in it", s, want)
			}
		}
		end := r.list()[1]
		if end.Lasted < 49*time.Second || end.Lasted > 51*time.Second || !strings.Contains(end.String(), "ended") {
			t.Errorf("the end: lasted %v, %q, want about 50s", end.Lasted, end)
		}
	})
}

// What ends in time is not reported, however often it happens.
func TestWatchInTime(t *testing.T) {
	watched(t, tasktree.WatchOptions{Canceled: 4 * time.Second, Waiting: 4 * time.Second, Every: 100 * time.Millisecond}, func(t *testing.T, ctx context.Context, n *nursery.Nursery, r *reports) {
		for range 20 {
			task := n.Task("slow to end", func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(3 * time.Second)
				return ctx.Err()
			})
			task.Cancel(nil)
			time.Sleep(time.Second)
		}
		r.expect(t, "at the end")
	})
}

// What is canceled together is one stall; what was canceled before is one of its own.
func TestWatchNested(t *testing.T) {
	watched(t, tasktree.WatchOptions{Canceled: 10 * time.Second, Every: time.Second}, func(t *testing.T, ctx context.Context, n *nursery.Nursery, r *reports) {
		release := make(chan struct{})
		var inner *nursery.Task[struct{}]
		outer := n.Task("outer", func(ctx context.Context) error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				inner = n.Task("inner", func(context.Context) error { <-release; return nil })
				n.GoNamed("other", func(context.Context) error { <-release; return nil })
				return nil
			})
		})
		synctest.Wait() // inner has been set
		inner.Cancel(nil)
		time.Sleep(5 * time.Second)
		outer.Cancel(nil)
		time.Sleep(6500 * time.Millisecond)
		r.expect(t, "11.5s after the inner cancellation", "canceled inner")
		time.Sleep(5 * time.Second)
		r.expect(t, "11.5s after the outer cancellation", "canceled inner", "canceled outer")
		if all := r.list(); len(all) == 2 && len(all[1].Waits) != 2 {
			t.Errorf("outer waits for %d nodes, want inner and other", len(all[1].Waits))
		}
		close(release)
		time.Sleep(2 * time.Second)
		if n := len(r.list()); n != 4 {
			t.Errorf("%d reports, want 4: an end for each", n)
		}
	})
}

// A nursery whose body has ended is reported if its tasks are the same for too long.
func TestWatchWaiting(t *testing.T) {
	watched(t, tasktree.WatchOptions{Waiting: 10 * time.Second, Every: time.Second}, func(t *testing.T, ctx context.Context, n *nursery.Nursery, r *reports) {
		start, pool := make(chan string), make(chan *nursery.Nursery, 1)
		release := make(map[string]chan struct{})
		for _, name := range []string{"a", "b", "c"} {
			release[name] = make(chan struct{})
		}
		n.GoNamed("waiter", func(ctx context.Context) error {
			return nursery.Config{Name: "pool"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				pool <- n
				n.Background("helper", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
				for name := range start {
					n.GoNamed(name, func(context.Context) error { <-release[name]; return nil })
				}
				return nil
			})
		})
		p := <-pool
		start <- "a"
		start <- "b"
		time.Sleep(time.Minute)
		r.expect(t, "while the body runs")
		close(start)
		time.Sleep(9500 * time.Millisecond)
		r.expect(t, "before the limit")
		p.GoNamed("c", func(context.Context) error { <-release["c"]; return nil })
		time.Sleep(9 * time.Second)
		r.expect(t, "after another task began")
		close(release["a"])
		time.Sleep(9 * time.Second)
		r.expect(t, "after a task ended")
		time.Sleep(3 * time.Second)
		r.expect(t, "after the limit", "waiting pool")
		if s := r.list()[0]; len(s.Waits) != 2 || s.Waits[0].Name != "b" || s.Waits[1].Name != "c" || !strings.Contains(s.String(), "has waited for the same tasks for 1") {
			t.Errorf("the stall is %s", s)
		}
		close(release["b"])
		time.Sleep(2 * time.Second)
		r.expect(t, "after the second task ended", "waiting pool", "over waiting pool")
		time.Sleep(10 * time.Second)
		r.expect(t, "after the limit for the last task", "waiting pool", "over waiting pool", "waiting pool")
		close(release["c"])
		time.Sleep(2 * time.Second)
		r.expect(t, "at the end", "waiting pool", "over waiting pool", "waiting pool", "over waiting pool")
	})
}

// Each of the two kinds can be left out.
func TestWatchNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		o    tasktree.WatchOptions
		want string
	}{
		{"neither", tasktree.WatchOptions{Canceled: -1}, ""},
		{"zero", tasktree.WatchOptions{}, "canceled stuck"},
		{"waiting", tasktree.WatchOptions{Canceled: -1, Waiting: 10 * time.Second}, "waiting pool"},
	} {
		t.Run(c.name, func(t *testing.T) {
			watched(t, c.o, func(t *testing.T, ctx context.Context, n *nursery.Nursery, r *reports) {
				release := make(chan struct{})
				n.Task("stuck", func(context.Context) error { <-release; return nil }).Cancel(nil)
				n.Go(func(ctx context.Context) error {
					return nursery.Config{Name: "pool"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
						n.GoNamed("long", func(context.Context) error { <-release; return nil })
						return nil
					})
				})
				time.Sleep(time.Minute)
				if c.want == "" {
					r.expect(t, "after a minute")
				} else {
					r.expect(t, "after a minute", c.want)
				}
				close(release)
			})
		})
	}
}

// What was canceled before the recording is late when it has been seen for so long.
func TestWatchOlder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r reports
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			recorded, release := make(chan struct{}), make(chan struct{})
			old := n.Task("old", func(ctx context.Context) error {
				<-recorded
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error { // or the task is not shown
					<-release
					return nil
				})
			})
			synctest.Wait() // the task has begun
			old.Cancel(nil)
			time.Sleep(time.Hour)
			n.Background("watch", func(ctx context.Context) error {
				return tasktree.Watch(ctx, tasktree.WatchOptions{Canceled: 10 * time.Second, Every: time.Second, Report: r.add})
			})
			synctest.Wait() // Watch has turned recording on
			close(recorded)
			time.Sleep(9500 * time.Millisecond)
			r.expect(t, "before the limit")
			time.Sleep(5 * time.Second)
			if len(r.list()) != 1 {
				t.Errorf("%d reports after the limit, want one", len(r.list()))
			}
			close(release)
			return nil
		})
		if err != nil {
			t.Errorf("the nursery returned %v", err)
		}
	})
}

// The log has the same in attributes.
func TestWatchLog(t *testing.T) {
	var log bytes.Buffer
	handler := slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	o := tasktree.WatchOptions{Canceled: 10 * time.Second, Log: slog.New(handler)}
	watched(t, o, func(t *testing.T, ctx context.Context, n *nursery.Nursery, r *reports) {
		task := n.Task("stuck\n\x1b[31m", func(context.Context) error { time.Sleep(time.Minute); return nil })
		task.Cancel(errors.New("no\nlonger needed"))
		task.Join()
		time.Sleep(5 * time.Second)
	})
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("the log has %d lines, want 2:\n%s", len(lines), &log)
	}
	for i, want := range [][]string{
		{"level=WARN", `msg="canceled, and still runs"`, "kind=task", `name="stuck\n\x1b[31m"`, "place=tasktree/watch_test.go:", "for=10s", `in="[nursery program]"`, "longer needed", "waits=", ", in tasktree_test.TestWatchLog.func", "(tasktree/watch_test.go:"},
		{"level=INFO", `msg="ended late after its cancellation"`, "kind=task", `name="stuck\n\x1b[31m"`},
	} {
		for _, w := range want {
			if !strings.Contains(lines[i], w) {
				t.Errorf("line %d is\n%s\nwant %q in it", i+1, lines[i], w)
			}
		}
	}
}

// A panic of the report function is one of Watch, and so of the program.
func TestWatchReportPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer tasktree.Record()()
		defer func() {
			if v := recover(); !strings.Contains(fmt.Sprint(v), "bad report") {
				t.Errorf("recovered %v, want the panic of the report", v)
			}
		}()
		nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Background("watch", func(ctx context.Context) error {
				return tasktree.Watch(ctx, tasktree.WatchOptions{Report: func(context.Context, *tasktree.Stall) { panic("bad report") }})
			})
			n.Task("stuck", func(context.Context) error { time.Sleep(time.Minute); return nil }).Cancel(nil)
			return nil
		})
		t.Errorf("the program returned")
	})
}

// The files about a stall are a flight recording, a profile and the tree.
func TestWatchFiles(t *testing.T) {
	flight := trace.NewFlightRecorder(trace.FlightRecorderConfig{})
	if err := flight.Start(); err != nil {
		t.Fatal(err)
	}
	defer flight.Stop()
	dir := t.TempDir()
	stalls := stallWithFiles(t, tasktree.WatchOptions{Dir: dir, Flight: flight, Files: 1}, 2)
	files := map[string]string{".trace": "go 1.", ".goroutine.pb.gz": "\x1f\x8b", ".tree.txt": "stuck"}
	for _, s := range stalls {
		if s.FilesErr != nil || len(s.Files) != len(files) {
			if len(s.Files) == 0 && s.FilesErr == nil {
				continue // the second, which is over the limit
			}
			t.Fatalf("files %q, error %v, want %d files", s.Files, s.FilesErr, len(files))
		}
		for _, name := range s.Files {
			for e, want := range files {
				if !strings.HasSuffix(name, e) {
					continue
				}
				content, err := os.ReadFile(name)
				if err != nil || !bytes.Contains(content, []byte(want)) {
					t.Errorf("%s: error %v, %d bytes, want %q in it", name, err, len(content), want)
				}
				if info, err := os.Stat(name); err == nil && info.Mode().Perm()&0o077 != 0 {
					t.Errorf("%s has mode %v, want it for the user only", name, info.Mode())
				}
			}
		}
	}
	found, err := filepath.Glob(filepath.Join(dir, "stall-*"))
	if err != nil || len(found) != len(files) {
		t.Errorf("the folder has %q, want the files of one stall", found)
	}
}

// A folder that is missing, and a flight recorder that is not running, are no reason to keep
// silent.
func TestWatchFilesFail(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "missing")
	for _, s := range stallWithFiles(t, tasktree.WatchOptions{Dir: dir}, 1) {
		if len(s.Files) != 0 || !errors.Is(s.FilesErr, os.ErrNotExist) {
			t.Errorf("files %q, error %v, want none, and that the folder does not exist", s.Files, s.FilesErr)
		}
	}
	dir = t.TempDir()
	idle := trace.NewFlightRecorder(trace.FlightRecorderConfig{})
	for _, s := range stallWithFiles(t, tasktree.WatchOptions{Dir: dir, Flight: idle}, 1) {
		if len(s.Files) != 2 || s.FilesErr == nil {
			t.Errorf("files %q, error %v, want two, and an error for the flight recorder", s.Files, s.FilesErr)
		}
	}
	if found, _ := filepath.Glob(filepath.Join(dir, "*.trace")); len(found) != 0 {
		t.Errorf("a file without a recording was left: %q", found)
	}
}

// stallWithFiles runs as many tasks that do not end, and returns the reports about them. It
// uses the real clock, because the flight recorder does.
func stallWithFiles(t *testing.T, o tasktree.WatchOptions, tasks int) []*tasktree.Stall {
	t.Helper()
	reported := make(chan *tasktree.Stall)
	o.Canceled, o.Every = time.Nanosecond, time.Millisecond
	o.Report = func(ctx context.Context, s *tasktree.Stall) {
		if !s.Over && strings.HasPrefix(s.Node.Name, "stuck") {
			reported <- s
		}
	}
	defer tasktree.Record()()
	var stalls []*tasktree.Stall
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Background("watch", func(ctx context.Context) error { return tasktree.Watch(ctx, o) })
		release := make(chan struct{})
		defer close(release)
		for i := range tasks {
			n.Task(fmt.Sprint("stuck ", i), func(context.Context) error { <-release; return nil }).Cancel(nil)
		}
		for range tasks {
			stalls = append(stalls, <-reported)
		}
		return nil
	})
	if err != nil {
		t.Errorf("the nursery returned %v", err)
	}
	return stalls
}
