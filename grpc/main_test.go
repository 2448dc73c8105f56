package grpc_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// mainVariable makes a process of this test the program of the page.
const mainVariable = "TRELLIS_GRPC_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(mainVariable) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}
