package cancelscope_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/trellis-go/trellis/cancelscope"
)

// What a scope passes up because a plain context around it is done is a cancellation
// for code that has only that context: a main function, say, that asks
// whether its program failed or was interrupted.
func TestIsCancellationOutside(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("signal"))
	var s cancelscope.Scope
	err := s.Run(ctx, func(ctx context.Context) error { return context.Cause(ctx) })
	if !cancelscope.IsCancellation(ctx, err) {
		t.Errorf("IsCancellation(ctx, %#v) = false, want true", err)
	}
	if other := context.Background(); cancelscope.IsCancellation(other, err) {
		t.Errorf("IsCancellation(context.Background(), %#v) = true, want false", err)
	}

	var own cancelscope.Scope
	own.Cancel(nil)
	own.Run(context.Background(), func(inside context.Context) error { err = context.Cause(inside); return nil })
	if cancelscope.IsCancellation(ctx, err) {
		t.Errorf("IsCancellation(ctx, %#v) of a scope that was canceled by hand = true, want false", err)
	}
}

func TestNilContextOfAJudgement(t *testing.T) {
	var none context.Context
	for name, f := range map[string]func(){
		"cancelscope: Split with a nil context":          func() { cancelscope.Split(none, errors.New("x")) },
		"cancelscope: IsCancellation with a nil context": func() { cancelscope.IsCancellation(none, errors.New("x")) },
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.HasPrefix(text, name) {
					t.Errorf("panic with %q, want %q and so on", text, name)
				}
			}()
			f()
		}()
	}
}
