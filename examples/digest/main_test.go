package main_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	digest "github.com/trellis-go/trellis/examples/digest"
	"github.com/trellis-go/trellis/internal/proctest"
)

func TestMain(m *testing.M) {
	proctest.Program(digest.Main)
	goleak.VerifyTestMain(m)
}

// outcome is what one run of the program left behind.
type outcome struct {
	code           int
	stdout, stderr string
}

// run runs the program in this process.
func run(ctx context.Context, args ...string) outcome {
	return runWith(ctx, digest.Open, args...)
}

func runWith(ctx context.Context, open func(string) (io.ReadCloser, error), args ...string) outcome {
	var stdout, stderr bytes.Buffer
	code := digest.RunWith(ctx, args, &stdout, &stderr, open)
	return outcome{code, stdout.String(), stderr.String()}
}

// lastLine returns the line in which the program says what happened.
func (o outcome) lastLine() string {
	lines := strings.Split(strings.TrimSuffix(o.stderr, "\n"), "\n")
	return lines[len(lines)-1]
}

// expect checks the exit code, all of standard output, and the start of the
// last line of standard error.
func (o outcome) expect(t *testing.T, call string, code int, stdout, lastLine string) {
	t.Helper()
	if o.code != code {
		t.Errorf("%s: exit code %d, want %d", call, o.code, code)
	}
	if o.stdout != stdout {
		t.Errorf("%s: standard output\n%swant\n%s", call, o.stdout, stdout)
	}
	if !strings.HasPrefix(o.lastLine(), lastLine) {
		t.Errorf("%s: last line\n%s\nwant one that starts with\n%s", call, o.lastLine(), lastLine)
	}
	if o.stderr != "" && !strings.HasSuffix(o.stderr, "\n") {
		t.Errorf("%s: standard error %q does not end its last line", call, o.stderr)
	}
}

// tree makes a directory with the given files, by path and content.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for path, content := range files {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// line is what the program must print for a file whose name needs no escape.
func line(path, content string) string {
	return fmt.Sprintf("%x  %s\n", sha256.Sum256([]byte(content)), path)
}

// lines is what it must print for files directly in dir, in this order.
func lines(dir string, files map[string]string, names ...string) string {
	var b strings.Builder
	for _, name := range names {
		b.WriteString(line(dir+"/"+name, files[name]))
	}
	return b.String()
}

// sortedLines is what it must print for all files, none of which has a
// directory beside it whose name it starts with.
func sortedLines(dir string, files map[string]string) string {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return lines(dir, files, names...)
}
