package progress_test

import (
	"bytes"
	"testing"

	"github.com/trellis-go/trellis/bench/internal/progress"
)

// What is not a terminal gets nothing: logs stay readable.
func TestNoTerminal(t *testing.T) {
	var b bytes.Buffer
	bar := progress.New(&b, 2)
	bar.Show("one")
	bar.Step()
	bar.Clear()
	if b.Len() > 0 {
		t.Errorf("a bar on something that is no terminal wrote %q, want nothing", &b)
	}
}
