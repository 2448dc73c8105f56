// Package grpcscope makes scopes and nurseries reach across gRPC calls, by interceptors for
// clients and servers.
//
//	client := grpcscope.Client{}
//	conn, err := grpc.NewClient(target, append(client.DialOptions(), credentials)...)
//
//	scopes := new(grpcscope.Server)
//	server := grpc.NewServer(scopes.ServerOptions()...)
//	err := scopes.Serve(ctx, server, listener, nil) // in a program of package serve
//
// Either side works without the other.
//
// # Cancellations
//
// A gRPC call whose context is done returns a status with the code Canceled or
// DeadlineExceeded. Such a status wraps nothing, so a scope takes it for a failure: a limit
// around the call does not count as expired, and a call that was canceled because another
// task had failed is one more failure. With the interceptors of a [Client] these calls
// return a cancellation of their context. Its text is that of the status, which
// status.FromError and status.Code still find.
//
// The TooSlowError of a FailAfter or FailScope around a call is the error of the limit, not of
// the call: it has no status, and status.Code returns Unknown for it. [Code] returns
// DeadlineExceeded.
//
// Servers may end a call with the same codes for reasons of their own, and gRPC makes the
// same error of both. Such a status stays a real error:
//
//   - If the server has the interceptors of a [Server], it marks these statuses by a trailer,
//     and the verdict is exact; except for a method that is retried after DeadlineExceeded:
//     a deadline of the client that passes between two attempts seems to be the server's.
//   - From other servers, a status counts as a cancellation if the context of the call is done
//     when the call returns, has ended in the way that the code says (a status Canceled without a
//     trailer may come from a deadline too), and the text is one that
//     gRPC makes at the client, or, after a deadline, one that speaks of a deadline. If the
//     method has no retry policy, a trailer is proof that a status with the code Canceled
//     came from the server. What remains is a server of which the status "context canceled"
//     arrives in the instant in which the client cancels.
//
// # Nurseries
//
// The interceptors of a [Server] run each handler as the body of a nursery, whose tasks may
// be started through [Nursery]. The call ends when all of them have ended. The context of
// the handler is that of the nursery: it is done when the client has gone, when the deadline
// has passed, when a task has failed, and, with [Server.Serve], when the program is canceled.
// The scope of the nursery does not absorb what came from the client: the call fails, as
// it does without this package.
//
// If the handler returned an error because its own nursery was canceled by hand, or by
// the Timeout of [Server.Call], the call fails with the code Canceled or DeadlineExceeded
// and the cause as its text.
//
// # Streams
//
// gRPC ends a RecvMsg or SendMsg that waits only with its whole stream. So a task that receives
// could not be canceled, and a nursery would wait for it. [BindClient] and [BindServer]
// bind a stream to the context of a block, as deadline.Conn does with a connection: its methods
// fail when that context is done, and nothing is lost. The stream of a handler is
// bound to the handler's context as soon as the handler uses its nursery.
//
// # Errors
//
// If a nursery has failed, that of the call or one inside a handler, the status has the code
// of the first failure, the text of the whole error, and as details a google.rpc.Status for
// each task with its code, text and name. At a client with the interceptors, the error of the call
// is a *nursery.Error again, with the same text; a *cancelscope.TooSlowError in it is one,
// a status keeps its code and details, and of other errors the text is left. status.Code of
// it is the code of the first failure. A handler that just returns an error is answered as
// without this package. So is one that returns an error with a GRPCStatus method of its own, also
// if it wraps the error of a nursery: that status says what clients may see.
//
// A code is found in an error as status.FromError does, after the first failure; a
// TooSlowError is DeadlineExceeded, a panic that the nursery has converted is Internal,
// without its stack, and an error that says nothing is Unknown. A status is at most 4 KiB
// large: texts are cut, details of statuses and later failures are left out, and the text
// says how many.
//
// For the scopes of the client, an error of the server is a failure, also if it was the
// cancellation of a scope at the server, or the TooSlowError of one.
//
// # Reasons
//
// With [Client.Reasons] and [Server.Reasons], the cause of the handler's context says which
// scope of the client was canceled, by what, and why: see [ClientCanceled]. Both are off by
// default, because names and texts leave the program. HTTP/2 cancels a call by a message
// without room for text, so the reason travels beside it. A call announces an id in its
// metadata (trellis-call), and the scope of its deadline, and after a cancellation the client makes
// a small call under that id. The server waits for that, for at most 50 milliseconds,
// before it cancels the handler. If the client balances load between several servers, the
// small call is repeated until it reaches the right one, at most eight times.
//
// The scope of a deadline is announced when the call begins. If an interceptor after those of this
// package gives the call an earlier deadline, the server shows the end of that under the same name.
//
// A reason can be missing: after a lost connection, from a client that was killed, if the
// small call was late, or if the server may handle no more calls of the connection than it does
// (see grpc.MaxConcurrentStreams). It cancels nothing, whatever it says, and must not be trusted.
//
// # Order of interceptors
//
// At a client the interceptors of this package belong before others: those chained after them
// see bare statuses, and what those return is converted as well. An interceptor that
// makes the call several times, one after another, works on either side. One that makes several
// calls at the same time must be before those of this package: all calls that are made after them
// write their trailers to one variable. An interceptor that derives a context with a limit of its
// own works on either side. The call that such a limit ends is a failure for the scopes around the
// call, because their own contexts are not done. For a scope inside the interceptor the order
// matters: if the interceptor is before those of this package, a MoveOnAfter there expires; if
// it is after them, the MoveOnAfter sees a bare status, and takes it for a failure.
//
// At a server, recovery, logging, metrics and tracing belong before: they see the final
// status, with the errors behind it by errors.Is and errors.As, and panics of handlers and
// tasks. Authentication and whatever starts tasks belong after. The call of a report passes
// through all interceptors as every call does, under the name /trellis.v1.Reasons/Report, and
// has a nursery too.
//
// # Concurrency
//
// All functions and methods may be called by any number of goroutines. The end of a task of
// a call synchronizes before the end of the call at the client.
//
// Do not rely on
//   - the server having noticed a cancellation when the call has returned at the client;
//   - SendMsg of a client's stream returning a cancellation: it returns io.EOF when the stream
//     has ended, and RecvMsg says why;
//   - the number or the names of what this package sends in metadata, trailers and details.
package grpcscope
