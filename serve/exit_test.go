package serve_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/trellis-go/trellis/serve"
)

func TestExitCode(t *testing.T) {
	t.Parallel()
	cut, term := &serve.CutError{Grace: time.Second}, &serve.CutError{Signal: syscall.SIGTERM}
	for _, tt := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errTest, 1},
		{cut, 3},
		{term, 143},
		{&serve.CutError{Signal: os.Interrupt}, 130},
		{fmt.Errorf("shop: %w", term), 143},
		{errors.Join(cut, cut), 3},
		{errors.Join(cut, errTest), 1}, // a failure of clean-up
		{errors.Join(errTest, term), 1},
		{fmt.Errorf("%w and %w", cut, errTest), 1},
	} {
		if got := serve.ExitCode(tt.err); got != tt.want {
			t.Errorf("ExitCode(%v) = %d, want %d", tt.err, got, tt.want)
		}
	}
}

func TestCutErrorText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  *serve.CutError
		want string
	}{
		{&serve.CutError{Grace: 10 * time.Second, Tasks: []string{"a", "b"}}, "work was cut off 10s after the drain began to wait for it: a, b"},
		{&serve.CutError{}, "work was cut off at once"},
		{&serve.CutError{Signal: os.Interrupt}, "canceled by signal: interrupt"},
	} {
		if got := tt.err.Error(); !strings.HasPrefix(got, tt.want) {
			t.Errorf("text %q, want %q", got, tt.want)
		}
	}
}
