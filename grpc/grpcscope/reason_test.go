package grpcscope_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/grpc/grpcscope"
	"github.com/trellis-go/trellis/grpc/internal/textservice"
	"github.com/trellis-go/trellis/nursery"
)

// A witness has handlers that report when they are entered, and why they were canceled.
type witness struct {
	entered chan struct{}
	causes  chan error
}

func newWitness() *witness {
	return &witness{make(chan struct{}, 10), make(chan error, 10)}
}

func (w *witness) await(ctx context.Context) error {
	w.entered <- struct{}{}
	<-ctx.Done()
	w.causes <- context.Cause(ctx)
	return ctx.Err()
}

// service has handlers that wait for the end of the call.
func (w *witness) service() textservice.Service {
	return textservice.Service{
		Unary:  func(ctx context.Context, _ string) (string, error) { return "", w.await(ctx) },
		Stream: func(stream grpc.ServerStream) error { return w.await(stream.Context()) },
	}
}

// reasons is a pair whose client sends reasons and whose server shows them.
func reasons(t testing.TB, w *witness) (*pair, *grpcscope.Server) {
	s := setup{scopes: &grpcscope.Server{Reasons: true}, client: grpcscope.Client{Reasons: true}, Service: w.service()}
	return s.start(t), s.scopes
}

// The handler of a call learns which scope of the client was canceled, by what and why.
func TestReasons(t *testing.T) {
	var w *witness // each case has a server of its own, because a handler may be late
	var p *pair
	unary := func(ctx context.Context) error { return p.call("")(ctx) }
	stream := func(ctx context.Context) error {
		s, err := textservice.Open(ctx, p.cc, textservice.Both)
		if err != nil {
			return err
		}
		_, err = textservice.Receive(s)
		return err
	}
	var limit time.Duration // of the deadlines below
	named := func(name string) *cancelscope.Scope { return &cancelscope.Scope{Name: name} }
	for _, test := range []struct {
		name string
		run  func(ctx context.Context, call func(context.Context) error) error
		want string
	}{
		{"by call", func(ctx context.Context, call func(context.Context) error) error {
			s := named("search")
			go func() { <-w.entered; s.Cancel(errors.New("found elsewhere")) }()
			return s.Run(ctx, call)
		}, `client's scope "search" canceled: found elsewhere`},
		{"without reason", func(ctx context.Context, call func(context.Context) error) error {
			s := named("search")
			go func() { <-w.entered; s.Cancel(nil) }()
			return s.Run(ctx, call)
		}, `client's scope "search" canceled`},
		{"sibling", func(ctx context.Context, call func(context.Context) error) error {
			_ = nursery.Config{Name: "page"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("call", call)
				n.GoNamed("stock", func(context.Context) error { <-w.entered; return errBoom })
				return nil
			})
			return nil
		}, `client's scope "page" canceled: a task failed: stock: boom`},
		{"deadline", func(ctx context.Context, call func(context.Context) error) error {
			s := named("answer")
			s.Reason = errors.New("budget of the page")
			s.SetTimeout(limit)
			return s.Run(ctx, call)
		}, `client's scope "answer" canceled: deadline passed: budget of the page`},
		{"deadline of a scope around", func(ctx context.Context, call func(context.Context) error) error {
			s := named("answer")
			s.SetTimeout(limit)
			return s.Run(ctx, func(ctx context.Context) error { return named("inner").Run(ctx, call) })
		}, `client's scope "answer" canceled: deadline passed`},
		{"moved deadline", func(ctx context.Context, call func(context.Context) error) error {
			s := named("patient")
			s.Adjustable = true
			s.SetTimeout(time.Hour)
			go func() { <-w.entered; s.SetTimeout(0) }()
			return s.Run(ctx, call)
		}, `client's scope "patient" canceled: deadline passed`},
		{"set deadline", func(ctx context.Context, call func(context.Context) error) error {
			s := named("quick")
			go func() { <-w.entered; s.SetTimeout(time.Millisecond) }()
			return s.Run(ctx, call)
		}, `client's scope "quick" canceled: deadline passed`},
		{"earlier deadline", func(ctx context.Context, call func(context.Context) error) error {
			s := named("quick")
			s.SetTimeout(time.Hour)
			go func() { <-w.entered; s.SetTimeout(time.Millisecond) }()
			return s.Run(ctx, call)
		}, `client's scope "quick" canceled: deadline passed`},
		{"deadline of the standard library", func(ctx context.Context, call func(context.Context) error) error {
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			_ = named("inner").Run(ctx, call)
			return nil
		}, `canceled by the client: deadline passed`},
		{"deadline of the standard library inside a later one", func(ctx context.Context, call func(context.Context) error) error {
			s := named("patient")
			s.SetTimeout(time.Hour)
			_ = s.Run(ctx, func(ctx context.Context) error {
				ctx, cancel := context.WithTimeout(ctx, limit)
				defer cancel()
				return call(ctx)
			})
			return nil
		}, `canceled by the client: deadline passed`},
		{"parent", func(ctx context.Context, call func(context.Context) error) error {
			ctx, cancel := context.WithCancelCause(ctx)
			go func() { <-w.entered; cancel(errors.New("user left")) }()
			_ = call(ctx)
			return nil
		}, `canceled by the client: user left`},
		{"parent without cause", func(ctx context.Context, call func(context.Context) error) error {
			ctx, cancel := context.WithCancel(ctx)
			go func() { <-w.entered; cancel() }()
			_ = call(ctx)
			return nil
		}, `canceled by the client`},
	} {
		for kind, call := range map[string]func(context.Context) error{"unary": unary, "stream": stream} {
			t.Run(test.name+" "+kind, func(t *testing.T) {
				w = newWitness()
				var scopes *grpcscope.Server
				p, scopes = reasons(t, w)
				// A call whose deadline passes before the handler begins shows nothing.
				var cause error
				for limit = 50 * time.Millisecond; cause == nil; limit *= 3 {
					if err := test.run(t.Context(), call); err != nil {
						t.Errorf("the client's scope returned %v, want nil", err)
					}
					if !strings.HasPrefix(test.name, "deadline") || len(w.entered) > 0 || limit > time.Second {
						cause = wait(t, "the end of the handler", w.causes)
					}
				}
				var c *grpcscope.ClientCanceled
				if !errors.As(cause, &c) || cause.Error() != test.want {
					t.Errorf("the handler's cause is %v, want %s", cause, test.want)
				}
				p.server.Stop() // waits for handlers
				if n := scopes.Calls(); n != 0 {
					t.Errorf("%d calls are waiting for reports after all have ended", n)
				}
			})
		}
	}
}

