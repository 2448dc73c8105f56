package serve_test

import (
	"os"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/internal/proctest"
)

// programs are the main functions of the processes of tests, by the name that is their first
// argument. Files that need processes add theirs.
var programs = make(map[string]func())

func TestMain(m *testing.M) {
	proctest.Program(func() {
		main := programs[os.Args[1]]
		os.Args = slices.Delete(os.Args, 1, 2)
		main()
	})
	goleak.VerifyTestMain(m)
}
