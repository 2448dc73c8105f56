package main_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	digest "github.com/trellis-go/trellis/examples/digest"
)

func TestHash(t *testing.T) {
	files := map[string]string{
		"empty":         "",
		"short":         "abc",
		"block":         strings.Repeat("x", 64<<10), // what is read at once
		"block+1":       strings.Repeat("y", 64<<10+1),
		"large":         strings.Repeat("0123456789", 300_000),
		"sub/sub/deep":  "deep",
		"sub/sub/other": "other",
		" spaces  here": "spaces",
		"\xff\xfe":      "no UTF-8",
		"ünïcödé":       "runes",
		"-":             "not standard input",
		"-n":            "not a flag",
	}
	dir := tree(t, files)
	run(t.Context(), dir).expect(t, "digest DIR", 0, sortedLines(dir, files), "digest: done: 12 files, 3.1 MB in ")
}

// The order is that of the names in a directory, with the files of a directory
// where its own name stands.
func TestOrderOfDirectories(t *testing.T) {
	files := map[string]string{"a/2": "1", "a.b": "2", "a0": "3", "a/1": "4"}
	dir := tree(t, files)
	run(t.Context(), dir).expect(t, "digest DIR", 0, lines(dir, files, "a/1", "a/2", "a.b", "a0"), "digest: done: 4 files")
}

// However long each file takes, and however many are read at a time, the
// output is the same.
func TestStableOrder(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	files, delays := map[string]string{}, map[string]time.Duration{}
	for i := range 300 {
		name := fmt.Sprintf("%03d", i)
		path := fmt.Sprintf("%c/%c/%s", 'a'+random.IntN(5), 'a'+random.IntN(5), name)
		files[path] = strings.Repeat("x", random.IntN(1000))
		delays[name] = time.Duration(random.IntN(500)) * time.Millisecond
	}
	dir := tree(t, files)
	want := sortedLines(dir, files)

	for _, jobs := range []int{1, 2, 7, 64, digest.Window} {
		t.Run(fmt.Sprint("j=", jobs), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				open := func(path string) (io.ReadCloser, error) {
					time.Sleep(delays[filepath.Base(path)])
					return digest.OpenRegular(path)
				}
				got := runWith(t.Context(), open, "-j", fmt.Sprint(jobs), dir)
				got.expect(t, fmt.Sprintf("digest -j %d DIR, seed %d", jobs, seed), 0, want, "digest: done: 300 files")
			})
		})
	}
}

// The relative path is printed as it was given, so that one can work with it.
func TestRelative(t *testing.T) {
	files := map[string]string{"-": "dash", "d/f": "file"}
	t.Chdir(tree(t, files))
	for _, c := range []struct {
		root string
		want string
	}{
		{".", line("./-", "dash") + line("./d/f", "file")},
		{"./", line("./-", "dash") + line("./d/f", "file")},
		{"d", line("d/f", "file")},
		{"d/", line("d/f", "file")},
		{"d/../d", line("d/../d/f", "file")},
	} {
		run(t.Context(), c.root).expect(t, "digest "+c.root, 0, c.want, "digest: done")
	}
}

func TestRoots(t *testing.T) {
	files := map[string]string{"a/1": "1", "a/b/2": "2", "c": "3"}
	dir := tree(t, files)
	one, two, three := line(dir+"/a/1", "1"), line(dir+"/a/b/2", "2"), line(dir+"/c", "3")
	for _, c := range []struct {
		name  string
		roots []string
		want  string
	}{
		{"file", []string{"c"}, three},
		{"two, in the order given", []string{"c", "a"}, three + one + two},
		{"twice", []string{"a", "a"}, one + two + one + two},
		{"overlapping", []string{"a", "a/b"}, one + two + two},
	} {
		t.Run(c.name, func(t *testing.T) {
			var args []string
			for _, root := range c.roots {
				args = append(args, dir+"/"+root)
			}
			run(t.Context(), args...).expect(t, fmt.Sprint("digest ", c.roots), 0, c.want, "digest: done")
		})
	}
}

