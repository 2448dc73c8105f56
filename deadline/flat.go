package deadline

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/cutshort"
)

// Limit begins a time limit that covers the rest of a function: [FailAfter] without a
// block, for a function with a named error result. It replaces context.WithTimeout and
// its deferred cancel:
//
//	func fetch(ctx context.Context, url string) (err error) {
//		ctx, end := deadline.Limit(ctx, time.Second)
//		defer end(&err)
//		…
//	}
//
// end leaves the scope of the limit, and makes of the error what FailAfter makes of it: if
// the limit cut the function short, so that it returned the cancellation, end replaces
// that by a [*TooSlowError]; if there are real errors beside it, only these stay. Always
// defer end: a panic or runtime.Goexit runs it as well. A second call of end does nothing.
//
// Use FailAfter where the limit covers a part of a function, and [Call] where that part
// has a value.
//
// A negative d is taken as zero. Limit panics if ctx is nil, and end if its argument is
// nil.
func Limit(ctx context.Context, d time.Duration) (limited context.Context, end func(err *error)) {
	if ctx == nil {
		panic("deadline: Limit with a nil context: pass context.Background() if there is none")
	}
	d = max(d, 0)
	s := new(cancelscope.Scope)
	s.SetTimeout(d)
	limited, leave := s.Enter(ctx)
	var ended atomic.Bool
	return limited, func(err *error) {
		if err == nil {
			panic("deadline: end of a Limit with a nil pointer: pass the address of the named error result, as in defer end(&err)")
		}
		if ended.Swap(true) {
			return
		}
		cut := *err
		leave(err)
		slow, rest := tooSlow(s, *err)
		if slow {
			t, _ := s.Deadline()
			rest = &TooSlowError{Limit: d, Deadline: t, Cut: cutshort.Words(cut)}
		}
		*err = rest
	}
}
