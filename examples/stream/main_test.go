package main_test

import (
	"log/slog"
	"testing"

	"go.uber.org/goleak"

	stream "github.com/trellis-go/trellis/examples/stream"
	"github.com/trellis-go/trellis/internal/proctest"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // where the panics of a test would be logged
	proctest.Program(stream.Main)
	goleak.VerifyTestMain(m)
}
