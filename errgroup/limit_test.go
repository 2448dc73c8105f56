package errgroup_test

import (
	"testing"
	"testing/synctest"
)

func TestGoWaitsForAPlace(t *testing.T) {
	both(t, func(t *testing.T, impl implementation) {
		g := impl.zero()
		g.SetLimit(2)
		release := make(chan struct{})
		work := func() error { <-release; return nil }
		g.Go(work)
		g.Go(work)
		started := make(chan struct{})
		go func() { g.Go(work); close(started) }()
		synctest.Wait() // two tasks run, the third call of Go has nothing left to do but wait
		select {
		case <-started:
			t.Error("Go started a third task under a limit of 2")
		default:
		}
		if g.TryGo(work) {
			t.Error("TryGo started a third task under a limit of 2")
		}
		release <- struct{}{}
		synctest.Wait() // one task has ended, and another has taken its place
		select {
		case <-started:
		default:
			t.Error("Go still waits after a task has ended")
		}
		close(release)
		g.Wait()
		if !g.TryGo(succeed) {
			t.Error("TryGo after Wait: got false, want true")
		}
		g.Wait()
	})
}

func TestLimitOfZero(t *testing.T) {
	both(t, func(t *testing.T, impl implementation) {
		g := impl.zero()
		g.SetLimit(0)
		if g.TryGo(succeed) {
			t.Error("TryGo under a limit of 0: got true, want false")
		}
		if err := g.Wait(); err != nil {
			t.Errorf("Wait: got %v, want nil", err)
		}
		g.SetLimit(-1)
		if !g.TryGo(succeed) {
			t.Error("TryGo after SetLimit(-1): got false, want true")
		}
		g.Wait()
	})
}

// A panic's value is an error, as it is in the package that this one replaces.
func TestSetLimitPanics(t *testing.T) {
	const want = "errgroup: modify limit while 2 goroutines in the group are still active"
	both(t, func(t *testing.T, impl implementation) {
		g := impl.zero()
		g.SetLimit(3)
		release := make(chan struct{})
		work := func() error { <-release; return nil }
		g.Go(work)
		g.Go(work)
		func() {
			defer func() {
				if err, ok := recover().(error); !ok || err.Error() != want {
					t.Errorf("SetLimit while two tasks run: got panic %v, want the error %q", err, want)
				}
			}()
			g.SetLimit(5)
		}()
		close(release)
		g.Wait()
		g.SetLimit(5) // does not panic: the tasks have ended
	})
}

// Removing the limit is allowed while tasks run.
func TestLimitRemovedWhileTasksRun(t *testing.T) {
	both(t, func(t *testing.T, impl implementation) {
		g := impl.zero()
		g.SetLimit(1)
		release := make(chan struct{})
		g.Go(func() error { <-release; return nil })
		g.SetLimit(-1)
		if !g.TryGo(succeed) {
			t.Error("TryGo after SetLimit(-1): got false, want true")
		}
		close(release)
		if err := g.Wait(); err != nil {
			t.Errorf("Wait: got %v, want nil", err)
		}
	})
}

// A task under a limit has given its place back when Wait returns.
func TestPlacesAreFreeAfterWait(t *testing.T) {
	both(t, func(t *testing.T, impl implementation) {
		g := impl.zero()
		for limit := range 50 {
			g.SetLimit(limit + 1)
			for range 2 * (limit + 1) {
				g.Go(succeed)
			}
			g.Wait()
		}
	})
}
