package nursery_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

func TestNurseryThatNobodyCanceled(t *testing.T) {
	// The outer context may say what it likes.
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	var s cancelscope.Scope
	s.Cancel(nil)
	s.Run(t.Context(), func(inside context.Context) error {
		for name, ctx := range map[string]context.Context{"context": canceled, "scope": inside} {
			began := 0
			err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				task := nursery.Spawn(n, "", func(context.Context) (int, error) { began++; return 0, nil })
				<-task.Done()
				n.Go(func(context.Context) error { began++; return nil })
				return nil
			})
			if err != nil || began != 2 {
				t.Errorf("Run under a canceled %s, all returning nil = %v, %d of 2 tasks ran, want nil, 2", name, err, began)
			}
		}
		return nil
	})
}

func TestNurseryThatIsCanceledThroughItsScope(t *testing.T) {
	bubbletest.Run(t, "returns nil", func(t *testing.T) {
		start := time.Now()
		var caught bool
		var kept *nursery.Nursery
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			kept = n
			time.AfterFunc(time.Second, func() { n.Scope().Cancel(errBoom) })
			n.Go(sleeping(forever))
			return deadline.Sleep(ctx, forever)
		})
		caught = kept.Scope().CanceledCaught()
		bubbletest.CheckElapsed(t, "Run", start, time.Second)
		if err != nil || !caught {
			t.Errorf("Run = %v, CanceledCaught of its scope %v, want nil, true", err, caught)
		}
	})
	bubbletest.Run(t, "or the real errors", func(t *testing.T) {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("cleaner", stubborn(errBoom))
			n.GoNamed("mixed", func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(time.Second)
				return errors.Join(ctx.Err(), errBang)
			})
			n.Scope().Cancel(nil)
			return nil
		})
		checkShape(t, "Run", err, "[cleaner=boom mixed=join(bang)]")
	})
}

func TestTryGo(t *testing.T) {
	bubbletest.Run(t, "as long as the nursery is open", func(t *testing.T) {
		var kept *nursery.Nursery
		ran := 0
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			kept = n
			for _, try := range []func() error{
				func() error { return n.TryGo("", func(context.Context) error { ran++; return nil }) },
				func() error { return n.TryGo("task", func(context.Context) error { ran++; return nil }) },
			} {
				if err := try(); err != nil {
					t.Errorf("TryGo in an open nursery = %v, want nil", err)
				}
				synctest.Wait() // the task has ended
			}
			n.Scope().Cancel(nil)
			if err := n.TryGo("", func(context.Context) error { ran++; return nil }); err != nil {
				t.Errorf("TryGo in a canceled nursery = %v, want nil", err)
			}
			return nil
		})
		if err != nil || ran != 3 {
			t.Errorf("Run = %v, %d tasks ran, want nil, 3", err, ran)
		}
		never := func(context.Context) error { t.Error("a task runs in a closed nursery"); return nil }
		if err := kept.TryGo("", never); err != nursery.ErrClosed {
			t.Errorf("TryGo in a closed nursery = %v, want %v", err, nursery.ErrClosed)
		}
		if err := kept.TryGo("task", never); err != nursery.ErrClosed {
			t.Errorf("TryGo in a closed nursery = %v, want %v", err, nursery.ErrClosed)
		}
		if got := kept.Running(); got != 0 {
			t.Errorf("Running in a closed nursery = %d, want 0", got)
		}
		synctest.Wait() // a task, had it been started, would have run by now
	})

	// Whatever the end of the nursery is, TryGo either runs the task before Run
	// returns, or says that it is too late.
	t.Run("while the nursery closes", func(t *testing.T) {
		for range 200 {
			var accepted, ran atomic.Int64
			var callers sync.WaitGroup
			err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
				for range 4 {
					callers.Go(func() {
						// A nursery that is never empty does not close.
						for range 20 {
							if n.TryGo("", func(context.Context) error { ran.Add(1); return nil }) == nil {
								accepted.Add(1)
							}
						}
					})
				}
				n.Go(func(context.Context) error { return nil })
				return nil
			})
			atReturn := ran.Load()
			callers.Wait()
			if err != nil || atReturn != ran.Load() || accepted.Load() != ran.Load() {
				t.Fatalf("Run = %v, %d tasks were accepted, %d had run when Run returned, %d in the end, want nil and the same number",
					err, accepted.Load(), atReturn, ran.Load())
			}
		}
	})
}

