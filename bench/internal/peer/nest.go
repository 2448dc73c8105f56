package peer

import (
	"context"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
)

// A Nester is one way to call a function that can be canceled or timed out from
// outside.
type Nester struct {
	Name string

	// Nest returns a function that calls fn inside depth scopes, one in the other, each
	// with a time limit if that is not zero.
	Nest func(depth int, limit time.Duration, fn func(ctx context.Context) error) func(ctx context.Context) error
}

// TrellisScopes are the scopes of packages cancelscope and deadline.
var TrellisScopes = Nester{"trellis", func(depth int, limit time.Duration, fn func(context.Context) error) func(context.Context) error {
	for range depth {
		inner := fn
		fn = func(ctx context.Context) error {
			if limit != 0 {
				return deadline.FailAfter(ctx, limit, inner)
			}
			var s cancelscope.Scope
			return s.Run(ctx, inner)
		}
	}
	return fn
}}

// StdContexts are those of the standard library.
var StdContexts = Nester{"std", func(depth int, limit time.Duration, fn func(context.Context) error) func(context.Context) error {
	for range depth {
		inner := fn
		fn = func(ctx context.Context) error {
			var cancel context.CancelFunc
			if limit != 0 {
				ctx, cancel = context.WithTimeout(ctx, limit)
			} else {
				ctx, cancel = context.WithCancel(ctx)
			}
			defer cancel()
			return inner(ctx)
		}
	}
	return fn
}}

// NoScopes has no scopes. It shows what work costs without them.
var NoScopes = Nester{"raw", func(_ int, _ time.Duration, fn func(context.Context) error) func(context.Context) error {
	return fn
}}
