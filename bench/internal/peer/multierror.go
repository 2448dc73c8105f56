package peer

import (
	"context"

	"github.com/hashicorp/go-multierror"
)

// Multierror is the group of hashicorp/go-multierror, which keeps all errors, and has
// no context: a failure ends nobody else.
var Multierror = Library{"multierror", func(body Body) (func(context.Context) error, func()) {
	return func(ctx context.Context) error {
		var g multierror.Group
		body(ctx, multierrorGroup{&g})
		return g.Wait().ErrorOrNil()
	}, keep
}}

type multierrorGroup struct{ *multierror.Group }

func (g multierrorGroup) Go(t *Task) { g.Group.Go(t.err) }