// A gateway that passes the metadata of its client on, as many do, announces its own call as well.
// The server shows the reason of the gateway.
func TestReasonBehindAGateway(t *testing.T) {
	w := newWitness()
	p, _ := reasons(t, w)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "trellis-call", "id=AAAAAAAAAAAAAAAAAAAAAAAA&scope=client")
	scope := &cancelscope.Scope{Name: "gateway"}
	go func() { <-w.entered; scope.Cancel(errBoom) }()
	if err := scope.Run(ctx, p.call("")); err != nil {
		t.Errorf("around a call: %v, want nil", err)
	}
	if cause := wait(t, "the end of the handler", w.causes); cause.Error() != `client's scope "gateway" canceled: boom` {
		t.Errorf("the cause is %v, want that of the gateway's scope", cause)
	}
}

// A server that calls itself, and passes the metadata of its client on, reports its own call under
// the metadata of the client's. The report is not taken for that call.
func TestReasonBehindItself(t *testing.T) {
	var p *pair
	entered, ready, causes := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	s := setup{scopes: &grpcscope.Server{Reasons: true}, client: grpcscope.Client{Reasons: true}}
	s.Unary = func(ctx context.Context, text string) (string, error) {
		if text == "inner" {
			close(entered)
			<-ctx.Done()
			return "", ctx.Err()
		}
		md, _ := metadata.FromIncomingContext(ctx)
		scope := new(cancelscope.Scope)
		go func() { <-entered; scope.Cancel(errBang) }()
		if err := scope.Run(metadata.NewOutgoingContext(ctx, md), p.call("inner")); err != nil {
			t.Errorf("around the inner call: %v, want nil", err)
		}
		close(ready)
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return "", ctx.Err()
	}
	p = s.start(t)
	scope := &cancelscope.Scope{Name: "page"}
	go func() { <-ready; scope.Cancel(errBoom) }()
	if err := scope.Run(t.Context(), p.call("outer")); err != nil {
		t.Errorf("around the call: %v, want nil", err)
	}
	if cause := wait(t, "the end of the handler", causes); cause.Error() != `client's scope "page" canceled: boom` {
		t.Errorf("the cause is %v, want that of the client", cause)
	}
}

