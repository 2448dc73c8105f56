// Package textservice is a gRPC service whose messages are texts, and whose handlers are
// functions. Tests, examples and benchmarks use it, so that this module needs no generated
// code.
package textservice
