package cancelscope_test

import (
	"fmt"
	"io"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// childVariable makes the test binary the command that tests start: it says that it
// runs, and then waits for its input to end.
const childVariable = "TEST_CHILD_THAT_WAITS"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		fmt.Println("ready")
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}
