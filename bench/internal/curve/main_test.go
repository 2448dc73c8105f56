package curve_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// Package ants has a pool of its own from the start, which ends with the program.
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}
