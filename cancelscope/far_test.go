package cancelscope_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// Deadlines that are centuries away are beyond the clock of a scope and never pass, but
// they are deadlines like others.
func TestFarDeadline(t *testing.T) {
	far := time.Now().AddDate(400, 0, 0)
	for name, set := range map[string]func(s *cancelscope.Scope){
		"deadline": func(s *cancelscope.Scope) { s.SetDeadline(far) },
		"timeout":  func(s *cancelscope.Scope) { s.SetTimeout(math.MaxInt64) },
	} {
		bubbletest.Run(t, name, func(t *testing.T) {
			for _, early := range []bool{true, false} {
				s := cancelscope.Scope{Adjustable: true}
				if early {
					set(&s)
				}
				s.Run(t.Context(), func(ctx context.Context) error {
					if !early {
						set(&s)
					}
					if at, ok := s.Deadline(); !ok || at.Before(time.Now().AddDate(200, 0, 0)) {
						t.Errorf("set before Run: %t: Deadline() = %v, %t, want one in some centuries", early, at, ok)
					}
					ctx.Done()
					time.Sleep(100 * 365 * 24 * time.Hour)
					if s.CancelCalled() || ctx.Err() != nil {
						t.Errorf("set before Run: %t: after a century CancelCalled() = %t and Err() = %v, want false and nil", early, s.CancelCalled(), ctx.Err())
					}
					s.SetDeadline(time.Time{})
					if at, ok := s.Deadline(); ok {
						t.Errorf("set before Run: %t: lifted, Deadline() = %v, want none", early, at)
					}
					return nil
				})
			}
		})
	}
}

// The Err of a context from elsewhere may be of a type that cannot be compared.
func TestSplitWithAnErrThatCannotBeCompared(t *testing.T) {
	done := make(chan struct{})
	close(done)
	ctx := oddContext{context.Background(), done}
	if canceled, rest := cancelscope.Split(ctx, ctx.Err()); canceled == nil || rest != nil {
		t.Errorf("Split(Err()) = %v, %v, want a cancellation alone", canceled, rest)
	}
	if canceled, rest := cancelscope.Split(ctx, context.Canceled); canceled == nil || rest != nil {
		t.Errorf("Split(context.Canceled) = %v, %v, want a cancellation alone", canceled, rest)
	}
}

type oddContext struct {
	context.Context
	done chan struct{}
}

func (c oddContext) Done() <-chan struct{} { return c.done }
func (oddContext) Err() error              { return oddError{context.Canceled} }

type oddError []error

func (oddError) Error() string     { return "odd" }
func (e oddError) Unwrap() []error { return e }
