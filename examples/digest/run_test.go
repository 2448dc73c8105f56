package main_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	digest "github.com/trellis-go/trellis/examples/digest"
	"github.com/trellis-go/trellis/internal/proctest"
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
	run(t.Context(), dir).expect(t, "digest DIR", 0, sortedLines(dir, files), "digest: done: 12 files, 3131132 bytes in ")
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

	for _, jobs := range []int{1, 2, 7, 64, 1000} {
		t.Run(fmt.Sprint("j=", jobs), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				open := func(path string) (io.ReadCloser, error) {
					time.Sleep(delays[filepath.Base(path)])
					return digest.Open(path)
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
		{".", line("-", "dash") + line("d/f", "file")},
		{"d", line("d/f", "file")},
		{"d/", line("d/f", "file")},
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
		return digest.Open(path)
	}
	missing := filepath.Join(dir, "missing")
	got := runWith(t.Context(), open, missing, dir, dir+"/a")
	got.expect(t, "digest missing DIR a", 1, lines(dir, files, "a", "c", "a"), "digest: done, 4 unreadable: 3 files, 3 bytes in ")
	want := []string{
		fmt.Sprintf("digest: %q: no such file or directory", missing),
		fmt.Sprintf("digest: %q: file does not exist", dir+"/b"),
		fmt.Sprintf("digest: %q: the disk says no", dir+"/d"),
		fmt.Sprintf("digest: %q: permission denied", dir+"/e\n"),
		got.lastLine(),
	}
	if got.stderr != strings.Join(want, "\n")+"\n" {
		t.Errorf("standard error\n%swant\n%s", got.stderr, strings.Join(want, "\n"))
	}
}

type brokenReader struct{ err error }

func (r brokenReader) Read([]byte) (int, error) { return 0, r.err }

// A reader may give its last bytes together with the end.
func TestDataWithEOF(t *testing.T) {
	dir := tree(t, map[string]string{"a": ""})
	open := func(string) (io.ReadCloser, error) {
		return io.NopCloser(iotest.DataErrReader(strings.NewReader("abc"))), nil
	}
	runWith(t.Context(), open, dir).expect(t, "digest DIR", 0, line(dir+"/a", "abc"), "digest: done: 1 files, 3 bytes in ")
}

// A full disk, say: nothing is printed after a line that is missing, and the rest is not
// hashed.
func TestWriteError(t *testing.T) {
	dir := tree(t, map[string]string{"a": "a", "b": "b"})
	synctest.Test(t, func(t *testing.T) {
		var stderr strings.Builder
		stdout := &scriptedWriter{errs: []error{errors.New("no space")}}
		reading := make(chan struct{}) // closed when the second file is being read
		open := func(path string) (io.ReadCloser, error) {
			if filepath.Base(path) == "b" {
				return &announced{begun: reading}, nil
			}
			<-reading
			return digest.Open(path)
		}
		code := digest.RunWith(t.Context(), []string{"-j", "2", dir}, stdout, &stderr, open)
		if want := "digest: no space: 0 files, 0 bytes in 1s\n"; code != 1 || stderr.String() != want || len(stdout.writes) > 0 {
			t.Errorf("digest DIR to a full disk: exit code %d, standard error %q, then written %q, want 1, %q, nothing", code, stderr.String(), stdout.writes, want)
		}
	})
}

// An announced file says when its first block is being read, which takes a second.
type announced struct {
	begun chan struct{}
	once  sync.Once
}

func (a *announced) Read(p []byte) (int, error) {
	a.once.Do(func() { close(a.begun) })
	return endless{time.Second}.Read(p)
}

func (a *announced) Close() error { return nil }

// Progress is said by a task in the background, which is there until the end.
func TestProgress(t *testing.T) {
	dir := tree(t, map[string]string{"a": "1", "b": "2"})
	open := except("b", func(path string) (io.ReadCloser, error) {
		time.Sleep(2500 * time.Millisecond)
		return digest.Open(path)
	})
	synctest.Test(t, func(t *testing.T) {
		stderr := new(proctest.Text)
		digest.RunWith(t.Context(), []string{"-progress", "1s", dir}, io.Discard, stderr, open)
		const want = "digest: 1 files, 1 bytes so far\ndigest: 1 files, 1 bytes so far\ndigest: done: 2 files, 2 bytes in 2.5s\n"
		if got := stderr.String(); got != want {
			t.Errorf("digest -progress 1s DIR: standard error\n%swant\n%s", got, want)
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
