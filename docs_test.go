package trellis_test

import (
	"testing"

	"github.com/trellis-go/trellis/internal/docrun"
)

// TestPages runs the Go code in README.md and docs, and compares what it prints.
func TestPages(t *testing.T) { docrun.Test(t, ".", "README.md", "docs/*.md") }
