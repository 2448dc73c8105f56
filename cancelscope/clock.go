package cancelscope

import (
	"math"
	"time"
)

// base is the zero of our clock. Outside synctest bubbles instants are monotonic;
// inside, where times have no monotonic part, both base and the fake clock are read as
// wall time.
var base = time.Now()

// An instant is a time on our clock, in nanoseconds since base, so that deadlines can
// be compared, and stored atomically. The zero value is never: a deadline that is not
// set, or that is centuries away.
type instant int64

const (
	never   instant = 0
	longAgo instant = math.MinInt64 / 2 // the earliest; the clock can be subtracted from it
)

// now reads the clock.
func now() instant { return instant(time.Since(base)) }

// instantOf returns t on our clock. The zero time is no deadline.
func instantOf(t time.Time) instant {
	if t.IsZero() {
		return never
	}
	at := instant(t.Sub(base))
	if !monotonic(t) {
		// A time without monotonic part means the wall clock as it is now, which
		// may have been set since base.
		n, wait := now(), instant(time.Until(t))
		if at = n + wait; wait > 0 && at < n {
			return never // centuries away
		}
		if wait < 0 && at > n {
			return longAgo
		}
	}
	if at == never {
		return 1
	}
	return max(at, longAgo)
}

// monotonic reports whether t has a reading of the monotonic clock.
func monotonic(t time.Time) bool { return t != t.Round(0) }

// before reports whether i is earlier than j.
func (i instant) before(j instant) bool { return i != never && (j == never || i < j) }

// passed reports whether i has passed when the clock says t.
func (i instant) passed(t instant) bool { return i != never && i <= t }
