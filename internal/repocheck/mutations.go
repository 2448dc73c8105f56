package repocheck

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A mutation breaks one rule of the library by replacing one line of it, or two
// that belong together. The list is testdata/mutations.txt.
type mutation struct {
	name  string
	edits []edit
}

// An edit replaces the nth line of a file that reads as old; nth is 0 where there is
// only one.
type edit struct {
	file, old, new string
	nth            int
}

// parseMutations reads blocks of the form
//
//	# name
//	@ file
//	- old line
//	+ new line
//
// where the line is what follows the sign and one space, with its indentation left
// out. Where the old line stands several times, -1, -2 and so on say which is meant.
func parseMutations(text string) ([]mutation, error) {
	var list []mutation
	var file string
	for i, line := range strings.Split(text, "\n") {
		if line == "" {
			continue
		}
		sign, rest, _ := strings.Cut(line, " ")
		if sign != "#" && len(list) == 0 {
			return nil, fmt.Errorf("line %d: %q before the first name", i+1, line)
		}
		switch sign {
		case "#":
			list = append(list, mutation{name: rest})
		case "@":
			file = rest
		case "-", "-1", "-2", "-3":
			m := &list[len(list)-1]
			nth, _ := strconv.Atoi(sign[1:])
			m.edits = append(m.edits, edit{file: file, old: rest, nth: nth})
		case "+":
			m := &list[len(list)-1]
			if len(m.edits) == 0 {
				return nil, fmt.Errorf("line %d: nothing to replace", i+1)
			}
			m.edits[len(m.edits)-1].new = rest
		default:
			return nil, fmt.Errorf("line %d: unknown sign %q", i+1, sign)
		}
	}
	return list, nil
}

// apply returns the files that the mutation changes, with their new texts.
func (m mutation) apply(read func(file string) (string, error)) (map[string]string, error) {
	changed := make(map[string]string)
	for _, e := range m.edits {
		text, ok := changed[e.file]
		if !ok {
			var err error
			if text, err = read(e.file); err != nil {
				return nil, err
			}
		}
		lines := strings.Split(text, "\n")
		var at []int
		for i, line := range lines {
			if strings.TrimSpace(line) == e.old {
				at = append(at, i)
			}
		}
		if e.nth == 0 && len(at) != 1 || e.nth > 0 && len(at) < 2 || e.nth > len(at) {
			return nil, fmt.Errorf("%s: line %q stands %d times in it; number %d was meant, 0 being the only one", e.file, e.old, len(at), e.nth)
		}
		lines[at[max(e.nth, 1)-1]] = e.new
		changed[e.file] = strings.Join(lines, "\n")
	}
	return changed, nil
}

func readText(file string) (string, error) {
	b, err := os.ReadFile(file)
	return string(b), err
}

func readMutations(t *testing.T) []mutation {
	t.Helper()
	text, err := readText("testdata/mutations.txt")
	if err != nil {
		t.Fatal(err)
	}
	list, err := parseMutations(text)
	if err != nil {
		t.Fatalf("testdata/mutations.txt: %v", err)
	}
	return list
}

// testMutations checks the list of the root module. Whether the tests notice each mutation
// takes long, and is tried by
//
//	TRELLIS_MUTATIONS=. go test -v -run TestRepository/mutations -timeout 3h .
//
// where the value is a part of the names to try, or a dot for all.
func testMutations(t *testing.T) {
	TestMutations(t, 12,
		[]string{"./cancelscope", "./deadline", "./errgroup", "./internal/record", "./memchan", "./nursery", "./serve", "./tasktree/..."},
		// Alone, because the generated programs are shrunk when they fail.
		[]string{"-run", "^TestCorpus$", "./internal/corpus"})
}

// TestMutations checks that testdata/mutations.txt of the module whose root is the working
// directory fits the code, and has at least so many entries. Those that are named in
// TRELLIS_MUTATIONS it tries with the tests that the arguments of go test select.
func TestMutations(t *testing.T, least int, tests ...[]string) {
	list := readMutations(t)
	if len(list) < least {
		t.Errorf("%d mutations, want at least %d", len(list), least)
	}
	wanted := os.Getenv("TRELLIS_MUTATIONS")
	for _, m := range list {
		changed, err := m.apply(readText)
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
			continue
		}
		if wanted == "" || wanted != "." && !strings.Contains(m.name, wanted) {
			continue
		}
		red, err := tryMutation(t, changed, tests)
		switch {
		case err != nil:
			t.Errorf("%s: %v", m.name, err)
		case len(red) == 0:
			t.Errorf("%s: no test has noticed it", m.name)
		default:
			fmt.Printf("| %s | %s |\n", m.name, strings.Join(red, ", "))
		}
	}
}

// tryMutation runs the tests with the changed files in place of those of the module, and
// returns which failed.
func tryMutation(t *testing.T, changed map[string]string, tests [][]string) ([]string, error) {
	dir := t.TempDir()
	overlay := struct{ Replace map[string]string }{make(map[string]string)}
	for file, text := range changed {
		whole, err := filepath.Abs(file)
		if err != nil {
			return nil, err
		}
		copied := filepath.Join(dir, filepath.Base(file))
		if err := os.WriteFile(copied, []byte(text), 0o600); err != nil {
			return nil, err
		}
		overlay.Replace[whole] = copied
	}
	b, err := json.Marshal(overlay)
	if err != nil {
		return nil, err
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, b, 0o600); err != nil {
		return nil, err
	}
	var red []string
	for _, args := range tests {
		args = append([]string{"test", "-vet=off", "-short", "-timeout", "30s", "-overlay", list}, args...)
		out, err := exec.Command("go", args...).CombinedOutput()
		switch {
		case bytes.Contains(out, []byte("[build failed]")):
			return nil, fmt.Errorf("does not build:\n%s", out)
		case err != nil:
			red = append(red, failedTests(out)...)
		}
	}
	return red, nil
}

// failedTests returns the names of the top-level tests that failed, by package, and
// says so where one never ended.
func failedTests(out []byte) []string {
	var red []string
	var pending []string
	for line := range bytes.Lines(out) {
		fields := strings.Fields(string(line))
		switch {
		case bytes.HasPrefix(line, []byte("--- FAIL: ")):
			pending = append(pending, fields[2])
		case bytes.HasPrefix(line, []byte("panic: test timed out")):
			pending = append(pending, "(one hangs)")
		case bytes.HasPrefix(line, []byte("panic: ")), bytes.HasPrefix(line, []byte("fatal error: ")):
			pending = append(pending, "(one panics)")
		case bytes.HasPrefix(line, []byte("FAIL\t")):
			if len(pending) == 0 {
				pending = []string{"(does not end well)"}
			}
			pkg := fields[1][strings.LastIndexByte(fields[1], '/')+1:]
			more := ""
			pending = slices.Compact(pending)
			if len(pending) > 3 {
				more = fmt.Sprintf(" and %d more", len(pending)-3)
				pending = pending[:3]
			}
			red = append(red, pkg+": "+strings.Join(pending, " ")+more)
			pending = nil
		}
	}
	return red
}
