package main_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/vet/internal/fixture"
)

var tool string // the command, built once

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "trellisvet")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		tool = filepath.Join(dir, "trellisvet.exe")
		if out, err := exec.Command("go", "build", "-o", tool, ".").CombinedOutput(); err != nil {
			panic(string(out))
		}
		code := m.Run()
		if err := goleak.Find(); code == 0 && err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			return 1
		}
		return code
	}())
}

const source = `package p

import (
	"context"
	"time"

	"github.com/trellis-go/trellis/nursery"
	"golang.org/x/sync/errgroup"
)

func fetch(ctx context.Context, url string) error { return nil }

func all(ctx context.Context, urls []string) error {
	g, gctx := errgroup.WithContext(ctx)
	for _, url := range urls {
		g.Go(func() error { return fetch(gctx, url) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	go fetch(ctx, "a")
	return nursery.ForEach(ctx, len(urls), urls, func(ctx context.Context, url string) error {
		time.Sleep(time.Second)
		return fetch(ctx, url)
	})
}
`

// A program is a package in a workspace of its own, with stand-ins for what it imports.
type program struct {
	gopath, dir string
}

func newProgram(t *testing.T) *program {
	t.Helper()
	p := &program{gopath: t.TempDir()}
	if err := os.CopyFS(p.gopath, os.DirFS(fixture.Dir(t))); err != nil {
		t.Fatal(err)
	}
	p.dir = filepath.Join(p.gopath, "src", "p")
	if err := os.Mkdir(p.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.dir, "p.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// run runs a command in the program's folder, and returns its outputs and exit status.
func (p *program) run(t *testing.T, name string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "GO111MODULE=off", "GOFLAGS=", "GOPATH="+p.gopath)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// found returns which of the texts the output has.
func found(output string) []string {
	var names []string
	for _, c := range []struct{ name, text string }{
		{"emptylimit", "the limit is the number of items"},
		{"baregoroutine", "a go statement starts"},
		{"uncancelable", "Sleep does not end"},
		{"migrate", "this group can be"},
		{"drop-in", "errgroup of Trellis"},
	} {
		if strings.Contains(output, c.text) {
			names = append(names, c.name)
		}
	}
	return names
}

func TestWhichAnalyzersRun(t *testing.T) {
	p := newProgram(t)
	for _, c := range []struct {
		args   string
		want   []string
		status int
	}{
		{".", []string{"emptylimit"}, 3},
		{"-emptylimit=false .", nil, 0},
		{"-outerctx .", nil, 0},
		{"-baregoroutine .", []string{"baregoroutine"}, 3},
		{"-baregoroutine -emptylimit .", []string{"emptylimit", "baregoroutine"}, 3},
		{"-optional .", []string{"emptylimit", "baregoroutine", "uncancelable"}, 3},
		{"-optional -uncancelable=false .", []string{"emptylimit", "baregoroutine"}, 3},
		{"-migrate .", []string{"migrate"}, 3},
		{"-migrate -migrate.groups=false -migrate.dropin=false .", nil, 0},
		{"-migrate -migrate.groups=false .", []string{"drop-in"}, 3},
	} {
		t.Run(c.args, func(t *testing.T) {
			stdout, stderr, status := p.run(t, tool, strings.Fields(c.args)...)
			if got := found(stderr); !slices.Equal(got, c.want) || status != c.status {
				t.Errorf("trellisvet %s: found %q, status %d; want %q, %d\n%s%s", c.args, got, status, c.want, c.status, stdout, stderr)
			}
		})
	}
}

func TestGoVet(t *testing.T) {
	p := newProgram(t)
	for _, c := range []struct {
		args string
		want []string
	}{
		{"", []string{"emptylimit"}},
		{"-uncancelable", []string{"uncancelable"}},
		{"-optional", []string{"emptylimit", "baregoroutine", "uncancelable"}},
		{"-migrate", []string{"migrate"}},
	} {
		t.Run("go vet "+c.args, func(t *testing.T) {
			args := append([]string{"vet", "-vettool=" + tool}, strings.Fields(c.args)...)
			_, stderr, status := p.run(t, "go", append(args, ".")...)
			if got := found(stderr); !slices.Equal(got, c.want) || status != 1 {
				t.Errorf("go %s: found %q, status %d; want %q, 1\n%s", strings.Join(args, " "), got, status, c.want, stderr)
			}
		})
	}
}

func TestJSON(t *testing.T) {
	p := newProgram(t)
	stdout, stderr, status := p.run(t, tool, "-json", ".")
	var packages map[string]map[string][]struct{ Posn, Message string }
	if err := json.Unmarshal([]byte(stdout), &packages); err != nil || status != 0 {
		t.Fatalf("trellisvet -json: %v, status %d; want JSON, 0\n%s%s", err, status, stdout, stderr)
	}
	reports := packages["p"]["emptylimit"]
	if len(reports) != 1 || !strings.Contains(reports[0].Posn, "p.go:22:") {
		t.Errorf("reports of emptylimit: got %v, want one in line 22", reports)
	}
}

// The fixes are applied, the result compiles, and a second run finds nothing.
func TestFix(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"-fix .", "nursery.ForEach(ctx, nursery.NoLimit, urls"},
		{"-migrate -fix .", "if err := nursery.Run(ctx, func(gctx context.Context, n *nursery.Nursery) error {"},
	} {
		t.Run(c.args, func(t *testing.T) {
			p := newProgram(t)
			if _, stderr, status := p.run(t, tool, strings.Fields(c.args)...); status != 0 {
				t.Fatalf("trellisvet %s: status %d, want 0\n%s", c.args, status, stderr)
			}
			text, err := os.ReadFile(filepath.Join(p.dir, "p.go"))
			if err != nil || !strings.Contains(string(text), c.want) {
				t.Errorf("after trellisvet %s: %v, want %q in\n%s", c.args, err, c.want, text)
			}
			if out, stderr, status := p.run(t, "go", "build", "."); status != 0 {
				t.Errorf("after trellisvet %s it does not build:\n%s%s\n%s", c.args, out, stderr, text)
			}
			args := slices.DeleteFunc(strings.Fields(c.args), func(arg string) bool { return arg == "-fix" })
			if _, stderr, status := p.run(t, tool, args...); status != 0 {
				t.Errorf("trellisvet %v after the fix: status %d, want 0\n%s", args, status, stderr)
			}
		})
	}
}

