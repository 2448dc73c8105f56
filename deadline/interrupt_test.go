package deadline_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

func readFull(r io.Reader, n int) func() error {
	return func() error {
		_, err := io.ReadFull(r, make([]byte, n))
		return err
	}
}

func wantSame(t *testing.T, call string, got, want error) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", call, got, want)
	}
}

// begin calls f in a goroutine of its own.
func begin(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	return done
}

func TestInterrupt(t *testing.T) {
	bubbletest.Run(t, "blocked", func(t *testing.T) {
		near, _ := pipe(t)
		ctx, cancel := cancelable(t, "enough")
		done := begin(func() error { return deadline.Interrupt(ctx, near, readFull(near, 1)) })
		synctest.Wait() // op is blocked
		near.wantLog(t)
		reason := cancel()
		wantSame(t, "Interrupt", <-done, reason)
		near.wantLog(t, "both past", "both none")
		done = begin(readFull(near, 1))
		synctest.Wait() // near is as it was: the read is blocked
		near.Close()
		wantSame(t, "Read after that", <-done, io.ErrClosedPipe)
	})
	bubbletest.Run(t, "done before", func(t *testing.T) {
		unexpected := func() error { t.Error("op called under a context that is done"); return nil }
		near, _ := pipe(t)
		ctx, cancel := cancelable(t, "enough")
		reason := cancel()
		wantSame(t, "Interrupt", deadline.Interrupt(ctx, near, unexpected), reason)
		near.wantLog(t)
	})
}

// What counts is Err, also of a context without a Done channel.
func TestInterruptWithoutDone(t *testing.T) {
	timeout := &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}
	near := &fakeConn{}
	ctx := &ledgerContext{Context: context.Background()}
	wantSame(t, "Interrupt", deadline.Interrupt(ctx, near, func() error { return timeout }), timeout)
	err := deadline.Interrupt(ctx, near, func() error { ctx.expire(); return timeout })
	wantSame(t, "Interrupt whose time passes meanwhile", err, context.DeadlineExceeded)
	near.wantLog(t)
}

func TestInterruptMisuse(t *testing.T) {
	var none context.Context
	op := func() error { return nil }
	bubbletest.CheckPanics(t, "Interrupt(nil, c, op)", "deadline: Interrupt with a nil context: ", func() { deadline.Interrupt(none, &fakeConn{}, op) })
	bubbletest.CheckPanics(t, "Interrupt(ctx, nil, op)", "deadline: Interrupt with nothing to set a deadline of: ", func() { deadline.Interrupt(t.Context(), nil, op) })
	bubbletest.CheckPanics(t, "Interrupt(ctx, c, nil)", "deadline: Interrupt with a nil function: ", func() { deadline.Interrupt(t.Context(), &fakeConn{}, nil) })
}

// Interrupt returns the error of op, except after an interruption.
func TestInterruptErrors(t *testing.T) {
	timeout := &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}
	reason := error(&namedError{"enough"})
	real := errors.New("real")
	endless := &endlessError{}
	endless.inner = endless
	for _, test := range []struct {
		op   error
		want error // under a context that is done; nil: the same
	}{
		{timeout, reason},
		{os.ErrDeadlineExceeded, reason},
		{fmt.Errorf("header: %w", timeout), reason},
		{errors.Join(timeout, fmt.Errorf("body: %w", timeout)), reason},
		{fmt.Errorf("copy: %w", errors.Join(timeout)), reason},
		{gaps{nil, timeout, nil}, reason},
		{gaps{nil}, nil},
		{errors.Join(timeout, real), nil},
		{fmt.Errorf("%w: %w", real, timeout), nil},
		{fmt.Errorf("copy: %w", errors.Join(timeout, real)), nil},
		{fmt.Errorf("copy: %w", panicError{timeout}), nil},
		{real, nil},
		{io.EOF, nil},
		{timeoutError{}, nil}, // not of I/O, for all we know
		{context.DeadlineExceeded, nil},
		{&deadline.TooSlowError{}, nil},
		{panicError{timeout}, nil},
		{endless, nil},
		{errors.Join(timeout, endless), nil},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		near := &fakeConn{}
		op := func() error { return test.op }
		wantSameError(t, fmt.Sprintf("Interrupt of op that returns %v", test.op), deadline.Interrupt(ctx, near, op), test.op)
		near.wantLog(t)
		op = func() error { cancel(reason); return test.op }
		want := test.want
		if want == nil {
			want = test.op
		}
		wantSameError(t, fmt.Sprintf("Interrupt, canceled, of op that returns %v", test.op), deadline.Interrupt(ctx, near, op), want)
	}
}

