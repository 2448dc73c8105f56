package tasktree_test

import (
	"bytes"
	"context"
	"iter"
	"math"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/ceiling"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree"
)

func TestRecordIsCounted(t *testing.T) {
	isOn := func() bool { return !tasktree.Take(tasktree.Options{}).RecordingSince.IsZero() }
	if isOn() {
		t.Fatal("recording is on at the beginning")
	}
	first := tasktree.Record()
	since := tasktree.Take(tasktree.Options{}).RecordingSince
	second := tasktree.Config{Labels: true}.Record()
	if tree := tasktree.Take(tasktree.Options{}); !tree.RecordingSince.Equal(since) || !tree.Labels {
		t.Errorf("with two recordings: since %v and labels %v, want %v and true", tree.RecordingSince, tree.Labels, since)
	}
	first()
	first() // does nothing
	if !isOn() {
		t.Error("recording is off after one of two has been stopped twice")
	}
	third := tasktree.Record()
	second()
	if tree := tasktree.Take(tasktree.Options{}); tree.Labels || tree.RecordingSince.IsZero() {
		t.Errorf("after the recording with labels has been stopped: labels %v, since %v", tree.Labels, tree.RecordingSince)
	}
	third()
	if isOn() {
		t.Error("recording is on after all have been stopped")
	}
}

func TestTreeWhileRecordingIsOff(t *testing.T) {
	nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		tree := tasktree.Take(tasktree.Options{Stacks: true, Within: ctx})
		if len(tree.Roots) != 0 || tree.Total != 0 || tree.Version != 1 || tree.Goroutines < 1 || tree.Roots == nil {
			t.Errorf("while recording is off the tree is %+v", *tree)
		}
		if got, want := tree.String(), "tasktree: recording is off\n"; got != want {
			t.Errorf("its text is %q, want %q", got, want)
		}
		return nil
	})
}

// What began while recording was off is shown once something begins inside, and says so.
func TestTurningRecordingOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nursery.Config{Name: "old"}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("old task", wait)
			inner := cancelscope.Scope{Name: "limit"}
			inner.SetTimeout(time.Hour)
			inner.Run(ctx, func(ctx context.Context) error {
				stop := tasktree.Record()
				checkLines(t, tasktree.Take(tasktree.Options{}), "\n")
				n.GoNamed("new task", wait)
				s := cancelscope.Scope{Name: "new"}
				s.Run(ctx, func(ctx context.Context) error {
					checkLines(t, tasktree.Take(tasktree.Options{}), `
nursery old, older than the recording, 2 tasks
├─ limit limit, older than the recording, 1h00m left
│  └─ scope new, 0ms
└─ task new task, 0ms`)
					return nil
				})
				stop()
				s = cancelscope.Scope{Name: "unseen"}
				s.Run(ctx, func(ctx context.Context) error {
					defer tasktree.Record()()
					checkLines(t, tasktree.Take(tasktree.Options{}), `
nursery old, older than the recording, 2 tasks
├─ limit limit, older than the recording, 1h00m left
└─ task new task, 0ms`)
					return nil
				})
				return nil
			})
			defer tasktree.Record()()
			if tree := tasktree.Take(tasktree.Options{}); tree.Total != 2 {
				t.Errorf("when the limit has ended the tree is\n%s", tree)
			}
			n.Scope().Cancel(nil)
			return nil
		})
		defer tasktree.Record()()
		if tree := tasktree.Take(tasktree.Options{}); tree.Total != 0 {
			t.Errorf("when all has ended the tree is\n%s", tree)
		}
	})
}

func parked(ctx context.Context) { <-ctx.Done() }

func TestStacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer tasktree.Config{Labels: true}.Record()()
		nursery.Config{Name: "pool"}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("parked", func(ctx context.Context) error { parked(ctx); return nil })
			n.GoNamed("asleep", func(ctx context.Context) error { time.Sleep(time.Second); return nil })
			n.GoNamed("opener", func(ctx context.Context) error {
				return nursery.Config{Name: "inner"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					n.GoNamed("deep", wait)
					return nil
				})
			})
			synctest.Wait() // all wait
			tree := tasktree.Take(tasktree.Options{Stacks: true})
			parked := find(t, tree, "parked").Goroutine
			if parked == nil || parked.State != "chan receive (durable)" && parked.State != "chan receive" || parked.ID == 0 ||
				len(parked.Stack) != 2 || !strings.HasPrefix(parked.Stack[0], "tasktree_test.parked (tasktree/record_test.go:") {
				t.Errorf("the goroutine that is parked: %+v", parked)
			}
			if g := find(t, tree, "asleep").Goroutine; g == nil || !strings.HasPrefix(g.State, "sleep") {
				t.Errorf("the goroutine that sleeps: %+v", g)
			}
			opener, inner := find(t, tree, "opener").Goroutine, find(t, tree, "inner").Goroutine
			if opener == nil || inner == nil || opener.ID != inner.ID {
				t.Errorf("the goroutines of the opener and of what it has opened: %+v and %+v, want the same", opener, inner)
			}
			for _, g := range []*tasktree.Goroutine{opener, inner} {
				for _, call := range g.Stack {
					if strings.Contains(call, "nursery.") || strings.Contains(call, "cancelscope.") {
						t.Errorf("the stack has %q, a call of this module", call)
					}
				}
			}
			if text := tree.String(); strings.Count(text, "goroutine ") != 5 { // with that of the body
				t.Errorf("the text names another number of goroutines than 5:\n%s", text)
			}
			if n := find(t, tasktree.Take(tasktree.Options{}), "parked"); n.Goroutine != nil {
				t.Errorf("without Stacks there is the goroutine %+v", n.Goroutine)
			}
			n.Scope().Cancel(nil)
			return nil
		})
	})
}

// labelsOf returns the goroutine profile, in which labels stand as {"key":"value"}.
func labelsOf() string {
	var out bytes.Buffer
	pprof.Lookup("goroutine").WriteTo(&out, 1)
	return out.String()
}

func TestLabels(t *testing.T) {
	stop := tasktree.Config{Labels: true}.Record()
	pprof.Do(t.Context(), pprof.Labels("request", "17"), func(ctx context.Context) {
		nursery.Config{Name: "outer"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			return nursery.Config{Name: "inner"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				ready := make(chan struct{})
				n.GoNamed("job", func(ctx context.Context) error { close(ready); return wait(ctx) })
				<-ready
				profile := labelsOf()
				for _, want := range []string{
					`{"nursery":"outer/inner", "request":"17", "task":"job"}`,
					`{"nursery":"outer/inner", "request":"17"}`, // the body
				} {
					if !strings.Contains(profile, "# labels: "+want) {
						t.Errorf("the goroutine profile has no labels %s:\n%s", want, profile)
					}
				}
				n.Scope().Cancel(nil)
				return nil
			})
		})
		if profile := labelsOf(); !strings.Contains(profile, `# labels: {"request":"17"}`) {
			t.Errorf("after Run the goroutine profile has no labels as before:\n%s", profile)
		}
	})
	stop()
	nursery.Config{Name: "outer"}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		ready := make(chan struct{})
		n.GoNamed("job", func(ctx context.Context) error { close(ready); return wait(ctx) })
		<-ready
		if profile := labelsOf(); strings.Contains(profile, "labels:") {
			t.Errorf("while recording is off the goroutine profile has labels:\n%s", profile)
		}
		n.Scope().Cancel(nil)
		return nil
	})
}

// A task keeps its label in what it opens, also if the context of the task is given to that as it is.
func TestLabelsInsideTasks(t *testing.T) {
	defer tasktree.Config{Labels: true}.Record()()
	expect := func(where, want string) {
		if profile := labelsOf(); !strings.Contains(profile, "# labels: "+want+"\n") {
			t.Errorf("%s: the goroutine profile has no labels %s:\n%s", where, want, profile)
		}
	}
	nursery.Config{Name: "outer"}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		n.GoNamed("job", func(ctx context.Context) error {
			nursery.Config{Name: "inner"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				expect("in the body of a nursery", `{"nursery":"outer/inner", "task":"job"}`)
				return nil
			})
			expect("after the nursery", `{"nursery":"outer", "task":"job"}`)
			var s cancelscope.Scope
			return s.Run(ctx, func(ctx context.Context) error {
				pprof.Do(ctx, pprof.Labels("request", "17"), func(context.Context) {
					expect("in pprof.Do in a scope", `{"nursery":"outer", "request":"17", "task":"job"}`)
				})
				return nil
			})
		})
		return nil
	})
}

