package grpcscope_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/grpc/grpcscope"
)

func TestMain(m *testing.M) {
	// A report is there within microseconds, unless the machine is busy. What a test
	// asserts must not depend on that.
	grpcscope.SetHoldBack(soon)
	goleak.VerifyTestMain(m)
}
