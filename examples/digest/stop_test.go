package main_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	digest "github.com/trellis-go/trellis/examples/digest"
	"github.com/trellis-go/trellis/internal/proctest"
)

// endless is a file that never ends. Each block takes its time.
type endless struct{ perBlock time.Duration }

func (e endless) Read(p []byte) (int, error) {
	time.Sleep(e.perBlock)
	return len(p), nil
}

func (endless) Close() error { return nil }

// except opens the file of the given name by special.
func except(name string, special func(path string) (io.ReadCloser, error)) func(string) (io.ReadCloser, error) {
	return func(path string) (io.ReadCloser, error) {
		if filepath.Base(path) == name {
			return special(path)
		}
		return digest.Open(path)
	}
}

// At the time limit everything that is finished is printed, also what comes
// after a file that is not, and the file itself is let go of between two
// blocks.
func TestTimeout(t *testing.T) {
	files := map[string]string{"a": "1", "b": "2", "c": "3", "d": "4"}
	dir := tree(t, files)
	open := except("b", func(string) (io.ReadCloser, error) { return endless{time.Second}, nil })
	synctest.Test(t, func(t *testing.T) {
		got := runWith(t.Context(), open, "-j", "3", "-timeout", "30s", dir)
		got.expect(t, "digest -timeout 30s DIR", 1, lines(dir, files, "a", "c", "d"),
			"digest: stopped by the time limit of 30s: 3 files, 3 bytes in 30s")
	})
}

// A read that waits is interrupted through the deadline of its file: it is not abandoned.
func TestBlockedRead(t *testing.T) {
	files := map[string]string{"a": "1", "b": "2", "c": "3"}
	dir := tree(t, files)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	closed := make(chan struct{})
	open := except("b", func(string) (io.ReadCloser, error) {
		return waiting{r, func() { cancel(errors.New("enough")) }, closed}, nil
	})
	got := runWith(ctx, open, "-j", "1", dir)
	got.expect(t, "digest DIR", 130, lines(dir, files, "a"), "digest: interrupted: 1 files, 1 bytes in ")
	select {
	case <-closed:
	default:
		t.Errorf("digest ended before the read of b did")
	}
}

// A waiting file calls begin at each read, and closes a channel when it has been closed.
type waiting struct {
	*os.File
	begin  func()
	closed chan struct{}
}

func (w waiting) Read(p []byte) (int, error) {
	w.begin()
	return w.File.Read(p)
}

func (w waiting) Close() error {
	close(w.closed)
	return w.File.Close()
}

// The unreadable files are reported also when the limit was what ended it.
func TestTimeoutAndUnreadable(t *testing.T) {
	files := map[string]string{"a": "1", "b": "2"}
	dir := tree(t, files)
	open := except("b", func(string) (io.ReadCloser, error) { return endless{time.Second}, nil })
	synctest.Test(t, func(t *testing.T) {
		got := runWith(t.Context(), open, "-timeout", "1m", dir+"/missing", dir)
		got.expect(t, "digest -timeout 1m missing DIR", 1, lines(dir, files, "a"),
			"digest: stopped by the time limit of 1m0s: 1 files, 1 bytes in 1m0s")
		if want := fmt.Sprintf("digest: %q: no such file", dir+"/missing"); !strings.HasPrefix(got.stderr, want) {
			t.Errorf("standard error\n%swant at its start\n%s", got.stderr, want)
		}
	})
}

// A limit that did not cut anything short has not stopped anything.
func TestTimeoutNotReached(t *testing.T) {
	files := map[string]string{"a": "1", "b": "2"}
	dir := tree(t, files)
	open := except("b", func(path string) (io.ReadCloser, error) {
		time.Sleep(59 * time.Second)
		return digest.Open(path)
	})
	synctest.Test(t, func(t *testing.T) {
		got := runWith(t.Context(), open, "-timeout", "1m", dir)
		got.expect(t, "digest -timeout 1m DIR", 0, lines(dir, files, "a", "b"), "digest: done: 2 files, 2 bytes in 59s")
	})
}

// What is finished is printed while the rest is still being hashed.
func TestStreams(t *testing.T) {
	files := map[string]string{"a": "1", "b": "2", "c": "3"}
	dir := tree(t, files)
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		open := except("b", func(path string) (io.ReadCloser, error) {
			<-release
			return digest.Open(path)
		})
		stdout := new(proctest.Text)
		code := make(chan int)
		go func() { code <- digest.RunWith(t.Context(), []string{dir}, stdout, io.Discard, open) }()

		time.Sleep(time.Second)
		synctest.Wait() // a is printed, c is hashed, b holds up the order
		if got, want := stdout.String(), lines(dir, files, "a"); got != want {
			t.Errorf("while b is being read: standard output\n%swant\n%s", got, want)
		}
		close(release)
		if got := <-code; got != 0 {
			t.Errorf("exit code %d, want 0", got)
		}
		if got, want := stdout.String(), lines(dir, files, "a", "b", "c"); got != want {
			t.Errorf("at the end: standard output\n%swant\n%s", got, want)
		}
	})
}

func TestInterrupt(t *testing.T) {
	files := map[string]string{"a": "1", "b": "2", "c": "3"}
	dir := tree(t, files)
	ctx, cancel := context.WithCancelCause(t.Context())
	open := except("b", func(string) (io.ReadCloser, error) {
		cancel(errors.New("the user has stopped it"))
		return endless{}, nil
	})
	got := runWith(ctx, open, "-j", "1", dir)
	got.expect(t, "digest DIR", 130, lines(dir, files, "a"), "digest: interrupted: 1 files, 1 bytes in ")
}

// Interrupted before anything could be hashed: also in a tree that has
// nothing to be hashed.
func TestInterruptAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dirs := t.TempDir()
	if err := os.MkdirAll(dirs+"/a/b/c", 0o777); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{tree(t, map[string]string{"a": "1", "b/c": "2"}), dirs} {
		run(ctx, dir).expect(t, "digest DIR", 130, "", "digest: interrupted: 0 files, 0 bytes in ")
	}
}

// -j is how many files are open at a time, no more and no fewer.
func TestJobs(t *testing.T) {
	files := map[string]string{}
	for i := range 20 {
		files[fmt.Sprintf("%02d", i)] = ""
	}
	dir := tree(t, files)
	for _, jobs := range []int{1, 2, 5} {
		t.Run(fmt.Sprint("j=", jobs), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				now, most := 0, 0
				add := func(n int) {
					mu.Lock()
					defer mu.Unlock()
					now += n
					most = max(most, now)
				}
				open := func(string) (io.ReadCloser, error) {
					add(+1)
					time.Sleep(time.Second)
					return closer{strings.NewReader(""), func() { add(-1) }}, nil
				}
				got := runWith(t.Context(), open, "-j", fmt.Sprint(jobs), dir)
				got.expect(t, "digest DIR", 0, sortedLines(dir, files), fmt.Sprintf("digest: done: 20 files, 0 bytes in %ds", 20/jobs))
				if most != jobs || now != 0 {
					t.Errorf("digest -j %d: at most %d files were open at a time, and %d at the end; want %d and 0", jobs, most, now, jobs)
				}
			})
		})
	}
}

type closer struct {
	io.Reader
	close func()
}

func (c closer) Close() error {
	c.close()
	return nil
}
