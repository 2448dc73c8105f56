package vet_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/tools/go/analysis"

	"github.com/trellis-go/trellis/vet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAnalyzersAreValid(t *testing.T) {
	if err := analysis.Validate(vet.All()); err != nil {
		t.Error(err)
	}
}

// Each analyzer is a package of its own, and each package with an analyzer is listed.
func TestAllHasEveryAnalyzer(t *testing.T) {
	listed := make(map[string]bool)
	for _, a := range vet.All() {
		if listed[a.Name] {
			t.Errorf("%s is listed twice", a.Name)
		}
		listed[a.Name] = true
		if want := "https://pkg.go.dev/github.com/trellis-go/trellis/vet/" + a.Name; a.URL != want {
			t.Errorf("%s: URL is %q, want %q", a.Name, a.URL, want)
		}
		if _, err := os.Stat(filepath.Join(a.Name, "doc.go")); err != nil {
			t.Errorf("%s: %v", a.Name, err)
		}
	}
	files, err := filepath.Glob("*/doc.go")
	if err != nil || len(files) != len(listed) {
		t.Errorf("%d packages with a doc.go (%v), want %d: %v", len(files), files, len(listed), err)
	}
}