// wantSameError is wantSame for errors that cannot be compared as well.
func wantSameError(t *testing.T, call string, got, want error) {
	t.Helper()
	if fmt.Sprintf("%T %p", got, got) != fmt.Sprintf("%T %p", want, want) || got.Error() != want.Error() {
		t.Errorf("%s: got %T %v, want %T %v", call, got, got, want, want)
	}
}

// gaps joins errors, and nils.
type gaps []error

func (g gaps) Error() string   { return fmt.Sprint([]error(g)) }
func (g gaps) Unwrap() []error { return g }

// An endlessError contains itself.
type endlessError struct{ inner error }

func (*endlessError) Error() string   { return "endless" }
func (e *endlessError) Unwrap() error { return e.inner }

type panicError struct{ value error }

func (e panicError) Error() string      { return "panic: " + e.value.Error() }
func (e panicError) Unwrap() error      { return e.value }
func (e panicError) Cancellation() bool { return false }

// A success is a success. Whatever the interruption does at that moment, it is over
// when Interrupt returns.
func TestInterruptSuccess(t *testing.T) {
	for _, bound := range []bool{false, true} {
		bubbletest.Run(t, fmt.Sprintf("bound=%t", bound), func(t *testing.T) {
			for range 200 {
				near, _ := pipe(t)
				var d interface{ SetDeadline(time.Time) error } = near
				if bound {
					d = deadline.Conn(t.Context(), near)
				}
				ctx, cancel := cancelable(t, "enough")
				err := deadline.Interrupt(ctx, d, func() error {
					cancel()
					return nil
				})
				wantSame(t, "Interrupt of an op that succeeds", err, nil)
				returned := near.took()
				synctest.Wait() // whatever cancel has started has ended
				near.wantLog(t) // and has set no deadline since
				if n := len(returned); n > 0 && returned[n-1] != "both none" && returned[n-1] != "read none" && returned[n-1] != "write none" {
					t.Fatalf("deadlines set before Interrupt returned: %q", returned)
				}
			}
		})
	}
}

// With a connection from Conn the deadline is restored, and the user may set it.
func TestInterruptConn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _ := pipe(t)
		c := deadline.Conn(t.Context(), near)
		began := time.Now()
		c.SetWriteDeadline(began.Add(time.Minute))
		near.took()
		ctx, cancel := cancelable(t, "enough")
		done := begin(func() error {
			return deadline.Interrupt(ctx, c, func() error {
				err := readFull(c, 1)()
				synctest.Wait() // writing is interrupted, too
				if got := near.took(); len(got) != 2 {
					t.Errorf("deadlines set for the interruption: %q, want one for each direction", got)
				}
				c.SetReadDeadline(began.Add(time.Hour))
				near.wantLog(t)
				_, err2 := c.Write([]byte("x"))
				return errors.Join(err, err2)
			})
		})
		synctest.Wait() // op reads
		reason := cancel()
		wantSame(t, "Interrupt", <-done, reason)
		near.wantLog(t, "write future", "read future")
		for i, want := range []time.Duration{time.Hour, time.Minute} {
			done := start(methods[i].call(c), make([]byte, 1))
			defer func() {
				got := <-done
				if !errors.Is(got.err, os.ErrDeadlineExceeded) || got.at.Sub(began) != want {
					t.Errorf("%s: got %v after %v, want a timeout after %v", methods[i].name, got.err, got.at.Sub(began), want)
				}
			}()
		}
	})
}

// A call that ends must not take away the deadline in the past from another one that
// has not come to notice it.
func TestInterruptOverlapping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _ := pipe(t)
		one, cancelOne := cancelable(t, "one")
		two, cancelTwo := cancelable(t, "two")
		endOne, readTwo := make(chan bool), make(chan bool)
		first := begin(func() error {
			return deadline.Interrupt(one, near, func() error { <-endOne; return nil })
		})
		second := begin(func() error {
			return deadline.Interrupt(two, near, func() error { <-readTwo; return readFull(near, 1)() })
		})
		synctest.Wait() // both run
		if got := deadline.Uses(); got != 1 {
			t.Errorf("two calls of Interrupt on one connection: %d uses, want 1", got)
		}
		cancelOne()
		reason := cancelTwo()
		synctest.Wait() // both have been interrupted
		endOne <- true
		wantSame(t, "first Interrupt", <-first, nil)
		readTwo <- true
		wantSame(t, "second Interrupt", <-second, reason)
		near.wantLog(t, "both past", "both none")
		if got := deadline.Uses(); got != 0 {
			t.Errorf("%d uses left", got)
		}
	})
}

