package docrun

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// timeout is how long a block may run.
const timeout = time.Minute

// Test runs all blocks of the pages, which are paths or patterns below root, each in a
// subtest of t. root is the root of the module. It fails if a pattern matches no page.
func Test(t *testing.T, root string, pages ...string) {
	root, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []*block
	for _, pattern := range pages {
		matches, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(matches) == 0 {
			t.Fatalf("no page %s (%v)", pattern, err)
		}
		for _, path := range matches {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			name, err := filepath.Rel(root, path)
			if err != nil {
				t.Fatal(err)
			}
			found, err := parse(filepath.ToSlash(name), string(text), func(name string) (string, error) {
				text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
				return string(text), err
			})
			if err != nil {
				t.Error(err)
			}
			blocks = append(blocks, found...)
		}
	}
	if len(blocks) == 0 {
		t.Fatalf("no Go code in %s", strings.Join(pages, ", "))
	}
	program, err := build(t.TempDir(), root, blocks)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range blocks {
		t.Run(b.String(), func(t *testing.T) {
			t.Parallel()
			if err := b.run(t.Context(), program, packageName(i)); err != nil {
				t.Error(err)
			}
		})
	}
}

func packageName(i int) string { return fmt.Sprintf("block%d", i) }

// build makes one program of all blocks, each in a package of its own, and returns its
// path. One program is linked in the time that a single block takes.
func build(dir, root string, blocks []*block) (program string, err error) {
	files := map[string]string{"go.mod": goMod(root)}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		return "", err
	}
	files["go.sum"] = string(sum)
	imports, cases := "", ""
	for i, b := range blocks {
		name := packageName(i)
		text, err := b.source(name)
		if err != nil {
			return "", err
		}
		files[filepath.Join(name, name+".go")] = text
		imports += fmt.Sprintf("import %q\n", "pages/"+name)
		cases += fmt.Sprintf("\tcase %q:\n\t\t%s.Main()\n", name, name)
	}
	files["main.go"] = "package main\n\nimport \"os\"\n" + imports +
		"\nfunc main() {\n\tname := os.Args[1]\n\tos.Args = os.Args[:1]\n\tswitch name {\n" + cases + "\t}\n}\n"
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return "", err
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			return "", err
		}
	}
	program = filepath.Join(dir, "pages.exe")
	cmd := exec.Command("go", "build", "-mod=mod", "-o", program, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, explain(string(out), blocks))
	}
	return program, nil
}

// goMod returns the go.mod of the program: the root module as it is, with what its tests
// require.
func goMod(root string) string {
	text := "module pages\n\ngo 1.26.0\n\nrequire " + modulePath + " v0.0.0\n\nreplace " + modulePath + " => " + filepath.ToSlash(root) + "\n"
	own, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return text
	}
	for line := range strings.Lines(string(own)) {
		if words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require ")); len(words) >= 2 && strings.HasPrefix(words[1], "v") {
			text += "require " + words[0] + " " + words[1] + "\n"
		}
	}
	return text
}

// explain puts the places of blocks before the messages of the compiler.
func explain(out string, blocks []*block) string {
	for i, b := range slices.Backward(blocks) {
		out = strings.ReplaceAll(out, packageName(i)+".go:", fmt.Sprintf("%s.go (%s):", packageName(i), b))
	}
	return out
}

// run executes a block and compares what it prints.
func (b *block) run(ctx context.Context, program, name string) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program, name)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: does not end within %v; standard output:\n%s", b, timeout, &stdout)
	case err != nil:
		return fmt.Errorf("%s: %w\nstandard output:\n%s\nstandard error:\n%s", b, err, &stdout, &stderr)
	case stderr.Len() > 0:
		return fmt.Errorf("%s: writes to standard error:\n%s", b, &stderr)
	}
	if b.tests { // which end with a line of package testing
		stdout.Truncate(len(bytes.TrimSuffix(stdout.Bytes(), []byte("PASS\n"))))
	}
	got, want := lines(stdout.String()), lines(b.output)
	if b.unordered {
		slices.Sort(got)
		slices.Sort(want)
	}
	switch {
	case b.checked && !slices.Equal(got, want):
		return fmt.Errorf("%s: prints\n%s\nthe page says\n%s", b, &stdout, b.output)
	case !b.checked && stdout.Len() > 0:
		return fmt.Errorf("%s: prints something, and the page does not say what:\n%s", b, &stdout)
	}
	return nil
}

func lines(text string) []string { return strings.Split(strings.TrimRight(text, "\n"), "\n") }
