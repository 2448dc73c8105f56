package activityscope

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/temporal/failure"
)

// withoutTimeout is how often heartbeats are sent if the activity has no HeartbeatTimeout.
const withoutTimeout = 10 * time.Second

// Run calls fn and returns when it has returned. Meanwhile it sends heartbeats, three times as
// often as the activity's HeartbeatTimeout asks for, or every ten seconds if it has none; the SDK
// passes on as many as are needed. fn gets the context of the activity with [Heartbeat] added to
// it; it is done when the activity is canceled, has timed out, is paused or reset, or when its
// worker stops.
//
// Run returns what fn returned, with the error in the form that crosses the network, as
// failure.EncodeActivity makes it: real errors without the cancellations beside them, or the
// cancellation alone. A result that comes with a nil error counts, also if the activity has been
// canceled. A panic of fn passes, as in any function.
//
// Run panics if ctx is not the context of an activity, or if fn is nil.
func Run[T any](ctx context.Context, fn func(ctx context.Context) (T, error)) (T, error) {
	if ctx == nil || !activity.IsActivity(ctx) {
		panic("activityscope: Run outside of an activity: pass the context that the activity was given")
	}
	if fn == nil {
		panic("activityscope: Run with a nil function: there is nothing to run")
	}
	b := newBeat(ctx)
	var value T
	var err error
	// What the nursery returns is not needed: the heartbeats end in a cancellation, and the error
	// of the body is err.
	_ = nursery.Run(context.WithValue(ctx, beatKey{}, b), func(ctx context.Context, n *nursery.Nursery) error {
		beats := nursery.Spawn(n, "heartbeats", b.run)
		defer beats.Cancel(nil) // when fn panics as well
		value, err = fn(ctx)
		return nil
	})
	if err == nil {
		return value, nil
	}
	var none T
	return none, failure.EncodeActivity(ctx, err)
}

// A beat sends the heartbeats of one activity.
type beat struct {
	ctx   context.Context // of the activity
	every time.Duration

	mu   sync.Mutex // held while a heartbeat is recorded, so that an old one does not come last
	last []any      // guarded by mu: the details to send again
}

type beatKey struct{}

func newBeat(ctx context.Context) *beat {
	b := &beat{ctx: ctx, every: withoutTimeout}
	if timeout := activity.GetInfo(ctx).HeartbeatTimeout; timeout > 0 {
		b.every = max(timeout/3, time.Millisecond)
	}
	// What an earlier attempt reported must not be lost when this one fails before it
	// reports anything.
	var earlier converter.RawValue
	if activity.HasHeartbeatDetails(ctx) && activity.GetHeartbeatDetails(ctx, &earlier) == nil {
		b.last = []any{earlier}
	}
	return b
}

// run sends heartbeats until ctx is done.
func (b *beat) run(ctx context.Context) (struct{}, error) {
	ticker := time.NewTicker(b.every)
	defer ticker.Stop()
	for {
		b.record(nil)
		select {
		case <-ctx.Done():
			return struct{}{}, context.Cause(ctx)
		case <-ticker.C:
		}
	}
}

// record sends a heartbeat: with details if there are some, else with the last ones.
func (b *beat) record(details []any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if details != nil {
		b.last = details
	}
	activity.RecordHeartbeat(b.ctx, b.last...)
}

// Heartbeat reports how far the activity has come, and keeps that for the heartbeats that [Run]
// sends. A later attempt of the activity gets it from activity.GetHeartbeatDetails. It may be called
// by any number of goroutines, and blocks for one call to the server at most. Outside of Run it
// does what activity.RecordHeartbeat does.
func Heartbeat(ctx context.Context, details any) {
	b, ok := ctx.Value(beatKey{}).(*beat)
	if !ok {
		activity.RecordHeartbeat(ctx, details)
		return
	}
	b.record([]any{details})
}

// A Reason says why an activity is to stop.
type Reason int

const (
	NotStopped Reason = iota // its context is not done
	ByWorkflow               // the workflow, or a client, canceled it
	ByTimeout                // one of its timeouts passed
	ByPause                  // it was paused; it will be tried again when it is resumed
	ByReset                  // it was reset; it will be tried again
	ByWorker                 // its worker stops; it will be tried again elsewhere
	ByClose                  // its workflow has closed, or the server does not know the activity any more
	ByScope                  // a scope or nursery inside the activity was canceled
)

// String returns a word for the reason.
func (r Reason) String() string {
	switch r {
	case NotStopped:
		return "not stopped"
	case ByWorkflow:
		return "workflow"
	case ByTimeout:
		return "timeout"
	case ByPause:
		return "pause"
	case ByReset:
		return "reset"
	case ByWorker:
		return "worker"
	case ByClose:
		return "close"
	case ByScope:
		return "scope"
	}
	return "Reason(" + strconv.Itoa(int(r)) + ")"
}

// Why returns the reason for which the activity under ctx is to stop. context.Cause(ctx) wraps the
// error behind it. Clean-up may depend on it: an activity that will be tried again elsewhere can
// leave its work half done, one that was canceled must undo it.
func Why(ctx context.Context) Reason {
	if ctx.Err() == nil {
		return NotStopped
	}
	outer := ctx
	if b, ok := ctx.Value(beatKey{}).(*beat); ok {
		outer = b.ctx
	}
	if outer.Err() == nil {
		return ByScope
	}
	cause := context.Cause(outer)
	switch {
	case errors.Is(cause, activity.ErrActivityPaused):
		return ByPause
	case errors.Is(cause, activity.ErrActivityReset):
		return ByReset
	case errors.Is(cause, worker.ErrWorkerShutdown):
		return ByWorker
	case temporal.IsCanceledError(cause):
		return ByWorkflow
	case errors.Is(cause, context.DeadlineExceeded):
		return ByTimeout
	}
	return ByClose
}
