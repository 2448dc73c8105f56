package temporal_test

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The root module's catalogue names the tests of Trio, asyncio and AnyIO that apply. Where a test of
// this module checks what such a row asserts, for workflows, the row stands above it as
//
//	// catalogue: <id>
func TestCatalogue(t *testing.T) {
	file, err := os.Open("../testdata/catalogue.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	records, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	for _, record := range records[1:] {
		known[record[0]] = true
	}
	named := make(map[string]bool)
	err = filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") || path == "catalogue_test.go" {
			return err
		}
		source, err := os.Open(path)
		if err != nil {
			return err
		}
		defer source.Close()
		waiting := false // for the test below the comment
		lines := bufio.NewScanner(source)
		for n := 1; lines.Scan(); n++ {
			id, ok := strings.CutPrefix(lines.Text(), "// catalogue: ")
			switch {
			case ok && !known[id]:
				t.Errorf("%s:%d: %s is not in the catalogue", path, n, id)
			case ok:
				named[id], waiting = true, true
			case waiting && !strings.HasPrefix(lines.Text(), "func Test"):
				t.Errorf("%s:%d: no test below the catalogue's rows", path, n)
				waiting = false
			default:
				waiting = false
			}
		}
		return lines.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("temporal: %d of the %d rows of the catalogue are named\n", len(named), len(known))
	if len(named) < 50 {
		t.Errorf("%d rows are named, want at least 50", len(named))
	}
}
