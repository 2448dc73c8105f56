package nursery

import (
	"context"
	"io"
)

// A receiver is the source of a feed whose items are returned by a function.
type receiver[T any] struct {
	n       *Nursery
	receive func(ctx context.Context) (T, error)
	given   func() bool // see supply.over
}

func (r *receiver[T]) label() label { return label{"receive", r.receive, item} }

// pull returns the next item. An error other than the end is the failure of a task.
func (r *receiver[T]) pull() (v T, ok bool) {
	v, err := r.receive(r.n.ctx)
	switch {
	case err == nil:
		return v, true
	case !isEnd(err):
		r.n.endWithError(r.label(), err, nil)
	}
	var none T
	return none, false
}

func (r *receiver[T]) over() bool { return r.given != nil && r.given() }

func (r *receiver[T]) stop() {}

// isEnd reports whether err says that there are no more items: it is io.EOF, or claims to
// be by an Is method of its own. An error that only wraps io.EOF, such as that of a
// reader in the middle of an item, is a failure.
func isEnd(err error) bool {
	if err == io.EOF {
		return true
	}
	end, ok := err.(interface{ Is(target error) bool })
	return ok && end.Is(io.EOF)
}
