// Package deadline has the declarations of the real one, for the tests of analyzers.
package deadline

import (
	"context"
	"net"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
)

func Limit(ctx context.Context, d time.Duration) (context.Context, func(*error)) { return ctx, nil }

func FailAfter(ctx context.Context, d time.Duration, block func(ctx context.Context) error) error {
	return nil
}

func MoveOnAfter(ctx context.Context, d time.Duration, block func(ctx context.Context) error) (bool, error) {
	return false, nil
}

func FailScope(ctx context.Context, s *cancelscope.Scope, block func(ctx context.Context) error) error {
	return nil
}

func Call[T any](ctx context.Context, d time.Duration, fn func(ctx context.Context) (T, error)) (T, error) {
	var zero T
	return zero, nil
}

func Sleep(ctx context.Context, d time.Duration) error { return nil }

func Conn(ctx context.Context, c net.Conn) net.Conn { return c }
