package migrate_test

import (
	"bytes"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/trellis-go/trellis/vet/internal/fixture"
)

// What the fixes make of each file is gofmt's form, and compiles.
func TestFixesCompile(t *testing.T) {
	gopath := t.TempDir()
	if err := os.CopyFS(gopath, os.DirFS(fixture.Dir(t))); err != nil {
		t.Fatal(err)
	}
	golden, err := filepath.Glob(filepath.Join(gopath, "src", "*", "*.go.golden"))
	if err != nil || len(golden) == 0 {
		t.Fatalf("golden files: %v, %v; want some", golden, err)
	}
	for _, file := range golden {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if formatted, err := format.Source(text); err != nil || !bytes.Equal(formatted, text) {
			t.Errorf("%s is not gofmt's form (%v)", filepath.Base(file), err)
		}
		if err := os.WriteFile(file[:len(file)-len(".golden")], text, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("go", "vet", ".")
		cmd.Dir = filepath.Dir(file)
		cmd.Env = append(os.Environ(), "GO111MODULE=off", "GOFLAGS=", "GOPATH="+gopath)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("go vet of %s: %v\n%s", filepath.Base(file), err, out)
		}
	}
}
