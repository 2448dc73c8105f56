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

	// Nest prepares a call of fn inside depth scopes, one in the other, each with a
	// time limit if that is not zero.
	Nest func(depth int, limit time.Duration, fn func(ctx context.Context) error) func(ctx context.Context) error
}

// TrellisScopes are the scopes of packages cancelscope and deadline.
var TrellisScopes = Nester{"trellis", func(depth int, limit time.Duration, fn func(context.Context) error) func(context.Context) error {
	for range depth {
		inner := fn
		fn = func(ctx context.Context) error {
			var s cancelscope.Scope
			return s.Run(ctx, inner)
		}
		if limit != 0 {
			fn = func(ctx context.Context) error {
				_, err := deadline.MoveOnAfter(ctx, limit, inner)
				return err
			}
		}
	}
	return fn
}}

// StdContexts are those of the standard library.
var StdContexts = Nester{"std", func(depth int, limit time.Duration, fn func(context.Context) error) func(context.Context) error {
	for range depth {
		inner := fn
		fn = func(ctx context.Context) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			return inner(ctx)
		}
		if limit != 0 {
			fn = func(ctx context.Context) error {
				ctx, cancel := context.WithTimeout(ctx, limit)
				defer cancel()
				return inner(ctx)
			}
		}
	}
	return fn
}}