// A timeout of the service config that is shorter than the limit of a scope is not the end of that
// scope.
func TestReasonOfAServiceConfig(t *testing.T) {
	for want, limit := range map[string]time.Duration{
		`canceled by the client: deadline passed`:         time.Hour,
		`client's scope "page" canceled: deadline passed`: 50 * time.Millisecond,
	} {
		w := newWitness()
		s := setup{scopes: &grpcscope.Server{Reasons: true}, client: grpcscope.Client{Reasons: true}, Service: w.service()}
		s.dial = []grpc.DialOption{grpc.WithDefaultServiceConfig(`{"methodConfig": [{"name": [{}], "timeout": "0.2s"}]}`)}
		p := s.start(t)
		p.cc.Connect()
		for state := p.cc.GetState(); state != connectivity.Ready; state = p.cc.GetState() { // then the service config is known
			p.cc.WaitForStateChange(t.Context(), state)
		}
		for len(w.entered) == 0 { // a call whose deadline passes before the handler begins shows nothing
			scope := &cancelscope.Scope{Name: "page"}
			scope.SetTimeout(limit)
			if err := scope.Run(t.Context(), p.call("")); (limit == time.Hour) != (status.Code(err) == codes.DeadlineExceeded) {
				t.Errorf("the scope with a limit of %v returned %v", limit, err)
			}
		}
		if cause := wait(t, "the end of the handler", w.causes); cause.Error() != want {
			t.Errorf("with a limit of %v the cause is %v, want %s", limit, cause, want)
		}
	}
}

// An error of a deadline is context.DeadlineExceeded at both ends, any other is
// context.Canceled.
func TestReasonUnwraps(t *testing.T) {
	w := newWitness()
	p, _ := reasons(t, w)
	for limit := 20 * time.Millisecond; len(w.entered) == 0; limit *= 3 {
		_, _ = deadline.MoveOnAfter(t.Context(), limit, p.call(""))
	}
	if cause := wait(t, "the end of the handler", w.causes); !errors.Is(cause, context.DeadlineExceeded) || errors.Is(cause, context.Canceled) {
		t.Errorf("after a deadline the cause is %v, want a context.DeadlineExceeded", cause)
	}
	<-w.entered
	var s cancelscope.Scope
	go func() { <-w.entered; s.Cancel(nil) }()
	_ = s.Run(t.Context(), p.call(""))
	if cause := wait(t, "the end of the handler", w.causes); !errors.Is(cause, context.Canceled) || errors.Is(cause, context.DeadlineExceeded) {
		t.Errorf("after a cancellation the cause is %v, want a context.Canceled", cause)
	}
}

// A reason is bounded, and made fit for a log.
func TestReasonIsBounded(t *testing.T) {
	w := newWitness()
	p, _ := reasons(t, w)
	s := &cancelscope.Scope{Name: strings.Repeat("n", 5000)}
	go func() {
		<-w.entered
		s.Cancel(errors.New("a\x00b\n\x1b[31m\xff" + strings.Repeat("ä", 5000)))
	}()
	if err := s.Run(t.Context(), p.call("")); err != nil {
		t.Fatal(err)
	}
	var c *grpcscope.ClientCanceled
	if cause := wait(t, "the end of the handler", w.causes); !errors.As(cause, &c) {
		t.Fatalf("the cause is %v, want a ClientCanceled", cause)
	}
	if len(c.Scope) > grpcscope.MaxName || len(c.Reason) > grpcscope.MaxReason || len(c.Reason) < grpcscope.MaxReason/2 {
		t.Errorf("a name of %d bytes and a reason of %d are left", len(c.Scope), len(c.Reason))
	}
	if !utf8.ValidString(c.Reason) || strings.ContainsAny(c.Reason, "\x00\n\x1b") {
		t.Errorf("the reason is %q, want one line without control characters", c.Reason)
	}
}

