package cancelscope

import (
	"math"
	"time"
)

// Instants are nanoseconds since base, so that they can be compared and stored
// atomically. Outside synctest bubbles they are monotonic; inside, where times
// have no monotonic part, both base and the fake clock are read as wall time.
var base = time.Now()

// never is the instant of a deadline that is not set.
const never = math.MaxInt64

func now() int64 { return int64(time.Since(base)) }

// since is the instant of a time that has just been read.
func since(t time.Time) int64 { return int64(t.Sub(base)) }

// unread stands for what the clock says where nobody has looked yet.
const unread = math.MinInt64

// instant is t on our clock. The zero time is no deadline.
func instant(t time.Time) int64 {
	if t.IsZero() {
		return never
	}
	at := int64(t.Sub(base))
	if t.Round(0) == t {
		// A time without monotonic part means the wall clock as it is now, which
		// may have been set since base.
		n, wait := now(), int64(time.Until(t))
		if at = n + wait; wait > 0 && at < n {
			return never // centuries away
		}
		if wait < 0 && at > n {
			return math.MinInt64
		}
	}
	if at == 0 {
		return 1 // zero is what Scope.due has where there is no deadline
	}
	return at
}
