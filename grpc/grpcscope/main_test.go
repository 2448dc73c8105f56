package grpcscope_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/grpc/grpcscope"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		play(role)
		return
	}
	// A report is there within microseconds, unless the machine is busy. What a test
	// asserts must not depend on that.
	grpcscope.SetPatience(soon)
	goleak.VerifyTestMain(m)
}
