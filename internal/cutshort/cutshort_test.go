package cutshort_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/internal/cutshort"
)

// An odd error is made of functions.
type odd struct {
	text   func() string
	unwrap func() error
}

func (o odd) Error() string { return o.text() }
func (o odd) Unwrap() error { return o.unwrap() }

// says returns an error with that text that wraps another one.
func says(text string, in error) error {
	return odd{func() string { return text }, func() error { return in }}
}

func TestWords(t *testing.T) {
	var s cancelscope.Scope
	s.Cancel(errors.New("no more"))
	itself := &odd{text: func() string { return "round" }}
	itself.unwrap = func() error { return itself }
	deep := context.Canceled
	for range 1000 {
		deep = fmt.Errorf("x: %w", deep)
	}
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"nil":                        {nil, ""},
		"bare":                       {context.Canceled, ""},
		"bare deadline":              {context.DeadlineExceeded, ""},
		"the cause of a scope":       {s.Cause(), ""},
		"wrapped":                    {fmt.Errorf("reading x: %w", context.Canceled), "reading x"},
		"wrapped cause":              {fmt.Errorf("reading x: %w", s.Cause()), "reading x"},
		"wrapped twice":              {fmt.Errorf("a: %w", fmt.Errorf("b - %w", context.Canceled)), "a: b -"},
		"several":                    {errors.Join(context.Canceled, context.Canceled), ""},
		"several, wrapped":           {fmt.Errorf("two: %w", errors.Join(context.Canceled, context.Canceled)), "two"},
		"two in one text":            {fmt.Errorf("%w and %w", context.Canceled, context.Canceled), ""},
		"in the middle":              {fmt.Errorf("reading (%w) x", context.Canceled), "reading (context canceled) x"},
		"disguised":                  {cancelscope.AsCancellation(done(), errors.New("killed")), "killed"},
		"disguised, wrapped":         {fmt.Errorf("run: %w", cancelscope.AsCancellation(done(), errors.New("killed"))), "run: killed"},
		"disguised, with one inside": {cancelscope.AsCancellation(done(), fmt.Errorf("a: %w", context.Canceled)), "a"},
		"not a cancellation":         {fmt.Errorf("a: %w", errors.New("b")), "a: b"},
		"wraps nil":                  {says("nothing", nil), "nothing"},
		"wraps itself":               {itself, "round"},
		"a long text":                {fmt.Errorf("%s: %w", strings.Repeat("ä", 4000), context.Canceled), strings.Repeat("ä", 2048)},
		"a long text, odd length":    {fmt.Errorf("a%s: %w", strings.Repeat("ä", 4000), context.Canceled), "a" + strings.Repeat("ä", 2047)},
		"text panics":                {odd{func() string { panic("text") }, func() error { return nil }}, ""},
		"Unwrap panics":              {odd{func() string { return "x" }, func() error { panic("unwrap") }}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := cutshort.Words(test.err); got != test.want {
				t.Errorf("Words(%T) = %q, want %q", test.err, got, test.want)
			}
		})
	}
	if got := cutshort.Words(deep); len(got) > 4<<10 || !utf8.ValidString(got) {
		t.Errorf("Words of a chain of 1000 errors has %d bytes, want at most 4 KiB", len(got))
	}
}

func done() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
