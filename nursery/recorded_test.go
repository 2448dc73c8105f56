package nursery_test

import (
	"os"

	"github.com/trellis-go/trellis/tasktree"
)

// With TRELLIS_RECORD in the environment all tests run while recording is on, with labels
// if it is "labels": whatever is guaranteed must hold then too.
func init() {
	if mode := os.Getenv("TRELLIS_RECORD"); mode != "" {
		tasktree.Config{Labels: mode == "labels"}.Record()
	}
}