// A timeout that is not of an interruption is returned unchanged.
func TestInterruptForeignTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _ := pipe(t)
		near.SetDeadline(time.Now().Add(time.Second))
		near.took()
		ctx, _ := cancelable(t, "enough")
		err := deadline.Interrupt(ctx, near, readFull(near, 1))
		if !errors.Is(err, os.ErrDeadlineExceeded) || context.Cause(ctx) != nil {
			t.Errorf("Interrupt: got %v, want the timeout", err)
		}
		near.wantLog(t) // and is still in force
	})
}

// incomparable cannot be the key of a map.
type incomparable struct {
	*fakeConn
	_ []int
}

// unlike is not equal to itself.
type unlike struct {
	*fakeConn
	weight float64
}

// nested is not equal to itself because of what is inside.
type nested struct {
	*fakeConn
	weights [2]any
}

// Values that a map cannot hold, or not find again, are used without a map, and leave
// nothing behind.
func TestValuesThatAreNoKeys(t *testing.T) {
	nan := math.NaN()
	for name, of := range map[string]func(*fakeConn) deadline.Deadliner{
		"slice":               func(c *fakeConn) deadline.Deadliner { return incomparable{fakeConn: c} },
		"NaN":                 func(c *fakeConn) deadline.Deadliner { return unlike{c, nan} },
		"NaN in an interface": func(c *fakeConn) deadline.Deadliner { return nested{c, [2]any{1, nan}} },
		"slice in an interface": func(c *fakeConn) deadline.Deadliner {
			return nested{c, [2]any{nan, []int(nil)}}
		},
	} {
		bubbletest.Run(t, "Interrupt, "+name, func(t *testing.T) {
			near, _ := pipe(t)
			ctx, cancel := cancelable(t, "enough")
			done := begin(func() error { return deadline.Interrupt(ctx, of(near), readFull(near, 1)) })
			synctest.Wait() // op is blocked
			reason := cancel()
			wantSame(t, "Interrupt", <-done, reason)
			near.wantLog(t, "both past", "both none")
			if got := deadline.Uses(); got != 0 {
				t.Errorf("%d uses left", got)
			}
		})
		bubbletest.Run(t, "Accept, "+name, func(t *testing.T) {
			l := listenBell(t)
			ctx, cancel := cancelable(t, "enough")
			done := startAccept(ctx, acceptor{of(l.fakeConn), l})
			synctest.Wait() // Accept is blocked
			reason := cancel()
			(<-done).want(t, "Accept", 0, reason)
			l.wantLog(t, "both past", "both none")
			for id := range byte(3) {
				go l.ring(id)
				(<-startAccept(t.Context(), acceptor{of(l.fakeConn), l})).want(t, "Accept after that", id, nil)
			}
			if got := deadline.Uses(); got != 0 {
				t.Errorf("%d uses left", got)
			}
		})
	}
}

// An acceptor is a listener that contains a value of any type.
type acceptor struct {
	deadline.Deadliner
	l net.Listener
}

func (a acceptor) Accept() (net.Conn, error) { return a.l.Accept() }
func (a acceptor) Close() error              { return a.l.Close() }
func (a acceptor) Addr() net.Addr            { return a.l.Addr() }

// However op ends, the deadline is gone.
func TestInterruptAbnormalEnd(t *testing.T) {
	for name, end := range map[string]func(){"panic": func() { panic("bad") }, "exit": runtime.Goexit} {
		bubbletest.Run(t, name, func(t *testing.T) {
			near, _ := pipe(t)
			ctx, cancel := cancelable(t, "enough")
			ended := make(chan any)
			go func() {
				defer func() { ended <- recover() }()
				deadline.Interrupt(ctx, near, func() error {
					readFull(near, 1)()
					end()
					return nil
				})
			}()
			synctest.Wait() // op is blocked
			cancel()
			if got := <-ended; name == "panic" && got != "bad" || name == "exit" && got != nil {
				t.Errorf("got panic %v", got)
			}
			near.wantLog(t, "both past", "both none")
			if got := deadline.Uses(); got != 0 {
				t.Errorf("%d uses left", got)
			}
		})
	}
}

// Files and pipes of the operating system have deadlines, too.
func TestInterruptFile(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for range 100 {
		ctx, cancel := cancelable(t, "enough")
		started := make(chan bool)
		done := begin(func() error {
			return deadline.Interrupt(ctx, r, func() error {
				close(started)
				return readFull(r, 1)()
			})
		})
		<-started
		reason := cancel()
		wantSame(t, "Interrupt", <-done, reason)
	}
	w.Write([]byte("x"))
	wantSame(t, "Interrupt", deadline.Interrupt(t.Context(), r, readFull(r, 1)), nil)
}
