package grpcscope

import (
	"context"
	"reflect"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// BindClient returns a stream on top of s that is bound to ctx: its RecvMsg and SendMsg also fail
// when ctx is done, with a cancellation of ctx. Without it they end only with the context that the
// stream was opened with, so a limit around one message has no effect.
//
//	bound := grpcscope.BindClient(ctx, stream)
//	expired, err := deadline.MoveOnAfter(ctx, time.Second, func(ctx context.Context) error {
//		return grpcscope.BindClient(ctx, bound).RecvMsg(m)
//	})
//
// A typed stream is made of it by grpc.GenericClientStream[Req, Res]{ClientStream: bound}.
//
// A call that is interrupted loses nothing. A message that arrives later is returned by the next
// RecvMsg; one that could not be sent at once is sent before the next. Until then gRPC has
// the message that the interrupted call was given, so it must not be used again. All streams
// made from one another in this way share that, and their Trailer is nil until then. So bind a
// stream once; from then on use and bind only the result, and never s again. Calls of one direction
// may overlap, and are made one after another.
//
// BindClient does not block, and panics if ctx or s is nil. Each call costs a goroutine. A
// call of RecvMsg that was interrupted keeps its goroutine until the next message or the end
// of the stream.
func BindClient(ctx context.Context, s grpc.ClientStream) grpc.ClientStream {
	if ctx == nil || s == nil {
		panic("grpcscope: BindClient with a nil context or stream: pass the context of the block")
	}
	if b, ok := inner(s, "ClientStream").(*boundClient); ok {
		return &boundClient{b.ClientStream, ctx, b.lanes}
	}
	return &boundClient{s, ctx, newLanes()}
}

// typedPath is the package of the typed streams of gRPC.
var typedPath = reflect.TypeFor[grpc.GenericServerStream[struct{}, struct{}]]().PkgPath()

// inner returns the stream in s: s itself, or what a typed stream of gRPC embeds; nil if it is
// neither bound nor the one that a handler gets.
func inner(s any, field string) any {
	switch s.(type) {
	case *boundClient, *boundServer, *serverStream:
		return s
	}
	v := reflect.Indirect(reflect.ValueOf(s))
	if v.Kind() != reflect.Struct || v.Type().PkgPath() != typedPath {
		return nil // a stream with methods of its own, which are not to be left out
	}
	if f := v.FieldByName(field); f.IsValid() && f.CanInterface() {
		return f.Interface()
	}
	return nil
}

type boundClient struct {
	grpc.ClientStream
	ctx   context.Context
	lanes *lanes
}

func (b *boundClient) RecvMsg(m any) error {
	return b.lanes.receive.receiveMsg(b.ctx, m, b.ClientStream.RecvMsg)
}

func (b *boundClient) SendMsg(m any) error {
	return b.lanes.send.sendMsg(b.ctx, m, b.ClientStream.SendMsg)
}

// Trailer returns nil while a RecvMsg waits, and after one that was interrupted: gRPC may be
// writing it.
func (b *boundClient) Trailer() metadata.MD {
	if !b.lanes.receive.over() {
		return nil
	}
	return b.ClientStream.Trailer()
}

// CloseSend sends what has not been sent yet, and then that nothing follows.
func (b *boundClient) CloseSend() error {
	if !b.lanes.send.enter(b.ctx) {
		return ended(b.ctx)
	}
	defer b.lanes.send.leave()
	if err := b.lanes.send.settle(b.ctx); err != nil {
		return err
	}
	return b.ClientStream.CloseSend()
}

// BindServer is [BindClient] for the stream of a handler. Its Context is ctx.
//
// The stream that a handler gets from the interceptors of a [Server] is bound to the context of
// the handler already, as soon as the handler has asked for its [Nursery], or if there is a
// Timeout in [Server.Call]: a task that fails, or the limit, ends a RecvMsg that waits. Bind it
// for nurseries, scopes and limits inside the handler; and to send a last message in a
// shield, when the context of the handler is done.
func BindServer(ctx context.Context, s grpc.ServerStream) grpc.ServerStream {
	if ctx == nil || s == nil {
		panic("grpcscope: BindServer with a nil context or stream: pass the context of the block")
	}
	if b, ok := inner(s, "ServerStream").(*boundServer); ok {
		return &boundServer{b.ServerStream, ctx, b.lanes}
	}
	own, ok := s.Context().Value(streamKey{}).(*serverStream)
	if ok && (!own.bound.Swap(true) || inner(s, "ServerStream") == own) {
		return &boundServer{s, ctx, own.lanes} // in which a call of the handler may have been interrupted
	}
	return &boundServer{s, ctx, newLanes()} // own.lanes are those of a bound stream inside s
}

type boundServer struct {
	grpc.ServerStream
	ctx   context.Context
	lanes *lanes
}

func (b *boundServer) Context() context.Context { return b.ctx }

func (b *boundServer) RecvMsg(m any) error {
	return b.lanes.receive.receiveMsg(b.ctx, m, b.ServerStream.RecvMsg)
}

func (b *boundServer) SendMsg(m any) error {
	return b.lanes.send.sendMsg(b.ctx, m, b.ServerStream.SendMsg)
}
