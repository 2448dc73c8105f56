// Package serve has the declarations of the real one, for the tests of analyzers.
package serve

import "context"

func UntilDrain(ctx context.Context, fn func(accept, work context.Context) error) error { return nil }

func Drain(ctx context.Context, reason error) {}

func Draining(ctx context.Context) <-chan struct{} { return nil }
