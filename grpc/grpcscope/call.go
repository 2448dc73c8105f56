package grpcscope

import (
	"context"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/tree"
	"github.com/trellis-go/trellis/nursery"
)

// holdBack is how long the cancellation of a handler waits for the client's report. It is
// a variable for the same reason as reportLimit.
var holdBack = 50 * time.Millisecond

// A call is one call at the server, from the beginning to the end of its interceptor.
type call struct {
	// Read-only, except that only the goroutine of the handler uses the functions that stop
	// something.
	stream  context.Context // of gRPC
	ctx     context.Context // what the nursery of the call is made with; done when the call is to end
	base    context.Context // of serving; nil without it
	serving *serving        // nil without Serve

	nursery *nursery.Nursery // written before the handler runs, read-only after
	own     atomic.Bool      // the context of the handler may end before stream does

	cancel   context.CancelCauseFunc // of ctx; nil if ctx is that of gRPC
	stopBase func() bool             // of the AfterFunc on base; may be nil

	// For a call that has been announced.
	id         string
	reason     chan *ClientCanceled // has room for one
	stopTimer  context.CancelFunc   // may be nil
	stopStream func() bool          // of the AfterFunc on stream
	ended      chan struct{}        // closed when the call ends after stream
	heard      chan struct{}        // closed when that function has ended
}

// begin makes the call of a stream.
func (s *Server) begin(stream context.Context, method string) *call {
	s.mustBeRegistered()
	c := &call{stream: stream, ctx: stream, serving: s.joined()}
	if c.serving != nil {
		c.base = c.serving.base
	}
	id, announced := s.announced(stream, method)
	if id != "" {
		c.detach(id, announced)
	} else if c.base != nil {
		c.ctx, c.cancel = context.WithCancelCause(stream)
	}
	if c.base != nil {
		c.ctx = withValues{c.ctx, c.base}
	}
	// Other goroutines use c from here on.
	if id != "" {
		s.enter(c)
		c.stopStream = context.AfterFunc(stream, c.hear)
	}
	if base := c.base; base != nil {
		c.stopBase = context.AfterFunc(base, func() { c.cancel(context.Cause(base)) })
	}
	return c
}

// detach gives the call a context that ends as the stream does, but with a reason.
func (c *call) detach(id string, announced url.Values) {
	c.id = id
	c.ctx, c.cancel = context.WithCancelCause(context.WithoutCancel(c.stream))
	if d, ok := c.stream.Deadline(); ok {
		why := parseReason(announced, cancelscope.ByDeadline, context.DeadlineExceeded)
		c.ctx, c.stopTimer = context.WithDeadlineCause(c.ctx, d, why)
	}
	c.reason = make(chan *ClientCanceled, 1)
	c.ended, c.heard = make(chan struct{}), make(chan struct{})
}

// hear runs when the stream is done, and cancels ctx. If the deadline has passed, ctx ends
// by itself.
func (c *call) hear() {
	defer close(c.heard)
	limit := time.NewTimer(holdBack)
	defer limit.Stop()
	select {
	case why := <-c.reason:
		c.cancel(why)
	case <-limit.C:
		c.cancel(noReason)
	case <-c.ctx.Done():
	case <-c.ended:
	}
}

// end lets go of everything. ctx is done afterwards, unless it is that of gRPC.
func (s *Server) end(c *call) {
	if c.stopBase != nil {
		c.stopBase()
	}
	if c.id != "" {
		s.leave(c)
		if !c.stopStream() {
			close(c.ended)
			<-c.heard
		}
	}
	if c.stopTimer != nil {
		c.stopTimer()
	}
	if c.cancel != nil {
		c.cancel(nil)
	}
	if c.serving != nil {
		c.serving.end()
	}
}

// remote reports whether the call is over for gRPC: the client has canceled it, its
// deadline has passed, or the connection is lost.
func (c *call) remote() bool {
	if c.stream.Err() != nil {
		return true
	}
	d, ok := c.stream.Deadline()
	return ok && !time.Now().Before(d)
}

// withValues is a context with the values of another one as well.
type withValues struct {
	context.Context
	more context.Context
}

// Value leaves out the scopes around more, which the context is not inside of.
func (c withValues) Value(key any) any {
	v := c.Context.Value(key)
	if _, ok := key.(tree.Key); ok || v != nil {
		return v
	}
	return c.more.Value(key)
}

// announced returns what the client has announced; id is empty if that is nothing, or not
// to be looked at. A report has the metadata of the client's context, and so perhaps the id of a
// call that the client itself is handling.
func (s *Server) announced(stream context.Context, method string) (id string, _ url.Values) {
	if !s.Reasons || method == reportMethod {
		return "", nil
	}
	md := metadata.ValueFromIncomingContext(stream, callKey)
	if len(md) == 0 || len(md[len(md)-1]) > maxReport {
		return "", nil
	}
	// A gateway that passes on the metadata of its own client has announced the last one.
	v, err := url.ParseQuery(md[len(md)-1])
	if id = v.Get(idField); err != nil || !isID(id) {
		return "", nil
	}
	return id, v
}

// enter makes the call known to reports. An attempt that gRPC repeats has the id of the
// one before, which then gets none.
func (s *Server) enter(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls == nil {
		s.calls = make(map[string]*call)
	}
	s.calls[c.id] = c
	if i := slices.IndexFunc(s.early, func(e early) bool { return e.id == c.id }); i >= 0 {
		c.reason <- s.early[i].why
		s.early = slices.Delete(s.early, i, i+1)
	}
}

func (s *Server) leave(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls[c.id] == c {
		delete(s.calls, c.id)
	}
}

// reports takes the reports of clients.
type reports struct{ *Server }

func (s reports) report(text string) (known bool) {
	if len(text) > maxReport {
		return false
	}
	v, err := url.ParseQuery(text)
	if err != nil {
		return false
	}
	id, why := v.Get(idField), parseReason(v, parseKind(v.Get(kindField)), context.Canceled)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.calls[id]
	if c == nil {
		s.keepLocked(early{id, why})
		return false
	}
	select {
	case c.reason <- why:
	default: // only the first report counts
	}
	return true
}

// An early report is one for a call that the server does not have, or not yet: on a busy
// machine a call may be canceled, and reported, before its handler begins.
type early struct {
	id  string
	why *ClientCanceled
}

const maxEarly = 64

// keepLocked keeps an early report, and drops the oldest one if there are too many.
func (s *Server) keepLocked(e early) {
	if !isID(e.id) || slices.ContainsFunc(s.early, func(other early) bool { return other.id == e.id }) {
		return
	}
	if s.early = append(s.early, e); len(s.early) > maxEarly {
		s.early = slices.Delete(s.early, 0, 1)
	}
}

// isID reports whether a call may have that id.
func isID(id string) bool { return len(id) >= 20 && len(id) <= 64 }
