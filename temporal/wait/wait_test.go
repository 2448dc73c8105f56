package wait_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/internal/wftest"
	"github.com/trellis-go/trellis/temporal/nursery"
	"github.com/trellis-go/trellis/temporal/wait"
)

var errReal = errors.New("real")

func inWorkflow(t *testing.T, fn func(ctx workflow.Context)) {
	t.Helper()
	err := wftest.Run(func(ctx workflow.Context) error {
		fn(ctx)
		return nil
	})
	if err != nil {
		t.Fatalf("the workflow failed: %v", err)
	}
}

// A waiting is a wait for something that comes when provide is called.
type waiting struct {
	name  string
	start func(ctx workflow.Context) (wait func(ctx workflow.Context) error, provide func(ctx workflow.Context))
	taken bool // what is there when the wait begins is returned also if ctx is canceled
}

var waits = []waiting{
	{"Get", func(ctx workflow.Context) (func(workflow.Context) error, func(workflow.Context)) {
		f, s := workflow.NewFuture(ctx)
		return func(ctx workflow.Context) error {
			var got string
			if err := wait.Get(ctx, f, &got); err != nil {
				return err
			}
			return want(got, "value")
		}, func(workflow.Context) { s.SetValue("value") }
	}, true},
	{"Receive", func(ctx workflow.Context) (func(workflow.Context) error, func(workflow.Context)) {
		c := workflow.NewBufferedChannel(ctx, 1)
		return func(ctx workflow.Context) error {
			var got string
			more, err := wait.Receive(ctx, c, &got)
			if err != nil {
				return err
			}
			return want(fmt.Sprint(got, more), "valuetrue")
		}, func(ctx workflow.Context) { c.Send(ctx, "value") }
	}, false},
	{"Send", func(ctx workflow.Context) (func(workflow.Context) error, func(workflow.Context)) {
		c := workflow.NewBufferedChannel(ctx, 1)
		c.Send(ctx, "full")
		return func(ctx workflow.Context) error { return wait.Send(ctx, c, "value") },
			func(ctx workflow.Context) { c.Receive(ctx, nil) }
	}, false},
	{"Select", func(ctx workflow.Context) (func(workflow.Context) error, func(workflow.Context)) {
		f, s := workflow.NewFuture(ctx)
		selector := wait.NewSelector(ctx)
		ran := 0
		selector.AddFuture(f, func(workflow.Future) { ran++ })
		return func(ctx workflow.Context) error {
			if err := selector.Select(ctx); err != nil {
				return err
			}
			return want(fmt.Sprint(ran), "1")
		}, func(workflow.Context) { s.SetValue(nil) }
	}, false},
	{"Until", func(ctx workflow.Context) (func(workflow.Context) error, func(workflow.Context)) {
		ready := false
		return func(ctx workflow.Context) error { return wait.Until(ctx, func() bool { return ready }) },
			func(workflow.Context) { ready = true }
	}, true},
}

func want(got, want string) error {
	if got != want {
		return fmt.Errorf("got %q, want %q", got, want)
	}
	return nil
}

// Each wait ends with what it waits for, or with the cancellation, whichever comes first.
func TestWaits(t *testing.T) {
	for _, w := range waits {
		for _, test := range []struct {
			name               string
			provided, canceled time.Duration // 0: before the wait; negative: never
			isCanceled         bool
			ends               time.Duration
		}{
			{"provided before", 0, -1, false, 0},
			{"provided", time.Second, -1, false, time.Second},
			{"provided first", time.Second, 2 * time.Second, false, time.Second},
			{"canceled first", 2 * time.Second, time.Second, true, time.Second},
			{"canceled before", time.Second, 0, true, 0},
			{"both before", 0, 0, !w.taken, 0},
		} {
			t.Run(w.name+"/"+test.name, func(t *testing.T) {
				inWorkflow(t, func(ctx workflow.Context) {
					wait, provide := w.start(ctx)
					var s cancelscope.Scope
					at(ctx, test.provided, provide)
					at(ctx, test.canceled, func(workflow.Context) { s.Cancel(errReal) })
					start := workflow.Now(ctx)
					err := s.Run(ctx, func(ctx workflow.Context) error {
						err := wait(ctx)
						if got := errors.Is(err, errReal); got != test.isCanceled || !got && err != nil {
							t.Errorf("ended with %v, want the cancellation: %t", err, test.isCanceled)
						}
						if test.isCanceled && err != s.Cause() {
							t.Errorf("ended with %v, want the cause of the scope", err)
						}
						return nil
					})
					if d := workflow.Now(ctx).Sub(start); err != nil || d != test.ends {
						t.Errorf("ended after %v, want %v", d, test.ends)
					}
				})
			})
		}
	}
}

