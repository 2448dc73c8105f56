package grpcscope_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/grpc/grpcscope"
	"github.com/trellis-go/trellis/grpc/internal/textservice"
	"github.com/trellis-go/trellis/nursery"
)

// A limit around a call counts as expired.
func TestLimitAroundACall(t *testing.T) {
	s := setup{}
	s.Unary = blocking(nil)
	p := s.start(t)
	ctx := t.Context()

	expired, err := deadline.MoveOnAfter(ctx, 20*time.Millisecond, p.call(""))
	if !expired || err != nil {
		t.Errorf("MoveOnAfter around a call = %t, %v, want true, nil", expired, err)
	}
	var slow *deadline.TooSlowError
	if err := deadline.FailAfter(ctx, 20*time.Millisecond, p.call("")); !errors.As(err, &slow) {
		t.Errorf("FailAfter around a call = %v, want a TooSlowError", err)
	}
}

// A call that is canceled because its sibling has failed is no second failure.
func TestCanceledSibling(t *testing.T) {
	s := setup{}
	entered := make(chan struct{}, 1)
	block := blocking(nil)
	s.Unary = func(ctx context.Context, text string) (string, error) {
		entered <- struct{}{}
		return block(ctx, text)
	}
	p := s.start(t)
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		n.GoNamed("call", p.call(""))
		n.GoNamed("other", func(context.Context) error {
			<-entered
			return errBoom
		})
		return nil
	})
	if err == nil || err.Error() != "other: boom" {
		t.Errorf("Run = %v, want the failure of the other task alone", err)
	}
}

// What the caller sees of a call whose context was canceled outside of all scopes.
func TestCanceledParent(t *testing.T) {
	s := setup{}
	entered := make(chan struct{}, 1)
	s.Unary = func(ctx context.Context, text string) (string, error) {
		entered <- struct{}{}
		<-ctx.Done()
		return "", ctx.Err()
	}
	p := s.start(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-entered
		cancel()
	}()
	err := p.call("")(ctx)
	st, ok := status.FromError(err)
	if !ok || st.Code() != codes.Canceled || st.Message() != "context canceled" {
		t.Errorf("FromError(%v) = %v, %t, want the status of the call", err, st, ok)
	}
	if want := "rpc error: code = Canceled desc = context canceled"; err.Error() != want {
		t.Errorf("the call returned %q, want the text %q", err, want)
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the call returned %v, want a context.Canceled", err)
	}
}

// A limit inside another interceptor expires if the interceptor is before those of this
// package. After them, the interceptor gets a bare status, which is a failure. For the scope
// around the call it is a failure in both cases.
func TestMoveOnAfterInAnotherInterceptor(t *testing.T) {
	inside := make(chan string, 1)
	limit := grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		expired, err := deadline.MoveOnAfter(ctx, 20*time.Millisecond, func(ctx context.Context) error {
			return invoker(ctx, method, req, reply, cc, opts...)
		})
		inside <- fmt.Sprintf("%t, code %v", expired, status.Code(err))
		if expired {
			return status.Error(codes.DeadlineExceeded, "the limit of the interceptor")
		}
		return err
	})
	s := setup{}
	s.Unary = blocking(nil)
	p := s.start(t)
	own := grpcscope.Client{}.DialOptions()
	for _, test := range []struct {
		name, want string
		opts       []grpc.DialOption
	}{
		{"before", "true, code OK", slices.Concat([]grpc.DialOption{insecureOption, limit}, own)},
		{"after", "false, code DeadlineExceeded", slices.Concat([]grpc.DialOption{insecureOption}, own, []grpc.DialOption{limit})},
	} {
		cc := dial(t, p.addr, test.opts...)
		expired, err := deadline.MoveOnAfter(t.Context(), soon, func(ctx context.Context) error {
			_, err := textservice.Call(ctx, cc, "")
			return err
		})
		if got := <-inside; got != test.want {
			t.Errorf("%s: inside the interceptor MoveOnAfter = %s, want %s", test.name, got, test.want)
		}
		if expired || status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("%s: around the call MoveOnAfter = %t, %v, want false and the code DeadlineExceeded", test.name, expired, err)
		}
	}
}

// The error of a limit around a call has no status, but a code. Code is the code that a server
// answers with.
func TestCode(t *testing.T) {
	s := setup{}
	s.Unary = blocking(nil)
	slow := deadline.FailAfter(t.Context(), 20*time.Millisecond, s.start(t).call(""))
	if _, ok := status.FromError(slow); ok || status.Code(slow) != codes.Unknown {
		t.Errorf("FailAfter around a call returned %v with a status, of the code %v; the package says that it has none", slow, status.Code(slow))
	}
	panicked := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) (err error) {
		defer func() { err = recover().(*nursery.PanicError) }()
		return nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.GoNamed("t", func(context.Context) error { panic("in a task") })
			return nil
		})
	})
	gone := status.Error(codes.NotFound, "gone")
	deep := gone
	for range 40 {
		deep = fmt.Errorf("in: %w", deep)
	}
	for _, test := range []struct {
		err  error
		want codes.Code
	}{
		{nil, codes.OK},
		{errBoom, codes.Unknown},
		{slow, codes.DeadlineExceeded},
		{fmt.Errorf("page: %w", slow), codes.DeadlineExceeded},
		{errors.Join(slow, gone), codes.DeadlineExceeded},
		{errors.Join(gone, slow), codes.NotFound},
		{errors.Join(errBoom, gone), codes.NotFound},
		{errors.Join(errBoom, context.Canceled), codes.Canceled},
		{errors.Join(errBoom, slow), codes.Unknown},
		{deep, codes.NotFound},
		{nursery.Run(t.Context(), func(context.Context, *nursery.Nursery) error { return errors.Join(errBoom, gone, slow) }), codes.Unknown},
		{context.Canceled, codes.Canceled},
		{context.DeadlineExceeded, codes.DeadlineExceeded},
		{panicked, codes.Internal},
		{nursery.Run(t.Context(), func(context.Context, *nursery.Nursery) error { return slow }), codes.DeadlineExceeded},
	} {
		if got := grpcscope.Code(test.err); got != test.want {
			t.Errorf("Code(%v) = %v, want %v", test.err, got, test.want)
		}
		answer := setup{}
		answer.Unary = func(context.Context, string) (string, error) { return "", test.err }
		if _, isPanic := errors.AsType[*nursery.PanicError](test.err); isPanic {
			continue // a server does not answer a panic
		}
		if got := status.Code(answer.start(t).call("")(t.Context())); got != test.want {
			t.Errorf("a handler that returns %v is answered with %v, want %v", test.err, got, test.want)
		}
	}
}
