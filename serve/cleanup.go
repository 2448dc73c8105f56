package serve

import (
	"context"
	"errors"

	"github.com/trellis-go/trellis/cancelscope"
)

// A cleanup is a function given to Cleanup.
type cleanup func(ctx context.Context) error

// Cleanup registers f with the program that ctx belongs to. f is called when the body and
// all tasks of the program have ended, background tasks included: the place to close a
// pool that requests use. The functions are called one after another, the one registered
// last first, also if the program fails or panics.
//
// f gets a context with the values of that of the program, which is not canceled with
// it. Grace does not limit f, so give what may hang a limit (package deadline). A signal
// that would cancel the program cancels f instead; what f leaves undone counts as work
// that was cut off. Errors of f are joined to that of [Program.Run]. A panic of f is one
// of Run, and the functions that are left are still called.
//
// Cleanup may be called by any number of goroutines, and by functions given to Cleanup.
// It panics if ctx is nil or belongs to no program, if f is nil, or after the end of the
// program.
func Cleanup(ctx context.Context, f func(ctx context.Context) error) {
	if ctx == nil {
		panic("serve: Cleanup with a nil context: pass the context of the body of Main or Program.Run, or one inside it")
	}
	d := drainOf(ctx)
	switch {
	case d == nil:
		panic("serve: Cleanup with a context that belongs to no program: pass the context of the body of Main or Program.Run, or one inside it")
	case f == nil:
		panic("serve: Cleanup with a nil function: there is nothing to call")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cleaned {
		panic("serve: Cleanup after the end of the program")
	}
	d.cleanups = append(d.cleanups, f)
}

// next returns the function to call next, nil if there is none any more.
func (d *drain) next() cleanup {
	d.mu.Lock()
	defer d.mu.Unlock()
	last := len(d.cleanups) - 1
	if last < 0 {
		d.cleaned = true
		return nil
	}
	f := d.cleanups[last]
	d.cleanups = d.cleanups[:last]
	return f
}

// cleanUp calls the functions given to Cleanup, and joins their errors to *err.
func (r *running) cleanUp(ctx context.Context, err *error) {
	f := r.drain.next()
	if f == nil {
		return
	}
	defer r.cleanUp(ctx, err) // also after a panic
	scope := cancelscope.Scope{Name: "cleanup"}
	scope.SetShield(true)
	r.cleanup.Store(&scope)
	failed := scope.Run(ctx, f)
	if cut := r.cut.Load(); failed == nil && cut != nil && scope.CanceledCaught() {
		failed = cut
	}
	switch {
	case failed == nil:
	case *err == nil:
		*err = failed
	default:
		*err = errors.Join(*err, failed)
	}
}
