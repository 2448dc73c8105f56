package errgroup_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

const (
	theirs = "golang.org/x/sync/errgroup"
	ours   = "github.com/trellis-go/trellis/errgroup"
)

// The tests of golang.org/x/sync/errgroup, at the version in go.mod, pass with this
// package. They are copied from the module cache when this test runs, with our import
// path in the place of theirs, and compiled as a package that is only in an overlay.
func TestXSyncTestsPass(t *testing.T) {
	if out, err := runTheirTests(t, nil); err != nil {
		t.Errorf("tests of %s with this package: %v\n%s", theirs, err, out)
	}
}

// Their tests can fail here: with a group that ignores its limit they do.
func TestXSyncTestsSeeABrokenGroup(t *testing.T) {
	if testing.Short() {
		t.Skip("takes another build")
	}
	const line = "g.slots = make(chan struct{}, n)"
	source, err := os.ReadFile("group.go")
	if err != nil {
		t.Fatal(err)
	}
	broken := strings.Replace(string(source), line, "", 1)
	if broken == string(source) {
		t.Fatalf("group.go has no line %q to leave out", line)
	}
	out, err := runTheirTests(t, map[string]string{"group.go": broken})
	if err == nil || !strings.Contains(out, "--- FAIL: TestTryGo") {
		t.Errorf("tests of %s with a group that has no limits: %v, want a failure of TestTryGo\n%s", theirs, err, out)
	}
}

// runTheirTests builds and runs the tests, Examples and benchmarks, with the race
// detector if this test runs with it. It returns their output, and an error if one of
// them fails, or has not run. The files in changed stand for those of this package.
func runTheirTests(t *testing.T, changed map[string]string) (string, error) {
	t.Helper()
	tmp := t.TempDir()
	replace := make(map[string]string)
	write := func(name, text string) string {
		file := filepath.Join(tmp, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	// In a folder internal, so that the rest of the module cannot depend on it.
	virtual := filepath.Join(here, "internal", "xsync")
	texts := theirTests(t)
	for name, text := range texts {
		replace[filepath.Join(virtual, name)] = write(name, strings.ReplaceAll(text, `"`+theirs+`"`, `"`+ours+`"`))
	}
	for name, text := range changed {
		replace[filepath.Join(here, name)] = write(name, text)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(tmp, "xsync.test.exe")
	args := []string{"test", "-c", "-vet=off", "-o", bin, "-overlay", write("overlay.json", string(overlay))}
	if underRace() {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "./internal/xsync")...).CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	// In a folder of its own: one of their Examples reads every file around it.
	cmd := exec.Command(bin, "-test.v", "-test.bench=.", "-test.benchtime=100x", "-test.timeout=2m")
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), err
	}
	for _, want := range expected(t, texts) {
		if !strings.Contains("\n"+string(out), want) {
			return string(out), fmt.Errorf("no line begins with %q", strings.TrimSpace(want))
		}
	}
	return string(out), nil
}

// theirTests returns the texts of their test files by name.
func theirTests(t *testing.T) map[string]string {
	t.Helper()
	// Where the module cache has only what a build needs, the source may be missing.
	if out, err := exec.Command("go", "mod", "download", "golang.org/x/sync").CombinedOutput(); err != nil {
		t.Fatalf("go mod download golang.org/x/sync: %v\n%s", err, out)
	}
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/sync").Output()
	if err != nil {
		t.Fatalf("go list -m golang.org/x/sync: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "errgroup", "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	texts := make(map[string]string)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(file)] = string(text)
	}
	return texts
}

// expected returns what the output has at the beginning of a line for each test, each
// benchmark and each Example with an output, if it passes.
func expected(t *testing.T, texts map[string]string) []string {
	t.Helper()
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		file, err := parser.ParseFile(token.NewFileSet(), name, texts[name], parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv != nil {
				continue
			}
			switch name := f.Name.Name; {
			case strings.HasPrefix(name, "Test"), strings.HasPrefix(name, "Example") && hasOutput(file, f):
				lines = append(lines, "\n--- PASS: "+name+" (")
			case strings.HasPrefix(name, "Benchmark"):
				lines = append(lines, "\n"+name)
			}
		}
	}
	if len(lines) < 6 {
		t.Fatalf("%d tests of %s found, want at least 6: %q", len(lines), theirs, lines)
	}
	return lines
}

func hasOutput(file *ast.File, f *ast.FuncDecl) bool {
	return slices.ContainsFunc(file.Comments, func(c *ast.CommentGroup) bool {
		return f.Pos() < c.Pos() && c.End() < f.End() && strings.HasPrefix(c.Text(), "Output:")
	})
}

func underRace() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
