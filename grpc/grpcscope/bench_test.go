package grpcscope_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/grpc/grpcscope"
	"github.com/trellis-go/trellis/grpc/internal/textservice"
)

func echo(_ context.Context, text string) (string, error) { return text, nil }

// echoAll answers the messages of a stream.
func echoAll(stream grpc.ServerStream) error {
	for {
		text, err := textservice.Receive(stream)
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = textservice.Send(stream, text)
		}
		if err != nil {
			return err
		}
	}
}

// sides are what is measured beside plain gRPC.
var sides = []struct {
	name            string
	client, server  bool
	reasons, scoped bool
}{
	{name: "client", client: true},
	{name: "server", server: true},
	{name: "both", client: true, server: true},
	{name: "both-in-a-scope", client: true, server: true, scoped: true},
	{name: "reasons", client: true, server: true, reasons: true, scoped: true},
}

// BenchmarkBesidePlain makes calls of plain gRPC and calls with interceptors in turn, on loopback,
// and reports how much longer the latter take.
func BenchmarkBesidePlain(b *testing.B) {
	b.Cleanup(grpcscope.SetPatience(20 * time.Millisecond)) // as in programs
	service := textservice.Service{Unary: echo, Stream: echoAll}
	for _, side := range sides {
		for _, kind := range []string{"unary", "stream", "message", "bound", "failure"} {
			b.Run("with="+side.name+"/kind="+kind, func(b *testing.B) {
				service := service
				if kind == "failure" {
					service.Unary = func(context.Context, string) (string, error) { return "", status.Error(codes.NotFound, "gone") }
				}
				without := dial(b, plain(b, service), insecureOption)
				if kind == "bound" {
					service.Stream = func(stream grpc.ServerStream) error {
						return echoAll(grpcscope.BindServer(stream.Context(), stream))
					}
				}
				s := setup{Service: service, scopes: &grpcscope.Server{Reasons: side.reasons}, client: grpcscope.Client{Reasons: side.reasons}}
				with := dial(b, plain(b, service), append(s.client.DialOptions(), insecureOption)...)
				if side.server {
					with = s.start(b).cc
				}
				measure := func(ctx context.Context) error {
					compare(b, worker(b, ctx, without, strings.Replace(kind, "bound", "message", 1)), worker(b, ctx, with, kind))
					return nil
				}
				if !side.scoped {
					_ = measure(b.Context())
					return
				}
				scope := cancelscope.Scope{Name: "bench"}
				scope.SetTimeout(time.Hour)
				_ = scope.Run(b.Context(), measure)
			})
		}
	}
}

// worker returns a function that does one piece of work of that kind.
func worker(b *testing.B, ctx context.Context, cc *grpc.ClientConn, kind string) func() error {
	open := func() grpc.ClientStream {
		s, err := textservice.Open(ctx, cc, textservice.Both)
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
	exchange := func(s grpc.ClientStream) error {
		if err := textservice.Send(s, "text"); err != nil {
			return err
		}
		_, err := textservice.Receive(s)
		return err
	}
	switch kind {
	case "stream":
		return func() error {
			s := open()
			err := errors.Join(exchange(s), s.CloseSend())
			if _, end := textservice.Receive(s); end != io.EOF {
				err = errors.Join(err, end)
			}
			return err
		}
	case "message", "bound":
		s := open()
		if kind == "bound" {
			s = grpcscope.BindClient(ctx, s)
		}
		b.Cleanup(func() {
			_ = s.CloseSend()
			_, _ = textservice.Receive(s)
		})
		return func() error { return exchange(s) }
	case "failure":
		return func() error {
			if _, err := textservice.Call(ctx, cc, "text"); status.Code(err) != codes.NotFound {
				return errors.Join(errors.New("no failure"), err)
			}
			return nil
		}
	}
	return func() error {
		_, err := textservice.Call(ctx, cc, "text")
		return err
	}
}

// compare does the work of both in turn, and reports medians.
func compare(b *testing.B, without, with func() error) {
	b.ReportAllocs()
	work := [2]func() error{without, with}
	var times [2][]time.Duration
	for range 20 {
		_, _ = without(), with()
	}
	for n := 0; b.Loop(); n++ {
		for _, which := range [2]int{n % 2, 1 - n%2} {
			begin := time.Now()
			err := work[which]()
			times[which] = append(times[which], time.Since(begin))
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	var medians [2]float64
	for i, all := range times {
		slices.Sort(all)
		medians[i] = float64(all[len(all)/2])
	}
	b.ReportMetric(medians[0], "plain-ns")
	b.ReportMetric(medians[1], "with-ns")
	b.ReportMetric(medians[1]/medians[0], "ratio")
}

// BenchmarkCanceled cancels calls that run: of plain gRPC, with the interceptors, and with
// reasons.
func BenchmarkCanceled(b *testing.B) {
	for _, with := range []string{"plain", "both", "reasons"} {
		b.Run("with="+with, func(b *testing.B) {
			b.Cleanup(grpcscope.SetPatience(20 * time.Millisecond)) // as in programs
			entered := make(chan struct{}, 1)
			service := textservice.Service{Unary: func(ctx context.Context, _ string) (string, error) {
				entered <- struct{}{}
				<-ctx.Done()
				return "", ctx.Err()
			}}
			var cc *grpc.ClientConn
			if with == "plain" {
				cc = dial(b, plain(b, service), insecureOption)
			} else {
				s := setup{Service: service, scopes: &grpcscope.Server{Reasons: with == "reasons"}, client: grpcscope.Client{Reasons: with == "reasons"}}
				cc = s.start(b).cc
			}
			b.ReportAllocs()
			for b.Loop() {
				ctx, cancel := context.WithCancelCause(b.Context())
				go func() {
					<-entered
					cancel(errBoom)
				}()
				_, err := textservice.Call(ctx, cc, "")
				if status.Code(err) != codes.Canceled {
					b.Fatal(err)
				}
			}
		})
	}
}
