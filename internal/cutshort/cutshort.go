package cutshort

import (
	"context"
	"strings"

	"github.com/trellis-go/trellis/internal/tree"
)

const (
	maxDepth = 100     // errors that wrap one another
	maxWords = 4 << 10 // bytes of text
)

// Words returns what an error that is a cancellation says before the text of the
// cancellation: "reading x" for an error with the text "reading x: context canceled" that
// wraps context.Canceled. If the text does not end with that of the error inside, or the
// error inside does not look like a cancellation, it returns the whole text. It returns
// nothing for a bare cancellation and for several in one error.
//
// Words calls methods of err. If one of them panics, there are no words. It returns only
// text, of at most 4 KiB, and keeps nothing of err alive.
func Words(err error) (words string) {
	defer func() {
		if recover() != nil {
			words = ""
		}
	}()
	if err == nil {
		return ""
	}
	inner, looksCanceled := innermost(err)
	text := err.Error()
	if looksCanceled {
		if before, ok := strings.CutSuffix(text, inner.Error()); ok {
			text = strings.TrimRight(before, ": ")
		}
	}
	if len(text) > maxWords {
		text = strings.ToValidUTF8(text[:maxWords], "")
	}
	return text
}

// innermost returns the error at the end of a chain of wrappers, and whether it looks like
// a cancellation: one of the two errors of contexts, or something with several errors
// inside, such as the cause of a scope.
func innermost(err error) (inner error, looksCanceled bool) {
	for range maxDepth {
		if err == context.Canceled || err == context.DeadlineExceeded {
			return err, true
		}
		var in error
		switch e := err.(type) {
		case interface{ Unwrap() []error }:
			if _, ok := err.(tree.Disguised); !ok {
				return err, true
			}
			in = e.Unwrap()[0] // what the text is from
		case interface{ Unwrap() error }:
			in = e.Unwrap()
		}
		if in == nil {
			break
		}
		err = in
	}
	return err, false
}
