package bubbletest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errBoom = errors.New("boom")

// checks are the checks, with something that is right, and with things that are wrong in
// one point each.
func checks() map[string]struct {
	right func(t *testing.T)
	wrong []func(t *testing.T)
} {
	type check = func(t *testing.T)
	canceled := func() *cancelscope.Scope {
		var s cancelscope.Scope
		s.Cancel(nil)
		return &s
	}
	at := time.Now()
	slow := func(name string, limit time.Duration, at time.Time, reason error, cut string) error {
		return &cancelscope.TooSlowError{Name: name, Limit: limit, Deadline: at, Reason: reason, Cut: cut}
	}
	want := cancelscope.TooSlowError{Name: "n", Limit: 1, Deadline: at, Reason: errBoom, Cut: "c"}
	tooSlow := func(err error) check { return func(t *testing.T) { bubbletest.CheckTooSlow(t, "call", err, want) } }
	elapsed := func(d time.Duration) check {
		return func(t *testing.T) {
			start := time.Now()
			bubbletest.Linger(d)
			bubbletest.CheckElapsed(t, "call", start, time.Second)
		}
	}
	panics := func(want string, f func()) check {
		return func(t *testing.T) { bubbletest.CheckPanics(t, "call", want, f) }
	}
	scope := func(called, caught bool) check {
		return func(t *testing.T) { bubbletest.CheckScope(t, "s", canceled(), called, caught) }
	}
	kind := func(err error, kind cancelscope.Kind) check {
		return func(t *testing.T) { bubbletest.CheckCanceled(t, "call", err, kind) }
	}
	return map[string]struct {
		right func(t *testing.T)
		wrong []func(t *testing.T)
	}{
		"elapsed": {elapsed(time.Second), []check{elapsed(time.Second - 1), elapsed(time.Second + 1)}},
		"panics": {panics("p: no: ", func() { panic("p: no: do this") }), []check{
			panics("p: no: ", func() {}), panics("p: no: ", func() { panic("p: no: ") }),
			panics("p: no: ", func() { panic("p: yes: do this") }), panics("p", func() { panic(errors.New("p")) }),
		}},
		"error": {func(t *testing.T) { bubbletest.CheckError(t, "call", nil, nil) }, []check{
			func(t *testing.T) { bubbletest.CheckError(t, "call", errBoom, nil) },
			func(t *testing.T) { bubbletest.CheckError(t, "call", errors.Join(errBoom), errBoom) },
		}},
		"scope":    {scope(true, false), []check{scope(false, false), scope(true, true)}},
		"canceled": {kind(canceled().Cause(), cancelscope.ByCall), []check{kind(canceled().Cause(), cancelscope.ByTask), kind(context.Canceled, cancelscope.ByCall), kind(nil, cancelscope.ByCall)}},
		"too slow": {tooSlow(slow("n", 1, at, errBoom, "c")), []check{
			tooSlow(nil), tooSlow(errors.Join(slow("n", 1, at, errBoom, "c"))), tooSlow(slow("m", 1, at, errBoom, "c")), tooSlow(slow("n", 2, at, errBoom, "c")),
			tooSlow(slow("n", 1, at.Add(1), errBoom, "c")), tooSlow(slow("n", 1, at, nil, "c")), tooSlow(slow("n", 1, at, errBoom, "")),
		}},
	}
}

func TestChecksPass(t *testing.T) {
	for name, check := range checks() {
		bubbletest.Run(t, name, check.right)
	}
}

// failVariable has the process run checks that must fail.
const failVariable = "TRELLIS_TEST_FAILING_CHECKS"

func TestChecksFail(t *testing.T) {
	all := checks()
	if os.Getenv(failVariable) != "" {
		for name, check := range all {
			for _, wrong := range check.wrong {
				bubbletest.Run(t, name, wrong)
			}
		}
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestChecksFail$", "-test.v")
	cmd.Env = append(os.Environ(), failVariable+"=1")
	out, err := cmd.CombinedOutput()
	if _, ok := err.(*exec.ExitError); !ok {
		t.Errorf("a process with checks that fail = %v, want an exit code", err)
	}
	for name, check := range all {
		name = strings.ReplaceAll(name, " ", "_")
		if got, want := strings.Count(string(out), "--- FAIL: TestChecksFail/"+name), len(check.wrong); got != want {
			t.Errorf("%d of the checks called %s have failed, want all %d:\n%s", got, name, want, out)
		}
	}
}

func TestIsClosed(t *testing.T) {
	c := make(chan struct{})
	if bubbletest.IsClosed(c) || bubbletest.IsClosed(nil) {
		t.Error("IsClosed of an open channel, or of none = true, want false")
	}
	close(c)
	if !bubbletest.IsClosed(c) {
		t.Error("IsClosed of a closed channel = false, want true")
	}
}

// Abandon calls its function once for each way to leave one, and waits.
func TestAbandon(t *testing.T) {
	calls, ended := 0, 0
	bubbletest.Abandon(func(leave func()) {
		defer func() { ended++ }()
		calls++
		leave()
		t.Error("the function continues after leave")
	})
	if calls != 2 || ended != 2 {
		t.Errorf("Abandon has made %d calls, of which %d have ended, want 2, 2", calls, ended)
	}
}
