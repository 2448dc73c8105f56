package cancelscope_test

import (
	"context"
	"testing"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
)

// A merged context is one of a user's own type, as libraries have them that make one
// context of two: it has its own Done, and leaves the rest to its parent.
type merged struct {
	context.Context
	done  chan struct{}
	calls *int // of Err, Deadline and Value of all of them
}

func (m merged) Done() <-chan struct{} { return m.done }

func (m merged) Err() error {
	*m.calls++
	return m.Context.Err()
}

func (m merged) Deadline() (time.Time, bool) {
	*m.calls++
	return m.Context.Deadline()
}

func (m merged) Value(key any) any {
	*m.calls++
	return m.Context.Value(key)
}

// intoMerged runs f below depth scopes, each in a merged context.
func intoMerged(ctx context.Context, depth int, calls *int, f block) {
	if depth == 0 {
		_ = f(ctx)
		return
	}
	inScope(merged{ctx, make(chan struct{}), calls}, func(ctx context.Context) error {
		intoMerged(ctx, depth-1, calls, f)
		return nil
	})
}

// What is asked of contexts of other makes grows with the depth, and not with its
// square, nor with its power of two.
func TestLooksAreLinearInDepth(t *testing.T) {
	const most = 8 // calls for each level
	for name, look := range map[string]func(ctx context.Context){
		"Err":       func(ctx context.Context) { _ = ctx.Err() },
		"Done":      func(ctx context.Context) { ctx.Done() },
		"Cause":     func(ctx context.Context) { _ = context.Cause(ctx) },
		"Deadline":  func(ctx context.Context) { ctx.Deadline() },
		"Effective": func(ctx context.Context) { deadline.Effective(ctx) },
		"an entry": func(ctx context.Context) {
			inScope(merged{ctx, make(chan struct{}), new(int)}, func(context.Context) error { return nil })
		},
		"an entry that looks": func(ctx context.Context) {
			inScope(merged{ctx, make(chan struct{}), new(int)}, func(ctx context.Context) error { return ctx.Err() })
		},
		"WithCancel": func(ctx context.Context) { _, cancel := context.WithCancel(ctx); cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			for _, depth := range []int{10, 20, 40} {
				outside, cancel := context.WithCancel(context.Background())
				calls := 0
				intoMerged(outside, depth, &calls, func(ctx context.Context) error {
					inScope(ctx, func(inside context.Context) error {
						inside.Done() // and the next one sees that the merged context has another
						inScope(merged{inside, make(chan struct{}), new(int)}, func(ctx context.Context) error {
							bubbletest.CheckError(t, "Err", ctx.Err(), nil)
							return nil
						})
						return nil
					})
					before := calls
					look(ctx)
					if n := calls - before; n > most*depth {
						t.Errorf("%d levels deep it calls methods of the contexts between %d times, want at most %d", depth, n, most*depth)
					}
					cancel()
					before = calls
					look(ctx)
					if n := calls - before; n > most*depth {
						t.Errorf("%d levels deep, canceled, it calls methods of the contexts between %d times, want at most %d", depth, n, most*depth)
					}
					bubbletest.CheckError(t, "Err", ctx.Err(), context.Canceled)
					return nil
				})
			}
		})
	}
}
