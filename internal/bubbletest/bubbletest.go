package bubbletest

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
)

// Run runs f as a subtest in a bubble: its time stands still while anything in it runs,
// and jumps when everything waits.
func Run(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

// Linger lets time pass in a bubble, whatever is canceled meanwhile.
func Linger(d time.Duration) { <-time.After(d) }

// IsClosed reports whether done is closed. It does not wait.
func IsClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// Abandon calls f in two goroutines, one after the other, and waits for their ends: with a
// function that panics, and with one that calls runtime.Goexit. f must call it.
func Abandon(f func(leave func())) {
	for _, leave := range []func(){func() { panic("abandoned") }, runtime.Goexit} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer func() { recover() }()
			f(leave)
		}()
		<-done
	}
}

// CheckElapsed checks, in a bubble, how much time call took since start.
func CheckElapsed(t *testing.T, call string, start time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(start); got != want {
		t.Errorf("%s took %v, want %v", call, got, want)
	}
}

// CheckPanics checks that call panics with a text that begins with want. Where want ends
// with a colon and a blank, the text must continue: with what to do instead.
func CheckPanics(t *testing.T, call, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		got := recover()
		text, ok := got.(string)
		rest, found := strings.CutPrefix(text, want)
		if !ok || !found || rest == "" && strings.HasSuffix(want, ": ") {
			t.Errorf("%s: panic with %T %v, want a string that begins with %q", call, got, got, want)
		}
	}()
	f()
}

// CheckError checks that err, which call gave, is want itself. The value nil is an error
// like any other here.
func CheckError(t *testing.T, call string, err, want error) {
	t.Helper()
	if err != want {
		t.Errorf("%s = %T %v, want %v itself", call, err, err, want)
	}
}

// CheckScope checks whether the cancellation of a scope was asked for, and whether the
// scope absorbed it.
func CheckScope(t *testing.T, name string, s *cancelscope.Scope, called, caught bool) {
	t.Helper()
	if got := s.CancelCalled(); got != called {
		t.Errorf("%s.CancelCalled() = %t, want %t", name, got, called)
	}
	if got := s.CanceledCaught(); got != caught {
		t.Errorf("%s.CanceledCaught() = %t, want %t", name, got, caught)
	}
}

// CheckCanceled checks that err, which call gave, is a *Canceled of that kind, not
// wrapped in anything, and returns it.
func CheckCanceled(t *testing.T, call string, err error, kind cancelscope.Kind) *cancelscope.Canceled {
	t.Helper()
	c, ok := err.(*cancelscope.Canceled)
	if !ok {
		t.Errorf("%s = %T %v, want a *Canceled of kind %v", call, err, err, kind)
		return new(cancelscope.Canceled)
	}
	if c.Kind() != kind {
		t.Errorf("%s = *Canceled of kind %v (%v), want kind %v", call, c.Kind(), c, kind)
	}
	return c
}

// CheckTooSlow checks that err, which call gave, is a *TooSlowError with the fields of
// want, not wrapped in anything.
func CheckTooSlow(t *testing.T, call string, err error, want cancelscope.TooSlowError) {
	t.Helper()
	got, ok := err.(*cancelscope.TooSlowError)
	if !ok {
		t.Errorf("%s = %T %v, want a bare *TooSlowError", call, err, err)
		return
	}
	if got.Name != want.Name || got.Limit != want.Limit || !got.Deadline.Equal(want.Deadline) || got.Reason != want.Reason || got.Cut != want.Cut {
		t.Errorf("%s = %+v, want %+v", call, *got, want)
	}
}