// What a client reports shows nowhere as long as the call has not ended, and a report for
// a call that there is not does nothing.
func TestReportCancelsNothing(t *testing.T) {
	w := newWitness()
	p, _ := reasons(t, w)
	ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(t.Context(), "trellis-call", "id=AAAAAAAAAAAAAAAAAAAAAAAA"))
	defer cancel()
	addr := dial(t, p.addr, insecureOption) // without interceptors
	ended := make(chan error, 1)
	go func() {
		_, err := textservice.Call(ctx, addr, "")
		ended <- err
	}()
	wait(t, "the handler", w.entered)
	for text, want := range map[string]bool{
		"id=AAAAAAAAAAAAAAAAAAAAAAAA&kind=call&reason=because": true,
		"id=AAAAAAAAAAAAAAAAAAAAAAAA&kind=call&reason=again":   true,
		"id=BAAAAAAAAAAAAAAAAAAAAAAA&kind=call":                false,
		"id=":                                                  false, "%": false, strings.Repeat("x", 10_000): false,
	} {
		var known wrapperspb.BoolValue
		if err := addr.Invoke(t.Context(), "/trellis.v1.Reasons/Report", wrapperspb.String(text), &known); err != nil || known.Value != want {
			t.Errorf("Report(%.60q) = %t, %v, want %t", text, known.Value, err, want)
		}
	}
	select {
	case cause := <-w.causes:
		t.Fatalf("the report has canceled the handler: %v", cause)
	default:
	}
	cancel()
	cause := wait(t, "the end of the handler", w.causes)
	if got := cause.Error(); got != "canceled by the client: because" && got != "canceled by the client: again" {
		t.Errorf("the cause is %v, want the first report", cause)
	}
	wait(t, "the end of the call", ended)
}

// What a client reports is bounded by the server, whatever the client is.
func TestReportIsBounded(t *testing.T) {
	w := newWitness()
	p, _ := reasons(t, w)
	id := strings.Repeat("A", 26)
	ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(t.Context(), "trellis-call", "id="+id))
	defer cancel()
	cc := dial(t, p.addr, insecureOption) // without interceptors
	ended := make(chan error, 1)
	go func() {
		_, err := textservice.Call(ctx, cc, "")
		ended <- err
	}()
	wait(t, "the handler", w.entered)
	long := strings.Repeat("%00long%0A", 180)
	req, known := wrapperspb.String("id="+id+"&kind=x&scope="+long+"&reason="+long), new(wrapperspb.BoolValue)
	if err := cc.Invoke(t.Context(), "/trellis.v1.Reasons/Report", req, known); err != nil || !known.Value {
		t.Fatalf("Report = %t, %v", known.Value, err)
	}
	cancel()
	var c *grpcscope.ClientCanceled
	if cause := wait(t, "the end of the handler", w.causes); !errors.As(cause, &c) {
		t.Fatalf("the cause is %v, want a ClientCanceled", cause)
	}
	if len(c.Scope) > grpcscope.MaxName || len(c.Reason) > grpcscope.MaxReason || strings.ContainsAny(c.Scope+c.Reason, "\x00\n") || c.Kind != cancelscope.ByParent {
		t.Errorf("of the report are left: %d and %d bytes, %q", len(c.Scope), len(c.Reason), c)
	}
	wait(t, "the end of the call", ended)
}

// A report may come before the handler of its call begins.
func TestEarlyReport(t *testing.T) {
	w := newWitness()
	p, scopes := reasons(t, w)
	cc := dial(t, p.addr, insecureOption) // without interceptors
	report := func(id, reason string) {
		var known wrapperspb.BoolValue
		req := wrapperspb.String("id=" + id + "&reason=" + reason)
		if err := cc.Invoke(t.Context(), "/trellis.v1.Reasons/Report", req, &known); err != nil || known.Value {
			t.Fatalf("Report of a call that there is not = %t, %v", known.Value, err)
		}
	}
	id := strings.Repeat("A", 26)
	for range 200 {
		report(rand.Text(), "other")
	}
	report("short", "other")
	report(id, "early")
	report(id, "again")
	if n := scopes.Early(); n != grpcscope.MaxEarly {
		t.Errorf("%d reports are kept, want %d", n, grpcscope.MaxEarly)
	}
	ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(t.Context(), "trellis-call", "id="+id))
	go func() { <-w.entered; cancel() }()
	_, _ = textservice.Call(ctx, cc, "")
	if cause := wait(t, "the end of the handler", w.causes); cause.Error() != "canceled by the client: early" {
		t.Errorf("the cause is %v, want the report", cause)
	}
	if n := scopes.Early(); n != grpcscope.MaxEarly-1 {
		t.Errorf("%d reports are kept, want %d", n, grpcscope.MaxEarly-1)
	}
}

