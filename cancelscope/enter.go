package cancelscope

import (
	"context"
	"sync/atomic"
)

// Enter enters the scope and returns its context, and a function that leaves the scope:
// [Scope.Run] without a block, for a function that is to have one scope to its end.
//
//	func fetchAll(ctx context.Context, urls []string) (err error) {
//		var s cancelscope.Scope
//		ctx, end := s.Enter(ctx)
//		defer end(&err)
//		…
//	}
//
// end does what Run does when its block has ended: err points to the error of the
// block, from which end removes the cancellations that end here. Always defer it: a
// panic or runtime.Goexit runs it as well, and the scope is left properly. A second call
// of end does nothing. Where an outer scope is ended first, the contexts of the scopes
// inside are done from then on.
//
// Use Run where only a part of a function belongs to the scope, or where the function
// has no named error result.
//
// Enter panics if ctx is nil or if the scope has been run or entered before; end panics
// if its argument is nil, because errors would be lost.
func (s *Scope) Enter(ctx context.Context) (inside context.Context, end func(err *error)) {
	if ctx == nil {
		panic("cancelscope: Enter with a nil context: pass context.Background() if there is none")
	}
	s.enter(ctx)
	var ended atomic.Bool
	return (*scopeContext)(s), func(err *error) {
		if err == nil {
			panic("cancelscope: end with a nil pointer: pass the address of the named error result, as in defer end(&err)")
		}
		if !ended.Swap(true) {
			cause, visible := s.exit()
			*err = s.filter(*err, cause, visible)
		}
	}
}

// filter returns the error of a block as it is seen from outside. The scope has been left.
func (s *Scope) filter(err error, cause, visible *Canceled) error {
	cause.settle()
	defer cause.release(s)
	switch {
	case err == nil || cause == nil:
		return err
	case visible != nil:
		return passUp(err, s, cause, visible)
	}
	return s.absorb(err, cause)
}