// at calls f after d, or now.
func at(ctx workflow.Context, d time.Duration, f func(workflow.Context)) {
	switch {
	case d == 0:
		f(ctx)
	case d > 0:
		workflow.Go(ctx, func(ctx workflow.Context) {
			_ = workflow.Sleep(ctx, d)
			f(ctx)
		})
	}
}

// A canceled Receive takes nothing, and a canceled Send sends nothing.
func TestCanceledWaitsLoseNothing(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		c := workflow.NewChannel(ctx)
		var s cancelscope.Scope
		s.SetTimeout(time.Second)
		_ = s.Run(ctx, func(ctx workflow.Context) error {
			_, err := wait.Receive(ctx, c, nil)
			return err
		})
		if c.SendAsync("value") {
			t.Error("a Receive that was canceled still takes a value")
		}
		var again cancelscope.Scope
		again.SetTimeout(time.Second)
		_ = again.Run(ctx, func(ctx workflow.Context) error { return wait.Send(ctx, c, "value") })
		var got string
		if c.ReceiveAsync(&got) {
			t.Errorf("a Send that was canceled still sends %q", got)
		}
	})
}

func TestReceiveFromAClosedChannel(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		c := workflow.NewChannel(ctx)
		c.Close()
		if more, err := wait.Receive(ctx, c, nil); more || err != nil {
			t.Errorf("Receive from a closed channel = %t, %v, want false, nil", more, err)
		}
	})
}

// A channel that is closed while Receive waits has no value for it, and no item for a nursery.
func TestReceiveFromAChannelThatIsClosedMeanwhile(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		c := workflow.NewChannel(ctx)
		at(ctx, time.Second, func(workflow.Context) { c.Close() })
		got := 7
		if more, err := wait.Receive(ctx, c, &got); more || err != nil || got != 7 {
			t.Errorf("Receive from a channel that is closed meanwhile = %t, %v with %d, want false, nil and no value", more, err, got)
		}
		items := workflow.NewChannel(ctx)
		at(ctx, time.Second, func(ctx workflow.Context) {
			items.Send(ctx, 1)
			_ = workflow.Sleep(ctx, time.Second)
			items.Close()
		})
		var all []int
		err := nursery.ForEach(ctx, 1, wait.From[int](items), func(_ workflow.Context, i int) error {
			all = append(all, i)
			return nil
		})
		if err != nil || !slices.Equal(all, []int{1}) {
			t.Errorf("ForEach over a channel that is closed meanwhile = %v with the items %v, want nil and [1]", err, all)
		}
	})
}

// A signal with a wrong argument is dropped, and the wait still ends with its context.
func TestReceiveDropsWhatItCannotStore(t *testing.T) {
	for _, test := range []struct {
		name     string
		second   any // the argument of the second signal
		want     string
		canceled bool
	}{
		{"then a value", "value", "value", false},
		{"then the cancellation", 2, "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			env := wftest.New()
			env.RegisterDelayedCallback(func() { env.SignalWorkflow("signal", 1) }, time.Second)
			env.RegisterDelayedCallback(func() { env.SignalWorkflow("signal", test.second) }, 2*time.Second)
			err := env.Run(func(ctx workflow.Context) error {
				var s cancelscope.Scope
				s.SetTimeout(time.Minute)
				return s.Run(ctx, func(ctx workflow.Context) error {
					var got string
					more, err := wait.Receive(ctx, workflow.GetSignalChannel(ctx, "signal"), &got)
					if got != test.want || more == test.canceled || cancelscope.IsCancellation(ctx, err) != test.canceled {
						t.Errorf("Receive after a signal with a number = %t, %v with %q, want %q, canceled: %t", more, err, got, test.want, test.canceled)
					}
					return err
				})
			})
			if err != nil {
				t.Errorf("the workflow failed: %v", err)
			}
		})
	}
}

