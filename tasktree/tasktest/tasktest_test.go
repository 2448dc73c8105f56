package tasktest_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/proctest"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree/tasktest"
)

// A fake is a test whose failures are looked at.
type fake struct {
	testing.TB // a real test, for what is not below
	name       string
	ctx        context.Context
	cancel     context.CancelFunc
	deadline   time.Time

	mu       sync.Mutex
	cleanups []func() // guarded by mu
	failures []string // guarded by mu
	log      string   // guarded by mu
}

func newFake(t testing.TB, name string) *fake {
	f := &fake{TB: t, name: name}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	return f
}

func (f *fake) Name() string             { return f.name }
func (f *fake) Helper()                  {}
func (f *fake) Context() context.Context { return f.ctx }

func (f *fake) Deadline() (time.Time, bool) { return f.deadline, !f.deadline.IsZero() }

func (f *fake) Cleanup(fn func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cleanups = append(f.cleanups, fn)
}

func (f *fake) Errorf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failures = append(f.failures, fmt.Sprintf(format, args...))
}

func (f *fake) Logf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log += fmt.Sprintf(format, args...)
}

func (f *fake) Fatalf(format string, args ...any) {
	f.Errorf(format, args...)
	runtime.Goexit()
}

// run runs the test and its cleanup, as package testing does, and returns its failures.
func (f *fake) run(test func(t testing.TB)) []string {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer f.end()
		test(f)
	}()
	<-done
	return f.failures
}

func (f *fake) end() {
	f.cancel()
	for _, fn := range slices.Backward(f.cleanups) {
		fn()
	}
}

// wantFailure checks that there is one failure with all of these texts.
func wantFailure(t *testing.T, failures []string, want ...string) {
	t.Helper()
	if len(failures) != 1 {
		t.Fatalf("the test has %d failures %q, want one", len(failures), failures)
	}
	for _, w := range want {
		if !strings.Contains(failures[0], w) {
			t.Errorf("the failure is\n%s\nwant %q in it", failures[0], w)
		}
	}
}

// leak starts a goroutine that runs a nursery under ctx with a task that ignores it.
func leak(ctx context.Context, name string, release <-chan struct{}, done *sync.WaitGroup) {
	begun := make(chan struct{})
	done.Go(func() {
		nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed(name, func(context.Context) error {
				close(begun)
				<-release
				return nil
			})
			return nil
		})
	})
	<-begun
}

// A test that leaves something running fails with its name; what ends in time, and what
// belongs to another test that runs at the same time, does not count.
func TestContextLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var done sync.WaitGroup
		other := newFake(t, "TestOther")
		leak(tasktest.Context(other), "of another test", release, &done)

		begin := time.Now()
		failures := newFake(t, "TestLeaky").run(func(t testing.TB) {
			ctx := tasktest.Config{Grace: 3 * time.Second}.Context(t)
			leak(ctx, "left behind", release, &done)
			slow := make(chan struct{}) // ends two seconds after the test
			leak(ctx, "slow to end", slow, &done)
			time.AfterFunc(2*time.Second, func() { close(slow) })
		})
		wantFailure(t, failures, "still runs 3s after the end of the test", `task "left behind"`, "TestLeaky", "tasktest_test.go:", "chan receive")
		for _, bad := range []string{"of another test", "slow to end"} {
			if strings.Contains(failures[0], bad) {
				t.Errorf("the failure names %q:\n%s", bad, failures[0])
			}
		}
		if took := time.Since(begin); took != 3*time.Second {
			t.Errorf("the test took %v to end, want 3s", took)
		}

		begin = time.Now()
		time.AfterFunc(time.Second, func() { close(release) })
		other.end()
		if len(other.failures) != 0 || time.Since(begin) > 2*time.Second {
			t.Errorf("the other test failed after %v: %q", time.Since(begin), other.failures)
		}
		done.Wait()
	})
}

