package grpcscope

import (
	"context"
	"reflect"
	"sync/atomic"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/trellis-go/trellis/cancelscope"
)

// A lane makes the calls of one direction of a stream, one at a time, each in a goroutine of
// its own: gRPC ends a call of RecvMsg or SendMsg only with the whole stream, and a caller
// that is canceled must not wait for that. What an abandoned call brings is kept for the
// next one. An abandoned call ends with the stream at the latest.
type lane struct {
	turn chan struct{} // has one element while a call is made; has room for one

	// Guarded by the turn.
	message any  // of a call that has not been answered; nil if there is none
	failed  bool // a call was answered with an error, which is final

	answer chan error // of that call; has room for one

	interrupted atomic.Bool // the last call of receiveMsg that ended was canceled
}

func newLane() *lane {
	return &lane{turn: make(chan struct{}, 1), answer: make(chan error, 1)}
}

// lanes are those of one stream.
type lanes struct{ receive, send *lane }

func newLanes() *lanes { return &lanes{newLane(), newLane()} }

// enter waits for the turn, and reports whether it has it.
func (l *lane) enter(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case l.turn <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (l *lane) leave() { <-l.turn }

// over reports whether the last call has ended for gRPC as it has for the caller. A call that was
// interrupted counts once it has failed.
func (l *lane) over() bool {
	select {
	case l.turn <- struct{}{}:
	default:
		return false
	}
	defer l.leave()
	if l.failed || !l.interrupted.Load() {
		return true
	}
	select {
	case err := <-l.answer:
		l.answer <- err // for the next caller
		return err != nil
	default:
		return false
	}
}

// receiveMsg receives a message into m, by op.
func (l *lane) receiveMsg(ctx context.Context, m any, op func(m any) error) error {
	if !l.enter(ctx) {
		l.interrupted.Store(true)
		return ended(ctx)
	}
	defer l.leave()
	if l.message == nil {
		l.begin(m, op)
	}
	got := l.message
	err, ok := l.wait(ctx)
	l.interrupted.Store(!ok)
	switch {
	case !ok:
		return ended(ctx)
	case err == nil && got != m:
		return move(m, got)
	}
	return err
}

// sendMsg sends m, by op.
func (l *lane) sendMsg(ctx context.Context, m any, op func(m any) error) error {
	if !l.enter(ctx) {
		return ended(ctx)
	}
	defer l.leave()
	if err := l.settle(ctx); err != nil {
		return err
	}
	l.begin(m, op)
	err, ok := l.wait(ctx)
	if !ok {
		return ended(ctx)
	}
	return err
}

// settle waits for a call that was abandoned.
func (l *lane) settle(ctx context.Context) error {
	if l.message == nil {
		return nil
	}
	err, ok := l.wait(ctx)
	if !ok {
		return ended(ctx)
	}
	return err
}

func (l *lane) begin(m any, op func(m any) error) {
	l.message = m
	go func() { l.answer <- op(m) }()
}

// wait waits for the answer to the call that is under way. ok is false if ctx is done first.
func (l *lane) wait(ctx context.Context) (err error, ok bool) {
	select {
	case err = <-l.answer:
		l.message, l.failed = nil, err != nil
		return err, true
	case <-ctx.Done():
		return nil, false
	}
}

// ended returns the cancellation of ctx, which is done, with a status.
func ended(ctx context.Context) error {
	cause := context.Cause(ctx)
	code := codes.Canceled
	if ctx.Err() == context.DeadlineExceeded {
		code = codes.DeadlineExceeded
	}
	return &statusError{cancelscope.AsCancellation(ctx, cause), status.New(code, cut(textOf(cause), maxText))}
}

// move moves a message that was received for a caller that did not wait for it.
func move(to, from any) error {
	if to, ok := to.(proto.Message); ok {
		if from, ok := from.(proto.Message); ok && to.ProtoReflect().Type() == from.ProtoReflect().Type() {
			proto.Reset(to)
			proto.Merge(to, from)
			return nil
		}
	}
	t, f := reflect.ValueOf(to), reflect.ValueOf(from)
	if t.Type() != f.Type() || t.Kind() != reflect.Pointer {
		return status.Errorf(codes.Internal, "grpcscope: a message was received as %T, and is now wanted as %T", from, to)
	}
	t.Elem().Set(f.Elem())
	return nil
}
