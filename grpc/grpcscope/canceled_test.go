package grpcscope_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/trellis-go/trellis/deadline"
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
