package temporal_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A mutation breaks one rule of this module by replacing one line of it. The list is
// testdata/mutations.txt, in the form of the root module's.
type mutation struct {
	name, file, old, new string
	nth                  int // which of the lines that read as old; 0: the only one
}

func readMutations(t *testing.T) []mutation {
	t.Helper()
	text, err := os.ReadFile("testdata/mutations.txt")
	if err != nil {
		t.Fatal(err)
	}
	var list []mutation
	for i, line := range strings.Split(string(text), "\n") {
		sign, rest, _ := strings.Cut(line, " ")
		last := &mutation{}
		if len(list) > 0 {
			last = &list[len(list)-1]
		}
		switch sign {
		case "":
		case "#":
			list = append(list, mutation{name: rest})
		case "@":
			last.file = rest
		case "-", "-1", "-2", "-3":
			last.nth, _ = strconv.Atoi(sign[1:])
			last.old = rest
		case "+":
			last.new = rest
		default:
			t.Fatalf("testdata/mutations.txt:%d: unknown sign %q", i+1, sign)
		}
	}
	return list
}

// apply returns the text of the file with the line replaced.
func (m mutation) apply(text string) (string, error) {
	lines := strings.Split(text, "\n")
	var at []int
	for i, line := range lines {
		if strings.TrimSpace(line) == m.old {
			at = append(at, i)
		}
	}
	if m.old == "" || m.nth == 0 && len(at) != 1 || m.nth > 0 && len(at) < 2 || m.nth > len(at) {
		return "", fmt.Errorf("%s: line %q stands %d times in it; number %d was meant, 0 being the only one", m.file, m.old, len(at), m.nth)
	}
	lines[at[max(m.nth, 1)-1]] = m.new
	return strings.Join(lines, "\n"), nil
}

// The list must fit the code at any time. Whether the tests notice each mutation is tried by
//
//	TRELLIS_MUTATIONS=. go test -v -run TestMutations -timeout 2h .
//
// where the value is a part of the names to try, or a dot for all. What only a server shows, that a
// canceled activity is awaited, is noticed if TRELLIS_DEVSERVER is set as well.
func TestMutations(t *testing.T) {
	list := readMutations(t)
	if len(list) < 40 {
		t.Errorf("%d mutations, want at least 40", len(list))
	}
	wanted := os.Getenv("TRELLIS_MUTATIONS")
	for _, m := range list {
		text, err := os.ReadFile(m.file)
		changed := ""
		if err == nil {
			changed, err = m.apply(string(text))
		}
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
			continue
		}
		if wanted == "" || wanted != "." && !strings.Contains(m.name, wanted) {
			continue
		}
		switch red, err := m.try(t, changed); {
		case err != nil:
			t.Errorf("%s: %v", m.name, err)
		case red == "":
			t.Errorf("%s: no test has noticed it", m.name)
		default:
			fmt.Printf("| %s | %s |\n", m.name, red)
		}
	}
}

// stages are the tests that are run after those of the package itself, until one notices the
// mutation.
var stages = [][]string{
	{"./cancelscope", "./deadline", "./wait", "./nursery", "./call", "./failure", "./activityscope"},
	{"-run", "TestCorpus$", "./internal/interp"},
	{"-run", "TestKeptHistories|TestAccount|TestOnAServer", "./internal/lifetime"},
}

// try runs the tests with the changed text, and returns the first that failed.
func (m mutation) try(t *testing.T, changed string) (red string, err error) {
	dir := t.TempDir()
	whole, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	copied := filepath.Join(dir, filepath.Base(m.file))
	if err := os.WriteFile(copied, []byte(changed), 0o600); err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {whole: copied}})
	if err != nil {
		return "", err
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		return "", err
	}
	own := [][]string{{"./" + filepath.Dir(m.file)}}
	for _, stage := range append(own, stages...) {
		args := append([]string{"test", "-vet=off", "-timeout", "120s", "-overlay", list}, stage...)
		out, err := exec.Command("go", args...).CombinedOutput()
		switch {
		case bytes.Contains(out, []byte("[build failed]")):
			return "", fmt.Errorf("does not build:\n%s", out)
		case err != nil:
			return firstFailure(out), nil
		}
	}
	return "", nil
}

// firstFailure returns the first test that failed, or how its package ended.
func firstFailure(out []byte) string {
	for line := range bytes.Lines(out) {
		fields := strings.Fields(string(line))
		switch {
		case bytes.HasPrefix(line, []byte("--- FAIL: ")):
			return fields[2]
		case bytes.HasPrefix(line, []byte("panic: test timed out")):
			return "(one hangs)"
		case bytes.HasPrefix(line, []byte("panic: ")), bytes.HasPrefix(line, []byte("fatal error: ")):
			return "(one panics)"
		}
	}
	return "(does not end well)"
}
