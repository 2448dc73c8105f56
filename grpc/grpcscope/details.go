package grpcscope

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/nursery"
)

// How errors travel. An error is a google.rpc.Status with its code and text, and the errors
// inside are statuses among its details. What kind of error it was stands before them, in a
// google.rpc.ErrorInfo of our domain. The error of a task is the status of what the task
// returned, with one more such detail, the name, at the front. So a client in any language
// finds the code, the text and the task of each failure.
const (
	domain = "trellis"

	taskKind    = "TASK"     // task, unnamed
	nurseryKind = "NURSERY"  // name, more
	joinKind    = "JOIN"     // more
	wrapKind    = "WRAP"     // one member
	tooSlowKind = "TOO_SLOW" // name, limit, deadline; its Reason as a member
	textKind    = "ERROR"    // an error of which the text is left, with the details that it had

	taskField     = "task"
	unnamedField  = "unnamed" // the name was made up
	nameField     = "name"
	limitField    = "limit"
	deadlineField = "deadline"
	moreField     = "more" // how many members were left out
)

const (
	// A status travels in a trailer, twice in part. Proxies commonly refuse more than eight
	// kilobytes.
	maxStatus = 4 << 10 // bytes of a status with its details
	maxText   = 1 << 10 // bytes of one text
	maxDepth  = 24      // errors inside one another
	maxNodes  = 1000    // errors that a client restores
)

// Code returns the code of the first failure in err: the one that a [Server] answers with. Where
// that failure has a status, it is the code that status.Code returns. It is OK if err is nil,
// DeadlineExceeded for a TooSlowError, which is the error of a limit and has no status, Canceled
// or DeadlineExceeded for the cancellation of a context, Internal for the panic of a task, and
// Unknown for an error that says nothing.
func Code(err error) codes.Code { return codeOf(err) }

// codeOf returns the code of the first failure in err, where gRPC would take the first status. What
// is answered as without this package has the code that gRPC gives it.
func codeOf(err error) codes.Code {
	for range maxDepth {
		switch e := err.(type) {
		case interface{ GRPCStatus() *status.Status }:
			if st := e.GRPCStatus(); st.Code() != codes.OK {
				return st.Code()
			}
			return codes.Unknown
		case *nursery.PanicError:
			return codes.Internal
		case *cancelscope.TooSlowError:
			return codes.DeadlineExceeded
		case interface{ Unwrap() error }:
			if inner := e.Unwrap(); inner != nil {
				err = inner
				continue
			}
		case interface{ Unwrap() []error }:
			if inner := e.Unwrap(); structured(err) && len(inner) > 0 && inner[0] != nil {
				err = inner[0]
				continue
			}
		}
		break
	}
	if st, ok := status.FromError(err); ok && st.Code() != codes.OK {
		return st.Code()
	}
	return status.FromContextError(err).Code()
}

// firstFailure returns the innermost error of the first failure in err.
func firstFailure(err error) error {
	for range maxDepth {
		if err = nursery.First(err); !structured(err) {
			break
		}
		var inner error
		switch e := err.(type) {
		case interface{ Unwrap() error }:
			inner = e.Unwrap()
		case interface{ Unwrap() []error }:
			if all := e.Unwrap(); len(all) > 0 {
				inner = all[0]
			}
		}
		if _, ok := err.(*cancelscope.TooSlowError); ok || inner == nil {
			break
		}
		err = inner
	}
	return err
}

// structured reports whether something is in err that the text of a status would lose. An error of
// the program with a status of its own hides what is behind it: that status is for the client.
func structured(err error) bool {
	left := maxNodes
	return structuredIn(err, &left)
}

// structuredIn is structured for at most left errors.
func structuredIn(err error, left *int) bool {
	var inside []error
	switch e := err.(type) {
	case *nursery.Error, *cancelscope.TooSlowError:
		return true
	case *remoteError:
		inside = e.errs
	case interface{ GRPCStatus() *status.Status }:
		return false
	case interface{ Unwrap() error }:
		inside = []error{e.Unwrap()}
	case interface{ Unwrap() []error }:
		inside = e.Unwrap()
	}
	for _, inner := range inside {
		if *left--; *left < 0 {
			return false
		}
		if structuredIn(inner, left) {
			return true
		}
	}
	return false
}

// onlyBody returns the error of the handler if nothing else has failed.
func onlyBody(err error) error {
	all, ok := err.(*nursery.Error)
	if !ok {
		return err // a status of ours, or what is left where no nursery ran
	}
	if len(all.Unwrap()) != 1 || all.Dropped() > 0 {
		return nil
	}
	if t, ok := all.Unwrap()[0].(*nursery.TaskError); ok && t.Task == "body" && isUnnamed(t) {
		return t.Err
	}
	return nil
}

// errProbe has a text that no error has.
var errProbe = errors.New("\x00probe")

// unnamed returns the error of a task whose name was made up. Only package nursery can make
// one, so this is a copy of one of its own.
var unnamed = sync.OnceValue(func() nursery.TaskError {
	var t *nursery.TaskError
	errors.As(named(""), &t)
	return *t
})

// named returns an error of a nursery with that name.
func named(name string) *nursery.Error {
	var all *nursery.Error
	errors.As(nursery.Config{Name: name}.Run(context.Background(), func(context.Context, *nursery.Nursery) error { return errProbe }), &all)
	return all
}

// isUnnamed reports whether the name of the task was made up: then a single failure has none
// in its text.
func isUnnamed(t *nursery.TaskError) bool {
	probe := *t
	probe.Err = errProbe
	return new(nursery.Error).Derive([]error{&probe}).Error() == errProbe.Error()
}

// nameOf returns the name of a nursery, which stands before the text.
func nameOf(e *nursery.Error) string {
	probe := unnamed()
	probe.Err = errProbe
	text, end := e.Derive([]error{&probe}).Error(), errProbe.Error()
	if e.Dropped() > 0 {
		end = fmt.Sprintf("%d tasks failed", 1+e.Dropped())
	}
	head, _, _ := strings.Cut(text, end)
	return strings.TrimSuffix(head, ": ")
}

// textOf returns the text of err, also if its Error method panics.
func textOf(err error) string { return fmt.Sprint(err) }

// cut returns a text as valid UTF-8, of at most size bytes.
func cut(text string, size int) string {
	const mark = "…"
	if len(text) > size {
		text = text[:size-len(mark)]
		return strings.ToValidUTF8(text, "") + mark
	}
	if text = strings.ToValidUTF8(text, "\uFFFD"); len(text) > size {
		return cut(text, size)
	}
	return text
}
