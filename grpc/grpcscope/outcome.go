package grpcscope

import (
	"context"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/trellis-go/trellis/cancelscope"
)

// ownKey is the key of the trailer by which a server says that a status with the code Canceled or
// DeadlineExceeded is of its own doing, and no consequence of the end of the client's
// context. The value is the code, because the trailer of a failed attempt is seen as well
// when the client waits before the next one.
const ownKey = "trellis-own"

// outcome returns what the caller gets for the error of a call, and whether that is a
// cancellation of the caller's context.
func (o *outgoing) outcome(err error, trailer metadata.MD) (_ error, canceled bool) {
	st, ok := status.FromError(err)
	switch {
	case !ok:
		return err, false
	case o.byContext(st, trailer):
		return &statusError{cancelscope.AsCancellation(o.ctx, err), st}, true
	}
	return decode(st, err), false
}

// byContext reports whether a call ended with that status because the caller's context is done.
//
// gRPC makes the same kind of error of both: of a status that came from the server, and of
// the end of the context. What separates them is the mark of our own servers. Without it
// there are the trailer, which only a server sends, and the text. The trailer proves
// nothing where the method is retried: it is that of the attempt before.
func (o *outgoing) byContext(st *status.Status, trailer metadata.MD) bool {
	code := st.Code()
	if code != codes.Canceled && code != codes.DeadlineExceeded {
		return false
	}
	if own := trailer.Get(ownKey); len(own) > 0 && own[0] == strconv.Itoa(int(code)) {
		return false
	}
	if !o.done(code) {
		return false
	}
	sent := len(trailer) > 0 && !o.retried() && !o.between(code)
	text := strings.ToLower(st.Message())
	if code == codes.DeadlineExceeded {
		// A server may report the client's deadline before the client's own timer fires.
		return o.late() && (!sent || strings.Contains(text, "deadline exceeded"))
	}
	// A context that an interceptor has derived from the caller's may have been canceled when the
	// deadline of the caller's passed. Without a trailer no server is involved.
	return (o.ctx.Err() == context.Canceled || len(trailer) == 0) && !sent &&
		(strings.Contains(text, context.Canceled.Error()) || strings.Contains(text, "latest balancer error"))
}

// late reports whether the deadline of the caller's context, which is done, has passed. The Err
// of a scope whose deadline was set while it ran is context.Canceled even so.
func (o *outgoing) late() bool {
	d, ok := o.ctx.Deadline()
	return o.ctx.Err() == context.DeadlineExceeded || ok && !time.Now().Before(d)
}

// retried reports whether gRPC may repeat the call.
func (o *outgoing) retried() bool {
	return o.cc != nil && o.cc.GetMethodConfig(o.method).RetryPolicy != nil
}

// between reports whether a status with that code is not that of the last attempt, but of an
// interceptor after those of this package, which waits before the next attempt. The trailer is then
// that of the last attempt.
func (o *outgoing) between(code codes.Code) bool {
	ended := o.ended.Load()
	return ended != 0 && ended != int64(code)+1
}

// timerLate is how long a timer of the standard library is waited for that should have
// fired.
const timerLate = time.Second

// done reports whether the caller's context is done. A deadline counts as soon as it has
// passed: a server that keeps to the same deadline may answer before the timer here fires.
func (o *outgoing) done(code codes.Code) bool {
	if o.ctx.Err() != nil {
		return true
	}
	d, ok := o.ctx.Deadline()
	if code != codes.DeadlineExceeded || !ok || time.Now().Before(d) {
		return false
	}
	limit := time.NewTimer(timerLate)
	defer limit.Stop()
	select {
	case <-o.ctx.Done():
		return true
	case <-limit.C:
		return false
	}
}

// A statusError is an error with the status that gRPC takes for it.
type statusError struct {
	error
	st *status.Status
}

func (e *statusError) Unwrap() error { return e.error }

// GRPCStatus is what status.FromError looks for.
func (e *statusError) GRPCStatus() *status.Status { return e.st }