// A test that leaves nothing, or only what a cancellation ends, passes at once.
func TestContextClean(t *testing.T) {
	for _, c := range []struct {
		name string
		test func(ctx context.Context, done *sync.WaitGroup)
	}{
		{"nothing", func(context.Context, *sync.WaitGroup) {}},
		{"a nursery that has ended", func(ctx context.Context, _ *sync.WaitGroup) {
			nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(context.Context) error { return nil })
				return nil
			})
		}},
		{"a nursery that the cancellation ends", func(ctx context.Context, done *sync.WaitGroup) {
			leak(ctx, "obedient", ctx.Done(), done)
		}},
		{"a flat scope", func(ctx context.Context, _ *sync.WaitGroup) {
			var s cancelscope.Scope
			var err error
			_, end := s.Enter(ctx)
			end(&err)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var done sync.WaitGroup
				begin := time.Now()
				failures := newFake(t, "TestClean").run(func(t testing.TB) {
					c.test(tasktest.Context(t), &done)
				})
				done.Wait()
				if len(failures) > 0 || time.Since(begin) > 100*time.Millisecond {
					t.Errorf("after %v: failures %q, want none, at once", time.Since(begin), failures)
				}
			})
		})
	}
}

// A context has the name of its test, and ends with it.
func TestContextScope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ctx context.Context
		newFake(t, "TestNamed").run(func(t testing.TB) {
			ctx = tasktest.Context(t)
			if ctx.Err() != nil {
				t.Errorf("the context is done while the test runs")
			}
			t.Cleanup(func() {
				if ctx.Err() == nil {
					t.Errorf("the context is not done in a cleanup function")
				}
			})
		})
		if ctx.Err() == nil {
			t.Errorf("the context is not done after the test")
		}
	})
}

// Parallel tests use the package at the same time.
func TestContextParallel(t *testing.T) {
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			ctx := tasktest.Context(t)
			var done sync.WaitGroup
			t.Cleanup(done.Wait)
			leak(ctx, "obedient", ctx.Done(), &done)
		})
	}
}

// In a bubble, with a real test, the limit of go test is not asked for, which would panic, and
// the grace is fake time.
func TestContextBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := tasktest.Config{Grace: time.Hour}.Context(t)
		var done sync.WaitGroup
		t.Cleanup(done.Wait)
		slow := make(chan struct{})
		leak(ctx, "slow to end", slow, &done)
		time.AfterFunc(30*time.Minute, func() { close(slow) })
	})
}

// When the limit of go test is near, the tree of the test is printed; a test that ends before
// prints nothing.
func TestBeforeTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(proctest.Text)
		release := make(chan struct{})
		var done sync.WaitGroup
		f := newFake(t, "TestHangs")
		f.deadline = time.Now().Add(time.Minute)
		f.run(func(t testing.TB) {
			ctx := tasktest.Config{Output: out}.Context(t)
			leak(ctx, "stuck", release, &done)
			time.Sleep(54 * time.Second)
			if out.String() != "" {
				t.Errorf("printed more than five seconds before the limit:\n%s", out)
			}
			time.Sleep(2 * time.Second)
			close(release)
		})
		done.Wait()
		if len(f.failures) > 0 {
			t.Errorf("failures: %q", f.failures)
		}
		for _, want := range []string{"TestHangs exceeds the time limit of go test in 5s", `Still running: task "stuck"`, "chan receive", "tasktest_test.go:"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%q is not printed:\n%s", want, out)
			}
		}

		if n := strings.Count(out.String(), "TestHangs exceeds"); n != 1 {
			t.Errorf("the tree is printed %d times, want once", n)
		}
		out = new(proctest.Text)
		for _, c := range []struct{ limit, before, test time.Duration }{
			{time.Minute, 0, 10 * time.Second}, {time.Hour, 0, time.Minute}, {time.Minute, 30 * time.Second, 29 * time.Second},
			{time.Second, 0, 850 * time.Millisecond},
		} {
			f := newFake(t, "TestInTime")
			f.deadline = time.Now().Add(c.limit)
			f.run(func(t testing.TB) {
				tasktest.Config{Output: out, Before: c.before}.Context(t)
				time.Sleep(c.test)
			})
			time.Sleep(2 * time.Hour)
			if out.String() != "" || len(f.failures) > 0 {
				t.Errorf("a test of %v with a limit of %v: printed %q, failures %q", c.test, c.limit, out, f.failures)
			}
		}
	})
}

