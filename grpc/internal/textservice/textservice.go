package textservice

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Name is the name of the service.
const Name = "trellis.test.Text"

// A Kind is a kind of stream.
type Kind string

const (
	Down Kind = "Down" // the server sends any number of messages
	Up   Kind = "Up"   // the client does
	Both Kind = "Both"
)

// A Service has the handlers. It must not change once it is registered.
type Service struct {
	Unary  func(ctx context.Context, text string) (string, error)
	Stream func(stream grpc.ServerStream) error // of every kind
}

// Register registers the service.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	streams := make([]grpc.StreamDesc, 0, 3)
	for _, kind := range []Kind{Down, Up, Both} {
		streams = append(streams, kind.desc())
	}
	r.RegisterService(&grpc.ServiceDesc{
		ServiceName: Name,
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Unary", Handler: unary}},
		Streams:     streams,
	}, s)
}

func (kind Kind) desc() grpc.StreamDesc {
	return grpc.StreamDesc{
		StreamName:    string(kind),
		Handler:       func(srv any, stream grpc.ServerStream) error { return srv.(*Service).Stream(stream) },
		ServerStreams: kind != Up,
		ClientStreams: kind != Down,
	}
}

func unary(srv any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
	req := new(wrapperspb.StringValue)
	if err := decode(req); err != nil {
		return nil, err
	}
	handler := func(ctx context.Context, req any) (any, error) {
		text, err := srv.(*Service).Unary(ctx, req.(*wrapperspb.StringValue).Value)
		if err != nil {
			return nil, err
		}
		return wrapperspb.String(text), nil
	}
	if interceptor == nil {
		return handler(ctx, req)
	}
	return interceptor(ctx, req, &grpc.UnaryServerInfo{Server: srv, FullMethod: "/" + Name + "/Unary"}, handler)
}

// Call makes a call of the unary method.
func Call(ctx context.Context, cc grpc.ClientConnInterface, text string, opts ...grpc.CallOption) (string, error) {
	var reply wrapperspb.StringValue
	err := cc.Invoke(ctx, "/"+Name+"/Unary", wrapperspb.String(text), &reply, opts...)
	return reply.Value, err
}

// Open opens a stream.
func Open(ctx context.Context, cc grpc.ClientConnInterface, kind Kind, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	desc := kind.desc()
	return cc.NewStream(ctx, &desc, "/"+Name+"/"+string(kind), opts...)
}

// A Side is either side of a stream.
type Side interface {
	SendMsg(m any) error
	RecvMsg(m any) error
}

// Send sends a text.
func Send(s Side, text string) error { return s.SendMsg(wrapperspb.String(text)) }

// Receive receives a text.
func Receive(s Side) (string, error) {
	var m wrapperspb.StringValue
	err := s.RecvMsg(&m)
	return m.Value, err
}
