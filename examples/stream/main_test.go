package main_test

import (
	"log/slog"
	"os"
	"testing"

	"go.uber.org/goleak"

	stream "github.com/trellis-go/trellis/examples/stream"
)

// roleVar makes the test binary another program: the tests that need a real
// process start themselves with it.
const roleVar = "STREAM_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleVar) == "stream" {
		stream.Main()
	}
	slog.SetDefault(slog.New(slog.DiscardHandler)) // where the panics of a test would be logged
	goleak.VerifyTestMain(m)
}
