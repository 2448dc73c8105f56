package tasktest

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// beforeTimeout prints the tree when the limit of go test is near, and returns a function
// that prevents it, or waits until it has been printed.
func (c Config) beforeTimeout(t testing.TB, ctx context.Context) (stop func()) {
	limit, ok := deadline(t)
	if !ok {
		return func() {}
	}
	left := time.Until(limit)
	before := c.Before
	if before <= 0 {
		before = min(max(left/10, 100*time.Millisecond), 5*time.Second)
	}
	printed := make(chan struct{})
	name := t.Name() // not later, because the function of a test must not be called when it has ended
	timer := time.AfterFunc(max(0, left-before), func() {
		defer close(printed)
		tree := take(ctx, true)
		// One call, so that the output of other tests does not get between the lines.
		fmt.Fprintf(c.Output, "tasktest: %s exceeds the time limit of go test in %v. %s\n%s\n", name, time.Until(limit).Round(time.Millisecond), verdict(tree), tree)
	})
	return func() {
		if !timer.Stop() {
			<-printed
		}
	}
}

// deadline returns when go test ends the test binary, if that is known: benchmarks do not
// know it, and in a bubble it would be one of another clock.
func deadline(t testing.TB) (limit time.Time, ok bool) {
	d, ok := t.(interface{ Deadline() (time.Time, bool) })
	if !ok {
		return time.Time{}, false
	}
	defer func() {
		if recover() != nil { // which is how a test in a bubble answers
			limit, ok = time.Time{}, false
		}
	}()
	return d.Deadline()
}
