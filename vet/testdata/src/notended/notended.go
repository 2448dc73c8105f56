package notended

import (
	"context"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
)

func work(ctx context.Context) error { return nil }

func dropped(ctx context.Context) (err error) {
	ctx, _ = deadline.Limit(ctx, time.Second) // want `the scope is never ended: its end function is dropped`
	return work(ctx)
}

func bothDropped(ctx context.Context) {
	deadline.Limit(ctx, time.Second) // want `the scope is never ended: both results of the call are dropped`
}

func silenced(ctx context.Context) (err error) {
	ctx, end := deadline.Limit(ctx, time.Second) // want `the scope is never ended: end is not called`
	_ = end
	return work(ctx)
}

func notDeferred(ctx context.Context) (err error) {
	var s cancelscope.Scope
	ctx, end := s.Enter(ctx)
	err = work(ctx)
	end(&err) // want `the call of end is not deferred`
	return err
}

func localVariable(ctx context.Context) error {
	var err error
	ctx, end := deadline.Limit(ctx, time.Second)
	defer end(&err) // want `err is not a named result of the function`
	err = work(ctx)
	return err
}

func shadowedResult(ctx context.Context) (err error) {
	if ctx, end := deadline.Limit(ctx, time.Second); ctx != nil {
		err := work(ctx)
		defer end(&err) // want `err is not a named result of the function`
	}
	return err
}

func resultOfAnother(ctx context.Context) (err error) {
	f := func() error {
		var local error
		ctx, end := deadline.Limit(ctx, time.Second)
		defer end(&local) // want `local is not a named result of the function`
		local = work(ctx)
		return local
	}
	return f()
}

func null(ctx context.Context) (err error) {
	ctx, end := deadline.Limit(ctx, time.Second)
	defer end(nil) // want `the end function panics when it gets nil`
	return work(ctx)
}