// What cannot be read does not keep anything else from being hashed, and all
// of it is reported, in the order of the walk.
func TestUnreadable(t *testing.T) {
	files := map[string]string{"a": "a", "b": "b", "c": "c", "d": "d", "e\n": "e"}
	dir := tree(t, files)
	broken := errors.New("the disk says no")
	open := func(path string) (io.ReadCloser, error) {
		switch filepath.Base(path) {
		case "b": // gone since the directory was read
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		case "d": // breaks off in the middle
			return io.NopCloser(io.MultiReader(strings.NewReader("half"), brokenReader{broken})), nil
		case "e\n":
			return nil, fs.ErrPermission
		}
		return digest.OpenRegular(path)
	}
	missing := filepath.Join(dir, "missing")
	got := runWith(t.Context(), open, missing, dir, "")
	got.expect(t, "digest missing DIR ''", 1, lines(dir, files, "a", "c"), "digest: done: 2 files, 2 bytes in ")
	if !strings.HasSuffix(got.lastLine(), ", 5 unreadable") {
		t.Errorf("last line %q does not end with the number of unreadable files, 5", got.lastLine())
	}
	want := []string{
		"digest: " + missing + ": no such file or directory",
		"digest: " + dir + "/b: file does not exist",
		"digest: " + dir + "/d: the disk says no",
		`digest: "` + dir + `/e\n": permission denied`,
		`digest: "": no such file or directory`,
		got.lastLine(),
	}
	if got.stderr != strings.Join(want, "\n")+"\n" {
		t.Errorf("standard error\n%swant\n%s", got.stderr, strings.Join(want, "\n"))
	}
}

type brokenReader struct{ err error }

func (r brokenReader) Read([]byte) (int, error) { return 0, r.err }

// Another kind of file may have taken the place of a regular one between the
// walk and the opening.
func TestReplacedByDirectory(t *testing.T) {
	files := map[string]string{"a": "a", "b": "b"}
	dir := tree(t, files)
	open := func(path string) (io.ReadCloser, error) {
		if filepath.Base(path) == "a" {
			os.Remove(path)
			os.Mkdir(path, 0o777)
		}
		return digest.OpenRegular(path)
	}
	got := runWith(t.Context(), open, dir)
	got.expect(t, "digest DIR", 1, lines(dir, files, "b"), "digest: done: 1 file, 1 byte in ")
	if want := "digest: " + dir + "/a: no longer a regular file\n"; !strings.HasPrefix(got.stderr, want) {
		t.Errorf("standard error\n%swant at its start\n%s", got.stderr, want)
	}
}

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "digest: no DIR given\n"},
		{[]string{"-j", "2"}, "digest: no DIR given\n"},
		{[]string{"-j", "0", "."}, "digest: -j 0: must be 1 to 1024\n"},
		{[]string{"-j", "1025", "."}, "digest: -j 1025: must be 1 to 1024\n"},
		{[]string{"-j", "many", "."}, `digest: invalid value "many" for flag -j: parse error` + "\n"},
		{[]string{"-timeout", "-1s", "."}, "digest: -timeout -1s: must not be negative\n"},
		{[]string{"-timeout", "30", "."}, `digest: invalid value "30" for flag -timeout: parse error` + "\n"},
		{[]string{"-x", "."}, "digest: flag provided but not defined: -x\n"},
		{[]string{"a", "-j", "3"}, `digest: -j after "a": flags must come before DIR; after -- nothing is a flag` + "\n"},
	} {
		got := run(t.Context(), c.args...)
		want := outcome{2, "", c.want + "Run digest -h for help.\n"}
		if got != want {
			t.Errorf("digest %q: got %+v, want %+v", c.args, got, want)
		}
	}
}

func TestHelp(t *testing.T) {
	for _, flag := range []string{"-h", "-help", "--help"} {
		got := run(t.Context(), flag)
		if got.code != 0 || got.stderr != "" {
			t.Errorf("digest %s: exit code %d, standard error %q, want 0 and none", flag, got.code, got.stderr)
		}
		for _, want := range []string{
			"Usage: digest [-timeout DURATION] [-j N] DIR...\n",
			"\n  -timeout duration\n", "\n  -j N\n",
			"\n  0  ", "\n  1  ", "\n  2  ", "\n  3  ", "\n  130  ", "\n  141  ",
			"\nExample:\n  digest ",
		} {
			if !strings.Contains(got.stdout, want) {
				t.Errorf("digest %s: no %q in\n%s", flag, want, got.stdout)
			}
		}
		for line := range strings.Lines(got.stdout) {
			if len(line) > 81 {
				t.Errorf("digest %s: %q is wider than a terminal", flag, line)
			}
		}
	}
}

