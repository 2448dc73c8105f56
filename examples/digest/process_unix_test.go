//go:build unix

package main_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	digest "github.com/trellis-go/trellis/examples/digest"
	"github.com/trellis-go/trellis/examples/internal/proctest"
)

// endlessFile makes a file that takes no space, but hashing it would take an hour
// or so.
func endlessFile(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(1 << 40); err != nil {
		t.Skip("no file system for large files with holes: ", err)
	}
}

func TestSignals(t *testing.T) {
	files := map[string]string{"a": "1"}
	dir := tree(t, files)
	endlessFile(t, dir+"/b")
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			p := proctest.Start(t, dir)
			// The first file is printed, and the second one has no end: the
			// signal arrives in the middle of the work.
			p.Out.Await(t, "/a$")
			p.Signal(t, sig)
			ended(t, p).expect(t, "digest DIR", 130, lines(dir, files, "a"),
				fmt.Sprintf("digest: interrupted (%v signal received): 1 file, 1 byte in ", sig))
			if n := strings.Count(p.Err.String(), "\n"); n != 1 {
				t.Errorf("standard error has %d lines, want 1:\n%s", n, p.Err)
			}
		})
	}
}

// ended returns what a process has left behind at its end.
func ended(t *testing.T, p *proctest.Process) outcome {
	t.Helper()
	p.End(t)
	return outcome{p.ProcessState.ExitCode(), p.Out.String(), p.Err.String()}
}

// As in: digest DIR | head. There is an endless file, so that the program can
// only end because it stops.
func TestLostOutput(t *testing.T) {
	dir := tree(t, map[string]string{"a": "1"})
	endlessFile(t, dir+"/b")
	proctest.LoseOutput(t, "digest", dir, dir+"/missing")
	proctest.LoseOutput(t, "digest", "-h")
}

func TestNotRegular(t *testing.T) {
	files := map[string]string{"a": "1", "d/x": "2", "z": "3"}
	dir := tree(t, files)
	if err := syscall.Mkfifo(dir+"/fifo", 0o666); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"loop": ".", "link": "a", "dirlink": "d", "dangling": "missing"} {
		if err := os.Symlink(to, dir+"/"+link); err != nil {
			t.Fatal(err)
		}
	}

	// Found in a directory, they are skipped.
	run(t.Context(), dir).expect(t, "digest DIR", 0, lines(dir, files, "a", "d/x", "z"), "digest: done: 3 files")

	// Named, they are not passed over in silence.
	for root, want := range map[string]string{
		dir + "/fifo":     "neither a regular file nor a directory",
		"/dev/null":       "neither a regular file nor a directory",
		dir + "/link":     "a symbolic link, which is not followed",
		dir + "/dirlink":  "a symbolic link, which is not followed",
		dir + "/dangling": "a symbolic link, which is not followed",
	} {
		got := run(t.Context(), root)
		got.expect(t, "digest "+root, 1, "", "digest: done: 0 files, 0 bytes in ")
		if want := "digest: " + root + ": " + want + "\n"; !strings.HasPrefix(got.stderr, want) {
			t.Errorf("digest %s: standard error\n%swant at its start\n%s", root, got.stderr, want)
		}
	}

	run(t.Context(), dir+"/dirlink/").expect(t, "digest dirlink/", 0, line(dir+"/dirlink/x", "2"), "digest: done: 1 file")
}

// Opening a FIFO would wait for a process that writes to it, and a link would lead
// elsewhere.
func TestReplacedByOther(t *testing.T) {
	for name, replace := range map[string]func(path string) error{
		"FIFO": func(path string) error { return syscall.Mkfifo(path, 0o666) },
		"link": func(path string) error { return os.Symlink("b", path) },
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"a": "1", "b": "2"}
			dir := tree(t, files)
			open := except("a", func(path string) (io.ReadCloser, error) {
				if err := errors.Join(os.Remove(path), replace(path)); err != nil {
					t.Error(err)
				}
				return digest.OpenRegular(path)
			})
			got := runWith(t.Context(), open, dir)
			got.expect(t, "digest DIR", 1, lines(dir, files, "b"), "digest: done: 1 file, 1 byte in ")
		})
	}
}

// Names that need an escape are printed as sha256sum prints them.
func TestEscapes(t *testing.T) {
	sum := line("", "x")[:64]
	for name, want := range map[string]string{
		"new\nline":     `\` + sum + `  DIR/new\nline`,
		`back\slash`:    `\` + sum + `  DIR/back\\slash`,
		`not\new line`:  `\` + sum + `  DIR/not\\new line`,
		"return\r":      `\` + sum + `  DIR/return\r`,
		"tab\tand\x1b[": sum + "  DIR/tab\tand\x1b[",
		` "quotes' `:    sum + `  DIR/ "quotes' `,
	} {
		dir := tree(t, map[string]string{name: "x"})
		got := run(t.Context(), dir)
		got.expect(t, fmt.Sprintf("digest of %q", name), 0, strings.Replace(want, "DIR", dir, 1)+"\n", "digest: done")
	}
}

// The real sha256sum, where there is one, prints the same bytes for the same
// files.
func TestLikeSha256sum(t *testing.T) {
	tool, err := exec.LookPath("sha256sum")
	if err != nil {
		t.Skip(err)
	}
	dir := tree(t, map[string]string{
		"a": "1", "new\nline": "2", `back\slash`: "3", "empty": "", "z/\xff": strings.Repeat("4", 1_000_000), "-x": "5",
	})
	var paths []string
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want, err := exec.CommandContext(t.Context(), tool, append([]string{"--"}, paths...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	run(t.Context(), dir).expect(t, "digest DIR", 0, string(want), "digest: done: 6 files")
}

// Permissions, for a user whom they stop.
func TestPermission(t *testing.T) {
	files := map[string]string{"a": "1", "b/x": "2", "c": "3", "d": "4"}
	dir := tree(t, files)
	for _, name := range []string{"b", "c"} {
		if err := os.Chmod(dir+"/"+name, 0); err != nil {
			t.Fatal(err)
		}
	}
	defer os.Chmod(dir+"/b", 0o777) // to be removed
	p := proctest.Command(t, dir)
	if os.Getuid() == 0 {
		asNobody(t, p.Cmd, dir)
	}
	p.Begin(t)
	got := ended(t, p)
	got.expect(t, "digest DIR", 1, lines(dir, files, "a", "d"), "digest: done: 2 files, 2 bytes in ")
	want := fmt.Sprintf("digest: %s/b: permission denied\ndigest: %s/c: permission denied\n%s\n", dir, dir, got.lastLine())
	if got.stderr != want {
		t.Errorf("standard error\n%swant\n%s", got.stderr, want)
	}
}

// asNobody makes cmd, which root may do anything with, the program of a user
// without rights, who can read dir.
func asNobody(t *testing.T, cmd *exec.Cmd, dir string) {
	t.Helper()
	program, err := os.ReadFile(cmd.Path)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Path = filepath.Join(t.TempDir(), "digest")
	if err := os.WriteFile(cmd.Path, program, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{dir, filepath.Dir(dir), filepath.Dir(cmd.Path)} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
}
