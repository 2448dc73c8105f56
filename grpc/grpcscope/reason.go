package grpcscope

import (
	"context"
	"crypto/rand"
	"net/url"
	"strings"
	"time"
	"unicode"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/tree"
)

// How a reason travels. HTTP/2 cancels a call by RST_STREAM, which has room for a number
// and nothing else, and a client cannot send trailers. So the call announces an id in its
// metadata, with the name and reason of the scope that its deadline belongs to, which
// are known by then. When the call is canceled, the client makes another call on the same
// connection, which reports the reason under that id. The server holds the cancellation of
// the handler back until the report is there, for a short time at most. The report cancels
// nothing: what it says is shown only if the call does end.
const (
	callKey       = "trellis-call"
	reportService = "trellis.v1.Reasons"
	reportMethod  = "/" + reportService + "/Report"

	// A report is sent again if it has reached a server that does not have the call, because
	// the client balances its load between several.
	reportTries = 8

	maxName   = 128 // bytes of the name of a scope
	maxReason = 512 // bytes of the text of a reason
	maxReport = 4096
)

// reportLimit is how long a client tries to report. It is a variable for the tests, which
// run on machines that are busy.
var reportLimit = 20 * time.Millisecond

// Keys of what is announced and reported.
const (
	idField     = "id"
	scopeField  = "scope"
	kindField   = "kind"
	reasonField = "reason"
)

// announce returns the context to make the call with.
func (o *outgoing) announce() context.Context {
	if o.ctx.Done() == nil || o.cc == nil {
		return o.ctx // nothing will be reported
	}
	o.id = rand.Text()
	v := url.Values{idField: {o.id}}
	o.limit, _ = o.ctx.Deadline()
	if l, ok := tree.Of(o.ctx).(tree.Limiter); ok {
		name, t, reason := l.Limiter()
		if !o.limit.IsZero() && o.limit.Equal(t) && !o.configured() {
			describe(v, name, reason)
		}
	}
	return metadata.AppendToOutgoingContext(o.ctx, callKey, v.Encode())
}

// configured reports whether gRPC has an earlier deadline for the call, from the service config, as
// far as that is known.
func (o *outgoing) configured() bool {
	config := o.cc.GetMethodConfig(o.method)
	return config.Timeout != nil && time.Now().Add(*config.Timeout).Before(o.limit)
}

// describe adds a scope and a reason, either of which may be empty.
func describe(v url.Values, scope string, reason error) {
	if scope != "" {
		v.Set(scopeField, clean(scope, maxName))
	}
	if reason != nil {
		v.Set(reasonField, clean(textOf(reason), maxReason))
	}
}

// report reports to the server why the context is done. It blocks for at most reportLimit.
func (o *outgoing) report() {
	if !o.limit.IsZero() && !time.Now().Before(o.limit) {
		return // which the server knows
	}
	v := url.Values{idField: {o.id}}
	switch cause := context.Cause(o.ctx).(type) {
	case *cancelscope.Canceled:
		v.Set(kindField, cause.Kind().String())
		describe(v, cause.Scope(), cause.Reason())
	case nil:
		return
	default:
		v.Set(kindField, cancelscope.ByParent.String())
		if cause != o.ctx.Err() {
			describe(v, "", cause)
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(o.ctx), reportLimit)
	defer cancel()
	req := wrapperspb.String(v.Encode())
	for range reportTries {
		var known wrapperspb.BoolValue
		if err := o.cc.Invoke(ctx, reportMethod, req, &known); err != nil || known.Value {
			return
		}
	}
}

// clean makes a text fit for a log: valid UTF-8 in one line without control characters,
// cut to size bytes.
func clean(text string, size int) string {
	text = strings.Join(strings.Fields(cut(text, size)), " ")
	text = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
	return cut(text, size)
}

// reportDesc describes the service that takes reports.
func reportDesc() *grpc.ServiceDesc {
	return &grpc.ServiceDesc{
		ServiceName: reportService,
		HandlerType: (*reporter)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Report", Handler: handleReport}},
	}
}

// A reporter takes reports. A Server is one, by a type of its own that is not exported.
type reporter interface {
	report(text string) (known bool)
}

func handleReport(srv any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
	req := new(wrapperspb.StringValue)
	if err := decode(req); err != nil {
		return nil, err
	}
	handler := func(_ context.Context, req any) (any, error) {
		return wrapperspb.Bool(srv.(reporter).report(req.(*wrapperspb.StringValue).Value)), nil
	}
	if interceptor == nil {
		return handler(ctx, req)
	}
	return interceptor(ctx, req, &grpc.UnaryServerInfo{Server: srv, FullMethod: reportMethod}, handler)
}
