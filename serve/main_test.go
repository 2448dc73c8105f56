package serve_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// programVar makes the test binary one of programs, for tests that need processes.
const programVar = "TRELLIS_TEST_SERVE_PROGRAM"

// programs are the main functions of the processes of tests, by name. Files that need
// processes add theirs.
var programs = make(map[string]func())

func TestMain(m *testing.M) {
	if main := programs[os.Getenv(programVar)]; main != nil {
		main()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}
