package trellis_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/trellis-go/trellis/internal/docrun"
)

// pages have Go code that runs with the packages of the root module.
var pages = []string{"README.md", "docs/cancellation.md", "docs/cookbook.md", "docs/debugging.md", "docs/errgroup.md", "docs/faq.md", "docs/shutdown.md", "docs/trio.md", "docs/tutorial.md"}

// otherPages are tested by the module that they are about.
var otherPages = []string{"docs/grpc.md", "docs/temporal.md"}

// TestPages runs the Go code in the pages, and compares what it prints.
func TestPages(t *testing.T) {
	all, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range all {
		if page = filepath.ToSlash(page); !slices.Contains(pages, page) && !slices.Contains(otherPages, page) {
			t.Errorf("%s is in neither list of pages", page)
		}
	}
	docrun.Test(t, ".", pages...)
}
