package grpcscope_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/grpc/grpcscope"
	"github.com/trellis-go/trellis/grpc/internal/textservice"
	"github.com/trellis-go/trellis/serve"
)

// The context of a handler has all that gRPC puts into it, and the client's deadline, however it
// was made.
func TestContextOfTheHandler(t *testing.T) {
	look := func(ctx context.Context) (found string, err error) {
		md, _ := metadata.FromIncomingContext(ctx)
		if got := md.Get("color"); len(got) != 1 || got[0] != "blue" {
			found += " metadata"
		}
		if p, ok := peer.FromContext(ctx); !ok || p.Addr == nil {
			found += " peer"
		}
		if _, ok := grpc.Method(ctx); !ok {
			found += " method"
		}
		if d, ok := ctx.Deadline(); !ok || time.Until(d) > time.Hour {
			found += " deadline"
		}
		if err := grpc.SetHeader(ctx, metadata.Pairs("head", "1")); err != nil {
			return "", err
		}
		return found, grpc.SetTrailer(ctx, metadata.Pairs("tail", "1"))
	}
	service := textservice.Service{
		Unary: func(ctx context.Context, _ string) (string, error) { return look(ctx) },
		Stream: func(stream grpc.ServerStream) error {
			missing, err := look(stream.Context())
			if err != nil {
				return err
			}
			return textservice.Send(stream, missing)
		},
	}
	for name, cc := range map[string]*grpc.ClientConn{
		"plain":   setup{Service: service}.start(t).cc,
		"reasons": setup{Service: service, scopes: &grpcscope.Server{Reasons: true}, client: grpcscope.Client{Reasons: true}}.start(t).cc,
		"Serve":   run(t, serve.Program{}, service).cc,
	} {
		t.Run(name, func(t *testing.T) {
			var s cancelscope.Scope
			s.SetTimeout(time.Hour)
			err := s.Run(metadata.AppendToOutgoingContext(t.Context(), "color", "blue"), func(ctx context.Context) error {
				var header, trailer metadata.MD
				missing, err := textservice.Call(ctx, cc, "", grpc.Header(&header), grpc.Trailer(&trailer))
				if missing != "" || err != nil || len(header.Get("head")) != 1 || len(trailer.Get("tail")) != 1 {
					t.Errorf("a unary handler misses%s; %v, header %v, trailer %v", missing, err, header, trailer)
				}
				stream, err := textservice.Open(ctx, cc, textservice.Down)
				if err != nil {
					return err
				}
				if err := textservice.Send(stream, ""); err != nil {
					return err
				}
				if missing, err := textservice.Receive(stream); missing != "" || err != nil {
					t.Errorf("the handler of a stream misses%s; %v", missing, err)
				}
				_, _ = textservice.Receive(stream)
				if len(stream.Trailer().Get("tail")) != 1 {
					t.Errorf("the trailer of the stream is %v", stream.Trailer())
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}