func TestByteCount(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 bytes", 1: "1 byte", 999: "999 bytes", 1000: "1.0 kB", 1049: "1.0 kB", 1050: "1.1 kB",
		999_949: "999.9 kB", 999_950: "1.0 MB", 23_400_000: "23.4 MB", 1 << 40: "1.1 TB", 1<<63 - 1: "9.2 EB",
	} {
		if got := digest.ByteCount(n); got != want {
			t.Errorf("byteCount(%d) = %q, want %q", n, got, want)
		}
	}
}

// A reader may give its last bytes together with the end.
func TestDataWithEOF(t *testing.T) {
	dir := tree(t, map[string]string{"a": ""})
	open := func(string) (io.ReadCloser, error) {
		return io.NopCloser(iotest.DataErrReader(strings.NewReader("abc"))), nil
	}
	runWith(t.Context(), open, dir).expect(t, "digest DIR", 0, line(dir+"/a", "abc"), "digest: done: 1 file, 3 bytes in ")
}

// manyLines makes a tree of 500 files, and a way to open them by which all of
// their lines are ready at the same moment.
func manyLines(t *testing.T) (dir string, files map[string]string, open func(string) (io.ReadCloser, error)) {
	files = map[string]string{}
	for i := range 500 {
		files[fmt.Sprintf("%03d", i)] = "x"
	}
	return tree(t, files), files, except("000", func(path string) (io.ReadCloser, error) {
		time.Sleep(time.Second)
		return digest.OpenRegular(path)
	})
}

// Each write is one of whole lines, and no larger than a pipe takes as a whole.
func TestWholeLines(t *testing.T) {
	dir, files, open := manyLines(t)
	synctest.Test(t, func(t *testing.T) {
		var stdout scriptedWriter
		if code := digest.RunWith(t.Context(), []string{dir}, &stdout, io.Discard, open); code != 0 {
			t.Errorf("digest DIR: exit code %d, want 0", code)
		}
		for _, w := range stdout.writes {
			if len(w) > 4096 || !strings.HasSuffix(w, "\n") {
				t.Errorf("a write of %d bytes that ends with %q, want at most 4096 and whole lines", len(w), w[len(w)-1:])
			}
		}
		if got, want := strings.Join(stdout.writes, ""), sortedLines(dir, files); got != want {
			t.Errorf("digest DIR: standard output\n%swant\n%s", got, want)
		}
	})
}

// A full disk, say: nothing is printed after a line that is missing.
func TestWriteError(t *testing.T) {
	dir, _, open := manyLines(t)
	for _, c := range []struct{ root, want string }{
		{dir, "digest: no space: "},
		{dir + "/001", "digest: no space: 1 file, 1 byte in "}, // at the very end
	} {
		synctest.Test(t, func(t *testing.T) {
			var stderr strings.Builder
			stdout := &scriptedWriter{errs: []error{errors.New("no space")}}
			code := digest.RunWith(t.Context(), []string{c.root}, stdout, &stderr, open)
			if code != 1 || !strings.HasPrefix(stderr.String(), c.want) || strings.Count(stderr.String(), "\n") != 1 {
				t.Errorf("digest %s to a full disk: exit code %d, standard error %q, want 1 and %q…", c.root, code, stderr.String(), c.want)
			}
			if len(stdout.writes) > 0 {
				t.Errorf("digest %s to a full disk: after the error %q was written", c.root, stdout.writes)
			}
		})
	}
}

// Once standard output has failed, the rest is not hashed.
func TestWriteErrorStops(t *testing.T) {
	dir := tree(t, map[string]string{"a": "a", "b": "b"})
	open := except("b", func(string) (io.ReadCloser, error) { return endless{time.Second}, nil })
	synctest.Test(t, func(t *testing.T) {
		var stderr strings.Builder
		stdout := &scriptedWriter{errs: []error{errors.New("no space")}}
		code := digest.RunWith(t.Context(), []string{dir}, stdout, &stderr, open)
		if want := "digest: no space: 1 file, 1 byte in 1s\n"; code != 1 || stderr.String() != want {
			t.Errorf("digest DIR to a full disk: exit code %d, standard error %q, want 1 and %q", code, stderr.String(), want)
		}
	})
}

// scriptedWriter keeps what is written to it, each write apart, but fails first
// with errs.
type scriptedWriter struct {
	errs   []error
	writes []string
}

func (w *scriptedWriter) Write(p []byte) (int, error) {
	if len(w.errs) > 0 {
		err := w.errs[0]
		w.errs = w.errs[1:]
		return 0, err
	}
	w.writes = append(w.writes, string(p))
	return len(p), nil
}
