package cancelscope_test

import (
	"context"
	"testing"

	"github.com/trellis-go/trellis/cancelscope"
)

// hops runs fn in the innermost of three scopes, with a context of the standard library
// that can be canceled between each two.
func hops(t *testing.T, s1, s2, s3 *cancelscope.Scope, fn func(ctx context.Context) error) {
	t.Helper()
	err := s1.Run(t.Context(), func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		return s2.Run(ctx, func(ctx context.Context) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			return s3.Run(ctx, fn)
		})
	})
	if err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}

func TestCancelOverTwoHops(t *testing.T) {
	var s1, s2, s3 cancelscope.Scope
	hops(t, &s1, &s2, &s3, func(ctx context.Context) error {
		s1.Cancel(nil)
		if ctx.Err() == nil {
			t.Error("Err of the innermost context = nil right after Cancel of the outermost scope")
		}
		select {
		case <-ctx.Done():
		default:
			t.Error("Done of the innermost context is open right after Cancel of the outermost scope")
		}
		return nil
	})
}

func TestAbsorbOverTwoHops(t *testing.T) {
	var s1, s2, s3 cancelscope.Scope
	hops(t, &s1, &s2, &s3, func(ctx context.Context) error {
		s3.Cancel(nil)
		s1.Cancel(nil)
		return ctx.Err()
	})
	for i, s := range []*cancelscope.Scope{&s1, &s2, &s3} {
		if got, want := s.CanceledCaught(), i == 0; got != want {
			t.Errorf("scope %d: CanceledCaught = %v, want %v", i+1, got, want)
		}
	}
}
