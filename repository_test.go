package trellis_test

import (
	"flag"
	"testing"

	"github.com/trellis-go/trellis/internal/repocheck"
)

var update = flag.Bool("update", false, "rewrite the API listings in testdata/api")

// TestRepository checks the rules in CONTRIBUTING.md.
func TestRepository(t *testing.T) { repocheck.Test(t, *update) }
