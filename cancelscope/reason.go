package cancelscope

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/trellis-go/trellis/internal/tree"
)

// The reason of a Canceled is kept as it is, but for the Canceled inside it: programs
// that are restarted cancel each round with the cause of the round before, and a chain
// of all rounds must not come of that. A Canceled in a reason is replaced by its text,
// and an error around it is made anew or, where that cannot be done, replaced by its
// text above what else is inside.
//
// To find out, reasons are looked into, and that happens while scopes wait to be
// canceled. So no method of a user's type is called for it: only errors of this
// module and of packages errors and fmt are opened. The texts, which cannot be had
// without such methods, are taken by settle when the cancellation is done.
const (
	maxReduced      = 10_000 // errors in a reason that are looked at
	maxReducedDepth = 100    // errors inside one another
	maxRetold       = 4_096  // bytes of a text that replaces an error
)

// reduce returns reason without the Canceled in it, and whether it had any: see
// [Canceled.Reason].
func reduce(reason error) (_ error, changed bool) {
	looks := maxReduced
	return reduceAt(reason, 0, &looks)
}

func reduceAt(err error, depth int, looks *int) (_ error, changed bool) {
	if c, ok := err.(*Canceled); ok && c != nil {
		return retell(c, nil), true
	}
	if err == nil || depth == maxReducedDepth || *looks == 0 {
		return err, false
	}
	*looks--
	var reduced []error // nil until something has changed
	switch e := err.(type) {
	case *retelling:
		return err, false
	case *pruned:
		reduced = slices.Clone(e.kept) // what it has lost are cancellations
	case *disguised:
		if _, ok := e.as.(*Canceled); ok {
			reduced = []error{e.err}
		}
	}
	many, one := inside(err)
	if one != nil {
		if in, ch := reduceAt(one, depth+1, looks); ch {
			reduced = []error{in}
		}
	}
	for i, in := range many {
		in, ch := reduceAt(in, depth+1, looks)
		if !ch {
			continue
		}
		if reduced == nil {
			reduced = slices.Clone(many)
		}
		reduced[i] = in
	}
	switch {
	case reduced == nil:
		return err, false
	case reflect.TypeOf(err) == joined:
		return errors.Join(reduced...), true
	case ours(err):
		return err.(interface{ Derive([]error) error }).Derive(reduced), true
	}
	return retell(err, reduced), true
}

// settle makes reduce final: it takes the texts, for which it calls the Error methods
// of the user's errors, and lets go of the errors. It must be called without locks.
func settle(reason error) {
	looks := maxReduced
	settleAt(reason, 0, &looks)
}

func settleAt(err error, depth int, looks *int) {
	if err == nil || depth == maxReducedDepth || *looks == 0 {
		return
	}
	*looks--
	if r, ok := err.(*retelling); ok {
		r.settled()
	}
	many, one := inside(err)
	settleAt(one, depth+1, looks)
	for _, in := range many {
		settleAt(in, depth+1, looks)
	}
}

var (
	wrapped     = reflect.TypeOf(fmt.Errorf("%w", context.Canceled))
	wrappedMany = reflect.TypeOf(fmt.Errorf("%w%w", context.Canceled, context.Canceled))

	// nurseryPath is where the errors of nurseries are defined.
	nurseryPath = strings.TrimSuffix(reflect.TypeFor[tree.Key]().PkgPath(), "internal/tree") + "nursery"
)

// inside returns the errors in err, many or one, without calling methods of a user's
// type.
func inside(err error) (many []error, one error) {
	switch e := err.(type) {
	case *retelling:
		return e.inner, nil
	case *pruned:
		return e.kept, nil
	case *disguised:
		return nil, e.err
	}
	if t := reflect.TypeOf(err); t != joined && t != wrapped && t != wrappedMany && !ours(err) {
		return nil, nil
	}
	if e, ok := err.(interface{ Unwrap() []error }); ok {
		return e.Unwrap(), nil
	}
	return nil, errors.Unwrap(err)
}

// ours reports whether err is an error of a nursery that can be made anew.
func ours(err error) bool {
	t := reflect.TypeOf(err)
	if t.Kind() != reflect.Pointer || t.Elem().PkgPath() != nurseryPath || reflect.ValueOf(err).IsNil() {
		return false
	}
	_, ok := err.(interface{ Derive([]error) error })
	return ok
}

// A retelling has the text of an error, and those errors inside it that could be kept.
type retelling struct {
	inner  []error // read-only
	source atomic.Pointer[error]
	story  atomic.Pointer[story] // nil until settled; then source is nil
}

// A story is what remains of an error: its text, and if it is that of a Canceled, the
// reason.
type story struct {
	head     string
	reason   string
	canceled bool
}

func retell(err error, inner []error) *retelling {
	r := &retelling{inner: inner}
	r.source.Store(&err)
	return r
}

// settled returns the story, and lets go of the error. Several goroutines may do so at
// the same time.
func (r *retelling) settled() *story {
	err := r.source.Load()
	if r.story.Load() == nil { // and so err is not nil
		r.story.CompareAndSwap(nil, storyOf(*err))
		r.source.Store(nil)
	}
	return r.story.Load()
}

// storyOf calls methods of the user's errors. Of a Canceled whose reason is a Canceled
// too, only the last reason of that chain is kept, so that it does not grow.
func storyOf(err error) *story {
	c, ok := err.(*Canceled)
	if !ok {
		return &story{head: shortText(err)}
	}
	s := &story{head: c.head(), canceled: true}
	r, ok := c.reason.(*retelling)
	switch {
	case c.reason == nil:
	case ok && r.settled().canceled:
		s.reason = r.settled().last()
	default:
		s.reason = shortText(c.reason)
	}
	return s
}

// last returns the reason, or where there is none the rest.
func (s *story) last() string {
	if s.reason != "" {
		return s.reason
	}
	return s.head
}

// shortText returns the text of err, cut if it is long. Like package fmt it does not
// panic where the Error method does.
func shortText(err error) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = fmt.Sprintf("%T (Error panicked: %T)", err, v)
		}
	}()
	text = err.Error()
	if len(text) > maxRetold {
		return strings.ToValidUTF8(text[:maxRetold], "") + "…"
	}
	return strings.Clone(text)
}

func (r *retelling) Error() string {
	s := r.settled()
	if s.reason == "" {
		return s.head
	}
	return s.head + ": " + s.reason
}

func (r *retelling) Unwrap() []error { return r.inner }
