// Package cancelscope has the declarations of the real one, for the tests of analyzers.
package cancelscope

import (
	"context"
	"time"
)

type Scope struct{}

func (s *Scope) Cancel(reason error) {}

func (s *Scope) Run(ctx context.Context, block func(ctx context.Context) error) error { return nil }

func (s *Scope) Enter(ctx context.Context) (context.Context, func(*error)) { return ctx, nil }

func Shield(ctx context.Context, limit time.Duration, block func(ctx context.Context) error) error {
	return nil
}

func Cleanup(ctx context.Context, err *error, limit time.Duration, fn func(ctx context.Context) error) {
}

func AsCancellation(ctx context.Context, err error) error { return err }