// A nursery without a name is called the same in the tree and in labels.
func TestNurseriesWithoutNames(t *testing.T) {
	defer tasktree.Config{Labels: true}.Record()()
	nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		return nursery.ForN(ctx, 1, 1, func(ctx context.Context, i int) error {
			if text := tasktree.Take(tasktree.Options{}).String(); !strings.Contains(text, "\nnursery, ") || !strings.Contains(text, "nursery ForN, ") {
				t.Errorf("the text is\n%s\nwant a nursery without a name, and ForN", text)
			}
			if profile := labelsOf(); !strings.Contains(profile, `"nursery":"nursery/ForN"`) {
				t.Errorf("the goroutine profile has no nursery/ForN:\n%s", profile)
			}
			return nil
		})
	})
}

// The items of a call have one label, the function that they are given to, also if they are
// from a channel or a sequence.
func TestLabelsOfItems(t *testing.T) {
	defer tasktree.Config{Labels: true}.Record()()
	look := func(context.Context, int) error {
		if profile := labelsOf(); !strings.Contains(profile, `"nursery":"ForEach", "task":"tasktree_test.TestLabelsOfItems.func1"`) {
			t.Errorf("the goroutine profile has no label with the function:\n%s", profile)
		}
		return nil
	}
	nursery.ForEach(t.Context(), 1, []int{1}, look)
	nursery.ForEach(t.Context(), 1, iter.Seq[int](func(yield func(int) bool) { yield(1) }), look)
}

// While an execution trace is taken it has nurseries and tasks, also if recording is off.
func TestTraces(t *testing.T) {
	for _, record := range []bool{false, true} {
		stop := func() {}
		if record {
			stop = tasktree.Record()
		}
		var out bytes.Buffer
		if err := trace.Start(&out); err != nil {
			t.Skipf("no trace can be taken: %v", err)
		}
		nursery.Config{Name: "traced nursery"}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("traced task", func(context.Context) error { return nil })
			nursery.Spawn(n, "traced handle", func(context.Context) (int, error) { return 0, nil })
			return nil
		})
		trace.Stop()
		for _, want := range []string{"traced nursery", "traced task", "traced handle"} {
			if !bytes.Contains(out.Bytes(), []byte(want)) {
				t.Errorf("recording %v: the trace does not have %q", record, want)
			}
		}
		stop()
		out.Reset()
		if tree := tasktree.Take(tasktree.Options{}); tree.Total != 0 {
			t.Errorf("a trace has left behind:\n%s", tree)
		}
	}
}

// What began while only a trace was taken is older than a recording.
func TestRecordingDuringTrace(t *testing.T) {
	if err := trace.Start(new(bytes.Buffer)); err != nil {
		t.Skipf("no trace can be taken: %v", err)
	}
	defer trace.Stop()
	nursery.Config{Name: "traced"}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		looked := make(chan struct{})
		n.GoNamed("task", func(ctx context.Context) error {
			defer close(looked)
			defer tasktree.Record()()
			s := cancelscope.Scope{Name: "new"}
			return s.Run(ctx, func(ctx context.Context) error {
				checkLines(t, tasktree.Take(tasktree.Options{}), `
nursery traced, older than the recording, 1 task
└─ task task, older than the recording
   └─ scope new, 0ms`)
				return nil
			})
		})
		<-looked
		return nil
	})
	defer tasktree.Record()()
	if tree := tasktree.Take(tasktree.Options{}); tree.Total != 0 {
		t.Errorf("when all has ended the tree is\n%s", tree)
	}
}

