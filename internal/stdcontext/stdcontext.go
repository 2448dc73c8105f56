package stdcontext

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

// The names of package context that its tests use.
type (
	Context         = context.Context
	CancelFunc      = context.CancelFunc
	CancelCauseFunc = context.CancelCauseFunc
)

var (
	Canceled         = context.Canceled
	DeadlineExceeded = context.DeadlineExceeded
)

// Place says where there are scopes: see the package documentation.
var Place = os.Getenv("TRELLIS_STDCONTEXT")

// enter runs run in a goroutine and returns the context that it calls its function with,
// and what makes that function return and waits for the end of run.
func enter(run func(fn func(ctx context.Context) error)) (ctx context.Context, leave func()) {
	entered, over, left := make(chan context.Context), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(left)
		run(func(inside context.Context) error {
			entered <- inside
			<-over
			return nil
		})
	}()
	end := sync.OnceFunc(func() { close(over) })
	return <-entered, func() { end(); <-left }
}

// The root is never left.
var root = sync.OnceValue(func() context.Context {
	ctx := context.Background()
	enter := func(run func(fn func(context.Context) error)) context.Context {
		inside, _ := enter(run)
		return inside
	}
	switch Place {
	case "root":
		return enter(func(fn func(context.Context) error) { _ = new(cancelscope.Scope).Run(ctx, fn) })
	case "limit":
		return enter(func(fn func(context.Context) error) { _ = deadline.FailAfter(ctx, 2000*time.Hour, fn) })
	case "starting", "started":
		return enter(func(fn func(context.Context) error) {
			_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				_, err := nursery.Start(ctx, n, "", func(ctx context.Context, started func(int)) error {
					if Place == "started" {
						started(1)
					}
					return fn(ctx)
				})
				return err
			})
		})
	}
	return ctx
})

// between enters a scope inside parent, if this is the place for it. The scope is left
// with the context that is derived from it, when leave is called.
func between(parent context.Context) (ctx context.Context, leave func()) {
	if Place != "between" || parent == nil {
		return parent, func() {}
	}
	return enter(func(fn func(context.Context) error) { _ = new(cancelscope.Scope).Run(parent, fn) })
}

// RootText is what the parent of a context that is derived from Background prints as.
func RootText() string {
	if Place == "between" {
		ctx, leave := between(context.Background())
		defer leave()
		return fmt.Sprint(ctx)
	}
	return fmt.Sprint(root())
}

func Background() Context { return root() }

func TODO() Context { return root() }

func WithCancel(parent Context) (Context, CancelFunc) {
	parent, leave := between(parent)
	ctx, cancel := context.WithCancel(parent)
	return ctx, func() { cancel(); leave() }
}

func WithCancelCause(parent Context) (Context, CancelCauseFunc) {
	parent, leave := between(parent)
	ctx, cancel := context.WithCancelCause(parent)
	return ctx, func(cause error) { cancel(cause); leave() }
}

func WithDeadline(parent Context, d time.Time) (Context, CancelFunc) {
	return WithDeadlineCause(parent, d, nil)
}

func WithDeadlineCause(parent Context, d time.Time, cause error) (Context, CancelFunc) {
	parent, leave := between(parent)
	ctx, cancel := context.WithDeadlineCause(parent, d, cause)
	return ctx, func() { cancel(); leave() }
}

func WithTimeout(parent Context, d time.Duration) (Context, CancelFunc) {
	return WithTimeoutCause(parent, d, nil)
}

func WithTimeoutCause(parent Context, d time.Duration, cause error) (Context, CancelFunc) {
	parent, leave := between(parent)
	ctx, cancel := context.WithTimeoutCause(parent, d, cause)
	return ctx, func() { cancel(); leave() }
}

func WithValue(parent Context, key, value any) Context {
	parent, _ = between(parent)
	return context.WithValue(parent, key, value)
}

func WithoutCancel(parent Context) Context { return context.WithoutCancel(parent) }

func AfterFunc(ctx Context, f func()) (stop func() bool) {
	ctx, leave := between(ctx)
	end := context.AfterFunc(ctx, f)
	return func() bool { defer leave(); return end() }
}

func Cause(ctx Context) error { return context.Cause(ctx) }
