package notendedok

import (
	"context"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
)

func work(ctx context.Context) error { return nil }

func usual(ctx context.Context) (err error) {
	ctx, end := deadline.Limit(ctx, time.Second)
	defer end(&err)
	return work(ctx)
}

func twoResults(ctx context.Context) (n int, err error) {
	var s cancelscope.Scope
	ctx, end := s.Enter(ctx)
	defer end(&err)
	return 1, work(ctx)
}

func inLiteral(ctx context.Context) error {
	f := func() (err error) {
		ctx, end := deadline.Limit(ctx, time.Second)
		defer end(&err)
		return work(ctx)
	}
	return f()
}

// The error of the function around is one that its caller gets.
func resultOfOuter(ctx context.Context) (err error) {
	func() {
		ctx, end := deadline.Limit(ctx, time.Second)
		defer end(&err)
		err = work(ctx)
	}()
	return err
}

func deferredLiteral(ctx context.Context) (err error) {
	ctx, end := deadline.Limit(ctx, time.Second)
	defer func() {
		end(&err)
		println("ended")
	}()
	return work(ctx)
}

// A deferred function that was registered before runs later, and reads the variable.
func readByDefer(ctx context.Context, report func(error)) {
	var err error
	defer func() { report(err) }()
	ctx, end := deadline.Limit(ctx, time.Second)
	defer end(&err)
	err = work(ctx)
}

func returned(ctx context.Context) (context.Context, func(*error)) {
	ctx, end := deadline.Limit(ctx, time.Second)
	return ctx, end
}

func direct(ctx context.Context) (context.Context, func(*error)) {
	return deadline.Limit(ctx, time.Second)
}

type holder struct{ end func(*error) }

func stored(ctx context.Context, h *holder) context.Context {
	ctx, h.end = deadline.Limit(ctx, time.Second)
	return ctx
}

func passed(ctx context.Context, t *testing.T) error {
	ctx, end := deadline.Limit(ctx, time.Second)
	t.Cleanup(func() { var err error; end(&err) })
	return work(ctx)
}

func pointer(ctx context.Context, errp *error) {
	ctx, end := deadline.Limit(ctx, time.Second)
	defer end(errp)
	*errp = work(ctx)
}

type job struct{ err error }

func (j *job) field(ctx context.Context) {
	ctx, end := deadline.Limit(ctx, time.Second)
	defer end(&j.err)
	j.err = work(ctx)
}

func ignored(ctx context.Context) (err error) {
	//trellisvet:ignore notended the process ends here
	ctx, _ = deadline.Limit(ctx, time.Second)
	return work(ctx)
}