// A selector may be used again and again, in several scopes, by blocks that are canceled.
func TestSelectAgain(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		c := workflow.NewBufferedChannel(ctx, 10)
		selector := wait.NewSelector(ctx)
		got := 0
		selector.AddReceive(c, func(c workflow.ReceiveChannel, _ bool) {
			c.Receive(ctx, nil)
			got++
		})
		for range 3 {
			var s cancelscope.Scope
			s.SetTimeout(time.Second)
			_ = s.Run(ctx, func(ctx workflow.Context) error {
				c.Send(ctx, 1)
				c.Send(ctx, 2)
				for {
					if err := selector.Select(ctx); err != nil {
						return err
					}
				}
			})
			if !s.CanceledCaught() {
				t.Error("Select has not returned the cancellation")
			}
		}
		if got != 6 {
			t.Errorf("%d values were received, want 6", got)
		}
		selector.AddDefault(func() { got++ })
		if err := selector.Select(ctx); err != nil || got != 7 {
			t.Errorf("Select with a default = %v, want that it runs", err)
		}
	})
}

// The closing of a channel is one case, before Select and while it waits, and brings no value.
func TestSelectOfAChannelThatIsClosed(t *testing.T) {
	for _, after := range []time.Duration{0, time.Second} {
		t.Run(after.String(), func(t *testing.T) {
			inWorkflow(t, func(ctx workflow.Context) {
				c := workflow.NewChannel(ctx)
				at(ctx, after, func(workflow.Context) { c.Close() })
				closings := 0
				selector := wait.NewSelector(ctx)
				selector.AddReceive(c, func(c workflow.ReceiveChannel, more bool) {
					if got := c.Receive(ctx, nil); more || got {
						t.Errorf("the case of a channel that is closed has %t, and Receive = %t, want false, false", more, got)
					}
					closings++
				})
				for range 2 {
					var s cancelscope.Scope
					s.SetTimeout(time.Minute)
					if err := s.Run(ctx, selector.Select); err != nil {
						t.Errorf("Select = %v, want nil", err)
					}
				}
				if closings != 1 {
					t.Errorf("the closing was a case %d times, want 1", closings)
				}
			})
		})
	}
}

func TestGetError(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		f, s := workflow.NewFuture(ctx)
		s.SetError(errReal)
		if err := wait.Get(ctx, f, nil); err != errReal {
			t.Errorf("Get of a future that failed = %v, want its error", err)
		}
	})
}

func TestFrom(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		c := workflow.NewBufferedChannel(ctx, 2)
		c.Send(ctx, 1)
		c.Close()
		receive := wait.From[int](c)
		if v, err := receive(ctx); v != 1 || err != nil {
			t.Errorf("receive = %d, %v, want 1, nil", v, err)
		}
		if _, err := receive(ctx); err != io.EOF {
			t.Errorf("receive from a closed channel = %v, want io.EOF", err)
		}
	})
}

func TestMisuse(t *testing.T) {
	inWorkflow(t, func(ctx workflow.Context) {
		f, _ := workflow.NewFuture(ctx)
		for want, call := range map[string]func(){
			"wait: Get with a nil context: pass the one of the workflow or task":         func() { _ = wait.Get(nil, f, nil) },
			"wait: Get of nothing: it would wait for ever":                               func() { _ = wait.Get(ctx, nil, nil) },
			"wait: Receive of nothing: it would wait for ever":                           func() { _, _ = wait.Receive(ctx, nil, nil) },
			"wait: Send of nothing: it would wait for ever":                              func() { _ = wait.Send(ctx, nil, nil) },
			"wait: Select with a nil context: pass the one of the workflow or task":      func() { _ = wait.NewSelector(ctx).Select(nil) },
			"wait: NewSelector with a nil context: pass the one of the workflow or task": func() { wait.NewSelector(nil) },
			"wait: Until of nothing: it would wait for ever":                             func() { _ = wait.Until(ctx, nil) },
			"wait: From with a nil channel: there is nothing to receive from":            func() { wait.From[int](nil) },
		} {
			func() {
				defer func() {
					if got := recover(); got != want {
						t.Errorf("panic with %v, want %q", got, want)
					}
				}()
				call()
			}()
		}
	})
}