// Without a report the handler is canceled all the same.
func TestReasonThatDoesNotCome(t *testing.T) {
	t.Cleanup(grpcscope.SetPatience(10 * time.Millisecond))
	w := newWitness()
	s := setup{scopes: &grpcscope.Server{Reasons: true}, Service: w.service()}
	p := s.start(t)
	for _, announced := range []string{"id=AAAAAAAAAAAAAAAAAAAAAAAA", "id=short", "%", strings.Repeat("x", 10_000)} {
		ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(t.Context(), "trellis-call", announced))
		go func() { <-w.entered; cancel() }()
		_ = p.call("")(ctx)
		if cause := wait(t, "the end of the handler", w.causes); !errors.Is(cause, context.Canceled) {
			t.Errorf("announced as %.30q: the cause is %v, want a context.Canceled", announced, cause)
		}
	}
	p.server.Stop() // waits for handlers
	if n := s.scopes.Calls(); n != 0 {
		t.Errorf("%d calls are waiting for reports after all have ended", n)
	}
}

// Reasons are sent and shown only where both sides have asked for them.
func TestReasonsAreOffByDefault(t *testing.T) {
	for _, test := range []struct{ client, server bool }{{false, false}, {true, false}, {false, true}} {
		w := newWitness()
		var seen metadata.MD
		service := w.service()
		service.Unary = func(ctx context.Context, _ string) (string, error) {
			seen, _ = metadata.FromIncomingContext(ctx)
			return "", w.await(ctx)
		}
		s := setup{scopes: &grpcscope.Server{Reasons: test.server}, client: grpcscope.Client{Reasons: test.client}, Service: service}
		p := s.start(t)
		scope := &cancelscope.Scope{Name: "secret"}
		go func() { <-w.entered; scope.Cancel(errors.New("secret")) }()
		_ = scope.Run(t.Context(), p.call(""))
		if cause := wait(t, "the end of the handler", w.causes); strings.Contains(cause.Error(), "secret") {
			t.Errorf("client %t, server %t: the cause is %v", test.client, test.server, cause)
		}
		if got := len(seen.Get("trellis-call")) > 0; got != test.client {
			t.Errorf("client %t, server %t: announced %t", test.client, test.server, got)
		}
	}
}

// A server that is to show reasons, but cannot get any, panics before it handles a call. After
// Register it does not.
func TestReasonsWithoutRegister(t *testing.T) {
	const want = "grpcscope: Server with Reasons, but without Register: call Register with the gRPC server before it serves"
	unary := func(s *grpcscope.Server) {
		_, _ = s.Unary()(t.Context(), nil, new(grpc.UnaryServerInfo), func(context.Context, any) (any, error) { return nil, nil })
	}
	stream := func(s *grpcscope.Server) {
		_ = s.Stream()(nil, silentStream{ctx: t.Context()}, new(grpc.StreamServerInfo), func(any, grpc.ServerStream) error { return nil })
	}
	serve := func(s *grpcscope.Server) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_ = s.Serve(ctx, grpc.NewServer(), l, nil)
	}
	for name, f := range map[string]func(*grpcscope.Server){"Unary": unary, "Stream": stream, "Serve": serve} {
		for _, registered := range []bool{false, true} {
			var got any
			func() {
				defer func() { got = recover() }()
				s := &grpcscope.Server{Reasons: true}
				if registered {
					s.Register(grpc.NewServer())
				}
				f(s)
			}()
			if registered && got != nil || !registered && got != want {
				t.Errorf("%s, registered %t: panic %v; want %q without Register only", name, registered, got, want)
			}
		}
	}
}

// A silentStream has no messages.
type silentStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s silentStream) Context() context.Context { return s.ctx }
