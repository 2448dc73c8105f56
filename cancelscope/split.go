package cancelscope

import (
	"context"

	"github.com/trellis-go/trellis/internal/record"
	"github.com/trellis-go/trellis/internal/tree"
)

// IsCancellation reports whether err consists of cancellations of ctx alone: whether
// [Split] would find some in it and leave no rest. It panics if ctx is nil, and
// otherwise calls methods of err as Split does.
func IsCancellation(ctx context.Context, err error) bool {
	if ctx == nil {
		panic("cancelscope: IsCancellation with a nil context: pass the one that the error comes from")
	}
	p, _ := judgeOf(ctx, err)
	return p.canceled()
}

// Split divides err into the cancellations of ctx in it and the rest, which are
// real errors; either is nil where there is none. Scopes judge the errors of their
// blocks in the same way.
//
// While ctx is not done, nothing is a cancellation. Once it is, these are:
//   - the value of ctx.Err(), bare or at the end of a chain of wrappers with a method
//     Unwrap() error. An error at the end of a chain, which wraps nothing itself,
//     also counts if it claims by a method Is(error) bool to be that value: dialing
//     with a context that is done gives such errors.
//   - a [*Canceled], bare or in such a chain, that began in a scope of ctx: in the
//     innermost one or any around it. Its reason plays no part. A Canceled counts as
//     well if it is the cause of a foreign context around these scopes. (A foreign
//     context is one not made by this package.) A Canceled of kind [ByParent] that
//     began further inside is judged as if it were the Err of the foreign context
//     that it came from.
//   - the cause of a foreign context that has ended ctx, bare or in such a chain:
//     [context.Cause] returns it for ctx, and so do functions that wait. If your code
//     cancels such a context with an error, that error counts as a cancellation inside.
//   - what [AsCancellation] has returned for ctx, bare or in such a chain, whatever it
//     wraps.
//
// Everything else is real: a context.Canceled while ctx.Err() is
// context.DeadlineExceeded, and the other way round; a [*Canceled] from elsewhere;
// and every error with a method Cancellation() bool that returns false, whatever it
// wraps.
//
// Errors with a method Unwrap() []error are divided leaf by leaf, at any depth;
// members that are nil do not count. If some but not all of the leaves are removed,
// what remains has the same form. An error with a method Derive([]error) error is
// asked for a copy of itself with the given members. Those of [errors.Join] are joined
// anew. Any other keeps its text, and [errors.Is] and [errors.As] find the error
// itself and the members that remain. A chain of single wrappers counts as one leaf:
// with something real anywhere in it, it is real as a whole.
//
// Each error is asked once, and nothing is locked meanwhile. If one of its methods
// panics or calls runtime.Goexit, Split does too. The work is bounded: about 260,000
// errors in all, chains of 10,000 wrappers, errors that join others nested 1,000
// deep. What lies beyond is real and kept as it is, and so is an error that contains
// itself.
//
// Split panics if ctx is nil.
func Split(ctx context.Context, err error) (canceled, rest error) {
	if ctx == nil {
		panic("cancelscope: Split with a nil context: pass the one that the error comes from")
	}
	p, ok := judgeOf(ctx, err)
	if !ok {
		return nil, err
	}
	return p.split()
}

// judgeOf judges err as a scope of ctx does. It reports whether there is anything to
// judge: ctx is done and err is not nil.
func judgeOf(ctx context.Context, err error) (p part, ok bool) {
	if err == nil {
		return part{}, false
	}
	state := ctx.Err()
	switch {
	case state == nil:
		return part{err: err}, false
	case (err == context.Canceled || err == context.DeadlineExceeded) && err == state:
		return part{err: err, by: first}, true // what most canceled tasks return
	}
	if c, ok := record.Unwrap(ctx).(*scopeContext); ok { // context.Cause would make the bridge
		s := (*Scope)(c)
		return s.judge(s.poll()).part(err), true
	}
	j := judge{err: standard(state)}
	if c, ok := ctx.Value(tree.Key{}).(*scopeContext); ok {
		j.scope = (*Scope)(c)
	}
	j.raw = context.Cause(ctx)
	j.cause, _ = j.raw.(*Canceled)
	return j.part(err), true
}
