// Package grpc is the module that brings Trellis to gRPC. It has no code: see its package.
//
//   - [github.com/trellis-go/trellis/grpc/grpcscope]: interceptors for clients and servers, and a
//     server that drains
//
// The page docs/grpc.md of the repository shows how to use it.
package grpc
