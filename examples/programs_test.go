package examples_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestPrograms runs each program whose main.go ends with a comment "// Output:", and
// compares what it prints.
func TestPrograms(t *testing.T) {
	files, err := filepath.Glob("*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	tried := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, comment, ok := strings.Cut(string(text), "\n// Output:\n")
		if !ok {
			continue
		}
		tried++
		t.Run(filepath.Dir(file), func(t *testing.T) {
			t.Parallel()
			var want strings.Builder
			for line := range strings.Lines(comment) {
				want.WriteString(strings.TrimPrefix(line, "// "))
			}
			program := filepath.Join(dir, filepath.Dir(file)+".exe")
			if out, err := exec.Command("go", "build", "-o", program, "./"+filepath.Dir(file)).CombinedOutput(); err != nil {
				t.Fatalf("go build: %v\n%s", err, out)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			out, err := exec.CommandContext(ctx, program).CombinedOutput()
			if err != nil || string(out) != want.String() {
				t.Errorf("%s ends with %v and prints\n%s\nwant\n%s", file, err, out, want.String())
			}
		})
	}
	if tried < 8 {
		t.Errorf("%d programs have an output, want at least 8", tried)
	}
}
