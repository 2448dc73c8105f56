package cancelscope_test

import (
	"context"
	"testing"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/internal/tree"
)

func TestMoveOfAScopeIntoItself(t *testing.T) {
	var outer, inner cancelscope.Scope
	outer.Run(t.Context(), func(ctx context.Context) error {
		return inner.Run(ctx, func(in context.Context) error {
			for name, to := range map[string]context.Context{"itself": ctx, "a scope inside": in} {
				bubbletest.CheckPanics(t, "Move into "+name, "cancelscope: move of a scope into itself: ", func() {
					tree.Of(ctx).Move(tree.Of(to))
				})
			}
			return nil
		})
	})
}