// Run returns what the function returns, and fails nothing, if it ends in time.
func TestRunInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want := errors.New("disk full")
		var got error
		failures := newFake(t, "TestRun").run(func(t testing.TB) {
			got = tasktest.Run(t, time.Minute, func(ctx context.Context) error {
				time.Sleep(59 * time.Second)
				return want
			})
		})
		if got != want || len(failures) > 0 {
			t.Errorf("Run = %v, failures %q, want the error of the function and none", got, failures)
		}
	})
}

// A function that takes too long is reported, canceled, and awaited.
func TestRunTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var err error
		continued := false
		begin := time.Now()
		failures := newFake(t, "TestRun").run(func(t testing.TB) {
			err = tasktest.Run(t, 10*time.Second, func(ctx context.Context) error {
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					n.GoNamed("waiting for nothing", func(ctx context.Context) error {
						<-ctx.Done()
						time.Sleep(2 * time.Second)
						return errors.New("cut short")
					})
					return nil
				})
			})
			continued = true
		})
		wantFailure(t, failures, "still runs after 10s", `task "waiting for nothing"`, "tasktest_test.go:", "nursery")
		if took := time.Since(begin); took != 12*time.Second || !continued || err == nil || err.Error() != "waiting for nothing: cut short" {
			t.Errorf("after %v: continued %t, Run = %v; want 12s, true, cut short", took, continued, err)
		}
	})
}

// A function that does not end either when it is canceled is left, and the test ends.
func TestRunDeaf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		continued := false
		begin := time.Now()
		f := newFake(t, "TestRun")
		failures := f.run(func(t testing.TB) {
			tasktest.Config{Grace: 3 * time.Second}.Run(t, 10*time.Second, func(ctx context.Context) error {
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					n.GoNamed("deaf", func(ctx context.Context) error { <-release; return nil })
					return nil
				})
			})
			continued = true
		})
		if took := time.Since(begin); len(failures) != 2 || took != 13*time.Second || continued {
			t.Fatalf("after %v: failures %q, continued %t; want two after 13s, and false", took, failures, continued)
		}
		wantFailure(t, failures[1:], "still runs 3s after its cancellation", `task "deaf"`, "canceled")
		close(release)
		synctest.Wait() // the function has ended
	})
}

func trouble(context.Context) error { panic("trouble") }

// Panics and runtime.Goexit of the function are those of the test.
func TestRunAbnormal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var recovered any
		panics := newFake(t, "TestPanic")
		panics.run(func(t testing.TB) {
			defer func() { recovered = recover() }()
			tasktest.Run(t, time.Second, trouble)
		})
		if recovered != "trouble" {
			t.Errorf("recovered %v, want the value of the panic", recovered)
		}
		if !strings.Contains(panics.log, "panicked: trouble\n") || !strings.Contains(panics.log, "tasktest_test.trouble(") {
			t.Errorf("the log is %q, want the panic with the function that panicked", panics.log)
		}
		continued := false
		failures := newFake(t, "TestFatal").run(func(t testing.TB) {
			tasktest.Run(t, time.Second, func(context.Context) error { t.Fatalf("fatal"); return nil })
			continued = true
		})
		if continued || len(failures) != 1 {
			t.Errorf("continued after t.Fatalf in the function: %t, failures %q", continued, failures)
		}
	})
}

func TestRunMisuse(t *testing.T) {
	for _, limit := range []time.Duration{0, -time.Second} {
		func() {
			defer func() {
				if v := fmt.Sprint(recover()); v != fmt.Sprintf("tasktest: Run needs a positive limit, not %v", limit) {
					t.Errorf("Run with a limit of %v panics with %q", limit, v)
				}
			}()
			tasktest.Run(newFake(t, "TestMisuse"), limit, func(context.Context) error { return nil })
		}()
	}
}

// Many different names are counted, and long ones are cut.
func TestNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var done sync.WaitGroup
		failures := newFake(t, "TestMany").run(func(t testing.TB) {
			ctx := tasktest.Context(t)
			for i := range 30 {
				leak(ctx, strings.Repeat(string(rune('a'+i%26)), 1000*i+1)+"\x1b[31m", release, &done)
			}
		})
		wantFailure(t, failures, "and 20 more")
		first, _, _ := strings.Cut(failures[0], "\n")
		if len(first) > 5000 || strings.Contains(first, "\x1b") {
			t.Errorf("the first line has %d bytes, want few, and no control characters", len(first))
		}
		close(release)
		done.Wait()
	})
}
