package cancelscope

import (
	"context"

	"github.com/trellis-go/trellis/internal/record"
	"github.com/trellis-go/trellis/internal/tree"
)

// AsCancellation returns err as a cancellation of ctx if ctx is done. It is for the
// one call that is known to report a cancellation by an error of its own, and is given
// the context of that call:
//
//	return cancelscope.AsCancellation(ctx, cmd.Run()) // "signal: killed"
//
// If ctx is done and err is not nil, the result is a cancellation for [Split] and for
// the scopes that ctx belongs to, whatever err wraps. It keeps the text of err, and
// [errors.Is] and [errors.As] find err and all that it wraps, as well as ctx.Err().
// If ctx is not done, or err is nil, AsCancellation returns err as it is.
//
// A real failure that comes up while ctx is done is taken for a cancellation too. So
// do not put a larger block of code into the call of AsCancellation.
//
// AsCancellation does not block, calls no methods of err, and panics if ctx is nil.
func AsCancellation(ctx context.Context, err error) error {
	if ctx == nil {
		panic("cancelscope: AsCancellation with a nil context: pass the one that the call was given")
	}
	if err == nil {
		return nil
	}
	end := ctx.Err()
	if end == nil {
		return err
	}
	if err == standard(end) {
		return err
	}
	return &disguised{err, knownAs(ctx, end)}
}

// knownAs returns the cancellation of ctx, whose Err is end, by which the scopes around
// know it best.
func knownAs(ctx context.Context, end error) error {
	if c, ok := record.Unwrap(ctx).(*scopeContext); ok { // context.Cause would make the bridge
		if c := (*Scope)(c).poll(); c != nil && c.kind != ByExit {
			return c
		}
	} else if c, ok := context.Cause(ctx).(*Canceled); ok {
		if in, ok := ctx.Value(tree.Key{}).(*scopeContext); ok && (*Scope)(in).knows(c) {
			return c
		}
	}
	return standard(end)
}

// A disguised error is a cancellation that does not look like one.
type disguised struct {
	err error // what the call returned
	as  error // the cancellation: a *Canceled, or one of the two errors of contexts
}

// Disguised implements [tree.Disguised].
func (d *disguised) Disguised() {}

func (d *disguised) Error() string   { return d.err.Error() }
func (d *disguised) Unwrap() []error { return []error{d.err, d.as} }

// isOf reports whether d is a cancellation of the context of j.
func (d *disguised) isOf(j judge) bool {
	if c, ok := d.as.(*Canceled); ok {
		return j.owns(c)
	}
	return d.as == j.err
}
