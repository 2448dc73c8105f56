package record

import (
	"context"
	"runtime/trace"
	"sync"
	"sync/atomic"
	"time"
)

// A Recording is on from its first [Start] to its last stop.
type Recording struct {
	since  int64 // on our clock
	labels Labeler
}

// A Labeler makes labels for profiles. It is package runtime/pprof in the hands of package
// tasktree, so that programs that do not use that package do not get its code.
type Labeler interface {
	// Labeled returns ctx with a label more.
	Labeled(ctx context.Context, key, value string) context.Context
	// Set sets the labels of the calling goroutine to those of ctx.
	Set(ctx context.Context)
}

// current is the recording that is on, nil if there is none. It is written under starting.mu.
var current atomic.Pointer[Recording]

// starting counts who has turned recording on.
var starting struct {
	mu      sync.Mutex
	count   int // guarded by mu
	labeled int // guarded by mu; how many of them want labels
}

// Active reports whether nodes are to be made: recording is on, or an execution trace is
// being taken.
func Active() bool { return current.Load() != nil || trace.IsEnabled() }

// On reports whether recording is on.
func On() bool { return current.Load() != nil }

// Start turns recording on and returns a function that turns it off when it has been called
// for every Start. A second call of it does nothing. If labels is not nil, tasks that start
// before then have labels and know their goroutine.
func Start(labels Labeler) (stop func()) {
	change(1, labels)
	return sync.OnceFunc(func() { change(-1, labels) })
}

func change(by int, labels Labeler) {
	starting.mu.Lock()
	defer starting.mu.Unlock()
	starting.count += by
	if labels != nil {
		starting.labeled += by
	}
	if starting.count == 0 {
		current.Store(nil)
		return
	}
	next := &Recording{since: now()}
	if was := current.Load(); was != nil {
		*next = *was
	}
	switch {
	case starting.labeled == 0:
		next.labels = nil
	case next.labels == nil:
		next.labels = labels
	}
	current.Store(next)
}

// Since returns when the recording that is on was turned on, the zero time if none is.
func Since() time.Time {
	if r := current.Load(); r != nil {
		return Time(r.since)
	}
	return time.Time{}
}

// Labels reports whether tasks are recorded with labels.
func Labels() bool {
	r := current.Load()
	return r != nil && r.labels != nil
}

// base is the zero of our clock. See package cancelscope, which has the same.
var base = time.Now()

func now() int64 { return int64(time.Since(base)) }

// Now reads the clock if recording is on, and returns zero otherwise.
func Now() int64 {
	if current.Load() == nil {
		return 0
	}
	return now()
}

// Time returns the time of an instant on our clock. It has no monotonic part, because times
// of a synctest bubble have none. Zero is the zero time.
func Time(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return base.Add(time.Duration(at)).Round(0)
}