// What began while a trace was taken is inside what began before the trace.
func TestRecordingAfterTrace(t *testing.T) {
	nursery.Config{Name: "before"}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		if err := trace.Start(new(bytes.Buffer)); err != nil {
			t.Skipf("no trace can be taken: %v", err)
		}
		recording, opened, looked := make(chan struct{}), make(chan struct{}), make(chan struct{})
		open := func(ctx context.Context) error {
			<-recording
			var s cancelscope.Scope
			return s.Run(ctx, func(context.Context) error { opened <- struct{}{}; <-looked; return nil })
		}
		n.GoNamed("task", open)
		n.Task("handle", open)
		n.Background("background", open)
		n.GoNamed("opener", func(ctx context.Context) error {
			return nursery.Config{Name: "inner"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error { return open(ctx) })
		})
		trace.Stop()
		defer tasktree.Record()()
		close(recording)
		for range 4 {
			<-opened
		}
		tree := tasktree.Take(tasktree.Options{})
		if len(tree.Roots) != 1 || tree.Total != 10 || len(tree.Roots[0].Children) != 4 {
			t.Errorf("the tree is\n%s\nwant one nursery with four tasks, each with a scope, one of them in a nursery", tree)
		}
		close(looked)
		return nil
	})
}

// A task that has moved while a trace was taken is inside the nursery that it has moved to.
func TestRecordingAfterMoveInTrace(t *testing.T) {
	nursery.Config{Name: "before"}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		if err := trace.Start(new(bytes.Buffer)); err != nil {
			t.Skipf("no trace can be taken: %v", err)
		}
		recording, opened, looked := make(chan struct{}), make(chan struct{}), make(chan struct{})
		caller := cancelscope.Scope{Name: "caller"}
		return caller.Run(ctx, func(ctx context.Context) error {
			nursery.Start(ctx, n, "moved", func(ctx context.Context, started func(int)) error {
				started(1)
				<-recording
				return nursery.Config{Name: "inner"}.Run(ctx, func(context.Context, *nursery.Nursery) error {
					close(opened)
					<-looked
					return nil
				})
			})
			trace.Stop()
			defer tasktree.Record()()
			close(recording)
			<-opened
			tree := tasktree.Take(tasktree.Options{})
			if len(tree.Roots) != 1 || find(t, tree, "before") != tree.Roots[0] || tree.Roots[0].Children[0] != find(t, tree, "moved") {
				t.Errorf("the tree is\n%s\nwant the task in the nursery", tree)
			}
			close(looked)
			return nil
		})
	})
}

// A million tasks leave nothing behind.
func TestMemory(t *testing.T) {
	ceiling.SkipUnderRace(t)
	defer tasktree.Record()()
	count := 1_000_000
	if testing.Short() {
		count = 100_000
	}
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	run := func(count int) {
		nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			for i := range count {
				n.Go(func(context.Context) error { return nil })
				if i%1000 == 0 {
					runtime.Gosched()
				}
			}
			return nil
		})
	}
	run(10_000)
	before := heap()
	run(count)
	if tree := tasktree.Take(tasktree.Options{}); tree.Total != 0 {
		t.Errorf("%d nodes are left", tree.Total)
	}
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("after %d tasks the heap has grown by %d bytes", count, grown)
	}
}

// A task with a node costs at most 250 bytes more, without labels.
func TestBytesOfTasks(t *testing.T) {
	ceiling.SkipUnderRace(t)
	bytesOf := func(mode func() func()) float64 {
		defer mode()()
		const tasks = 10_000
		least := math.MaxFloat64 // goroutines that cannot be used again, by chance, count as well
		for range 20 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			children(t.Context(), tasks)
			runtime.ReadMemStats(&after)
			least = min(least, float64(after.TotalAlloc-before.TotalAlloc)/tasks)
		}
		return least
	}
	off, on := bytesOf(modes[0].record), bytesOf(modes[1].record)
	t.Logf("a task allocates %.0f bytes while recording is off, and %.0f while it is on", off, on)
	if on-off > 250 {
		t.Errorf("recording adds %.0f bytes to a task, want at most 250", on-off)
	}
}
