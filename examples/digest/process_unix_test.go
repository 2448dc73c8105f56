//go:build unix

package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/trellis-go/trellis/internal/proctest"
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
	for sig, code := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		t.Run(sig.String(), func(t *testing.T) {
			p := proctest.Start(t, dir)
			// The first file is printed, and the second one has no end: the
			// signal arrives in the middle of the work.
			p.Out.Await(t, "/a$")
			p.Signal(t, sig)
			ended(t, p).expect(t, "digest DIR", code, lines(dir, files, "a"), "digest: interrupted: 1 files, 1 bytes in ")
			if n := strings.Count(p.Err.String(), "\n"); n != 1 {
				t.Errorf("standard error has %d lines, want 1:\n%s", n, p.Err)
			}
		})
	}
}

// The log of the kernel is a regular file that is read until the machine stops.
func TestKernelLog(t *testing.T) {
	const kernelLog = "/proc/kmsg"
	if f, err := os.OpenFile(kernelLog, os.O_RDONLY|syscall.O_NONBLOCK, 0); err != nil {
		t.Skip(err)
	} else {
		f.Close()
	}
	files := map[string]string{"a": "1"}
	dir := tree(t, files)
	p := proctest.Start(t, "-timeout", "1s", "-j", "2", dir, kernelLog, dir)
	ended(t, p).expect(t, "digest -timeout 1s DIR "+kernelLog+" DIR", 1, lines(dir, files, "a", "a"), "digest: stopped by the time limit of 1s: 2 files, ")
}

// What is wrong with a command line is said before anything is done.
func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, 2, "digest: no DIR given\n"},
		{[]string{"-j", "0", "."}, 2, "digest: -j 0: must be at least 1\n"},
		{[]string{"-j", "many", "."}, 2, `invalid value "many" for flag -j`},
		{[]string{"-timeout", "-1s", "."}, 2, "digest: -timeout and -progress must not be negative\n"},
		{[]string{"a", "-j", "3"}, 2, `digest: -j after "a": flags must come before DIR`},
		{[]string{"-h"}, 0, "Usage: digest [-timeout DURATION]"},
	} {
		got := ended(t, proctest.Start(t, c.args...))
		if got.code != c.code || !strings.HasPrefix(got.stderr, c.want) || got.stdout != "" {
			t.Errorf("digest %q: got %+v, want exit code %d and %q", c.args, got, c.code, c.want)
		}
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
	proctest.LoseOutput(t, "digest", "signal: broken pipe", dir, dir+"/missing")
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
	for _, root := range []string{dir + "/fifo", "/dev/null", dir + "/link", dir + "/dangling"} {
		got := run(t.Context(), root)
		got.expect(t, "digest "+root, 1, "", "digest: done, 1 unreadable: 0 files, 0 bytes in ")
		if want := fmt.Sprintf("digest: %q: neither a regular file nor a directory\n", root); !strings.HasPrefix(got.stderr, want) {
			t.Errorf("digest %s: standard error\n%swant at its start\n%s", root, got.stderr, want)
		}
	}

	run(t.Context(), dir+"/dirlink/").expect(t, "digest dirlink/", 0, line(dir+"/dirlink/x", "2"), "digest: done: 1 files")
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
	got.expect(t, "digest DIR", 1, lines(dir, files, "a", "d"), "digest: done, 2 unreadable: 2 files, 2 bytes in ")
	want := fmt.Sprintf("digest: %q: permission denied\ndigest: %q: permission denied\n%s\n", dir+"/b", dir+"/c", got.lastLine())
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