// With -fix, what has no fix is not reported.
func TestFixReportsNothing(t *testing.T) {
	p := newProgram(t)
	if stdout, stderr, status := p.run(t, tool, "-baregoroutine", "-fix", "."); stdout+stderr != "" || status != 0 {
		t.Errorf("trellisvet -baregoroutine -fix: status %d, want 0 and no output\n%s%s", status, stdout, stderr)
	}
	if _, stderr, status := p.run(t, tool, "-baregoroutine", "."); status != 3 {
		t.Errorf("trellisvet -baregoroutine: status %d, want 3\n%s", status, stderr)
	}
}

// With -diff the fixes are printed and the files stay as they are.
func TestFixDiff(t *testing.T) {
	for _, c := range []struct {
		args string
		want []string // lines of the diff
	}{
		{"-fix -diff .", []string{
			"-	return nursery.ForEach(ctx, len(urls), urls, func(ctx context.Context, url string) error {",
			"+	return nursery.ForEach(ctx, nursery.NoLimit, urls, func(ctx context.Context, url string) error {",
		}},
		{"-migrate -fix -diff .", []string{
			"-	g, gctx := errgroup.WithContext(ctx)",
			"+	if err := nursery.Run(ctx, func(gctx context.Context, n *nursery.Nursery) error {",
		}},
	} {
		t.Run(c.args, func(t *testing.T) {
			p := newProgram(t)
			stdout, stderr, status := p.run(t, tool, strings.Fields(c.args)...)
			lines := strings.Split(stdout, "\n")
			for _, want := range c.want {
				if !slices.Contains(lines, want) {
					t.Errorf("trellisvet %s: status %d, no line %q in\n%s%s", c.args, status, want, stdout, stderr)
				}
			}
			text, err := os.ReadFile(filepath.Join(p.dir, "p.go"))
			if err != nil || string(text) != source {
				t.Errorf("trellisvet %s changed the file (%v):\n%s", c.args, err, text)
			}
		})
	}
}

// The list says which analyzers run without a flag, and a name explains one.
func TestHelp(t *testing.T) {
	p := newProgram(t)
	stdout, stderr, status := p.run(t, tool, "help")
	from := 0
	for _, text := range []string{
		"On by default", "outerctx", "Off by default", "uncancelable", "Only with the flag -migrate", "migrate  ", "trellisvet help NAME",
	} {
		i := strings.Index(stdout[from:], text)
		if i < 0 || status != 0 {
			t.Fatalf("trellisvet help: status %d, no %q after byte %d of\n%s%s", status, text, from, stdout, stderr)
		}
		from += i
	}
	stdout, stderr, status = p.run(t, tool, "help", "migrate")
	if !strings.Contains(stdout, "-migrate.first") || status != 0 {
		t.Errorf("trellisvet help migrate: status %d, no -migrate.first in\n%s%s", status, stdout, stderr)
	}
}