func TestLateGo(t *testing.T) {
	bubbletest.Run(t, "by a task of another nursery", func(t *testing.T) {
		start := time.Now()
		opened, entered := make(chan *nursery.Nursery), make(chan struct{})
		var inner time.Duration
		runBody(t, func(_ context.Context, outer *nursery.Nursery) {
			outer.Go(func(ctx context.Context) error {
				err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
					n.Go(sleeping(time.Second))
					opened <- n
					<-entered
					return nil
				})
				inner = time.Since(start)
				return err
			})
			outer.Go(func(ctx context.Context) error {
				n := <-opened
				close(entered)
				synctest.Wait() // the body has returned, one task is left
				n.Go(sleeping(2 * time.Second))
				return nil
			})
		})
		if inner != 2*time.Second {
			t.Errorf("Run returned after %v, want 2s, with the late task", inner)
		}
	})

	// A body that ends badly closes nothing for the tasks that still run.
	for name, end := range map[string]func(context.Context) error{
		"error":  with(errBoom),
		"panic":  panicking,
		"Goexit": exiting,
	} {
		bubbletest.Run(t, "after the body has ended by "+name, func(t *testing.T) {
			late := false
			o := outcomeOf(func() error {
				return nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
					n.Go(func(ctx context.Context) error {
						<-ctx.Done()
						time.Sleep(time.Second)
						n.Go(func(ctx context.Context) error {
							late = ctx.Err() != nil
							return ctx.Err()
						})
						return nil
					})
					return end(ctx)
				})
			})
			if !late || o == (outcome{}) {
				t.Errorf("Run: %v, a task started late ran and was canceled: %v, want no success, true", o, late)
			}
		})
	}
}

// A payload is large enough to be an object of its own to the garbage collector.
type payload [1 << 12]byte

func TestEndedTaskLeavesNothingBehind(t *testing.T) {
	for name, start := range map[string]func(ctx context.Context, n *nursery.Nursery, p *payload){
		"Go": func(_ context.Context, n *nursery.Nursery, p *payload) {
			n.Go(func(context.Context) error { p[0]++; return nil })
		},
		"Spawn": func(_ context.Context, n *nursery.Nursery, p *payload) {
			nursery.Spawn(n, "", func(context.Context) (*payload, error) { return p, nil })
		},
		"Task.Cancel": func(_ context.Context, n *nursery.Nursery, p *payload) {
			nursery.Spawn(n, "", func(ctx context.Context) (*payload, error) {
				<-ctx.Done()
				return p, context.Cause(ctx)
			}).Cancel(nil)
		},
		"Start": func(ctx context.Context, n *nursery.Nursery, p *payload) {
			var s cancelscope.Scope
			s.Run(ctx, func(ctx context.Context) error {
				_, err := nursery.Start(ctx, n, "", func(_ context.Context, started func(*payload)) error { started(p); return nil })
				return err
			})
		},
		"Start of a task that fails": func(ctx context.Context, n *nursery.Nursery, p *payload) {
			nursery.Start(ctx, n, "", func(context.Context, func(*payload)) error { p[0]++; return errBoom })
		},
		"a nursery in a task": func(_ context.Context, n *nursery.Nursery, p *payload) {
			n.Go(func(ctx context.Context) error {
				nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
					n.Go(func(context.Context) error { p[0]++; return errBoom })
					return nil
				})
				return nil
			})
		},
	} {
		bubbletest.Run(t, name, func(t *testing.T) {
			runBody(t, func(ctx context.Context, n *nursery.Nursery) {
				p := func() weak.Pointer[payload] {
					p := new(payload)
					start(ctx, n, p)
					return weak.Make(p)
				}()
				checkLetGo(t, n, p)
			})
		})
	}

	bubbletest.Run(t, "Start under a context that lives on", func(t *testing.T) {
		runBody(t, func(_ context.Context, n *nursery.Nursery) {
			p := func() weak.Pointer[payload] {
				p := new(payload)
				ctx := context.WithValue(t.Context(), key{}, p) // by which the task's scope holds p
				nursery.Start(ctx, n, "", func(ctx context.Context, started func(int)) error {
					ctx.Done() // so that its cancellation is listened for
					started(1)
					return nil
				})
				return weak.Make(p)
			}()
			checkLetGo(t, n, p)
		})
	})
}

// checkLetGo checks, in a bubble, that all tasks of n end and that nothing holds
// p then.
func checkLetGo(t *testing.T, n *nursery.Nursery, p weak.Pointer[payload]) {
	t.Helper()
	synctest.Wait() // the task has ended
	for range 5 {
		runtime.GC()
	}
	if p.Value() != nil || n.Running() != 0 {
		t.Errorf("after the end of the task Running = %d, what it held is still held: %v, want 0, false", n.Running(), p.Value() != nil)
	}
}

func TestWhatHappensSynchronizes(t *testing.T) {
	// Under the race detector this fails if a promise of the package comment is broken.
	before, in, result := 1, 0, 0
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(context.Context) error {
			defer func() { in = before + 1 }()
			return nil
		})
		task := nursery.Spawn(n, "", func(context.Context) (int, error) {
			defer func() { result = before + 2 }()
			return 0, nil
		})
		if _, err := task.Wait(ctx); err != nil || result != 3 {
			t.Errorf("Wait = %v, written by the task %d, want nil, 3", err, result)
		}
		value, err := nursery.Start(ctx, n, "", func(_ context.Context, started func(*int)) error {
			value := 4
			started(&value)
			return nil
		})
		if err != nil || *value != 4 {
			t.Errorf("Start = %v, written by the task %d, want nil, 4", err, *value)
		}
		return nil
	})
	if err != nil || in != 2 {
		t.Errorf("Run = %v, written by the task %d, want nil, 2", err, in)
	}
}
