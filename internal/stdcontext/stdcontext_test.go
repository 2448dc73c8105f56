package stdcontext_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const thisPackage = "github.com/trellis-go/trellis/internal/stdcontext"

// files are those of the tests in GOROOT.
var files = []string{"x_test.go", "afterfunc_test.go", "net_test.go"}

// known are the tests that must be there and pass. New ones are run without being
// listed.
var known = strings.Fields(`
	TestCustomContextAfterFuncCancel TestCustomContextAfterFuncTimeout
	TestCustomContextAfterFuncAfterFunc TestCustomContextAfterFuncUnregisterCancel
	TestCustomContextAfterFuncUnregisterTimeout TestCustomContextAfterFuncUnregisterAfterFunc
	TestDeadlineExceededIsNetError TestWithCancel TestDeadline TestTimeout
	TestCanceledTimeout TestValues TestAllocs TestSimultaneousCancels TestInterlockedCancels
	TestLayersCancel TestLayersTimeout TestWithCancelCanceledParent
	TestWithCancelSimultaneouslyCanceledParent TestWithValueChecksKey TestInvalidDerivedFail
	TestDeadlineExceededSupportsTimeout TestCause TestCauseRace TestWithoutCancel
	TestCustomContextPropagation TestCustomContextCause TestAfterFuncCalledAfterCancel
	TestAfterFuncCalledAfterTimeout TestAfterFuncCalledImmediately
	TestAfterFuncNotCalledAfterStop TestAfterFuncCalledAsynchronously TestContextErrDoneRace`)

// inapplicable are the tests that cannot apply in a place, or in any. The reasons are in
// the package documentation.
var inapplicable = map[string][]string{
	"": {"TestParentFinishesChild", "TestChildFinishesFirst", "TestCancelRemoves",
		"TestCustomContextGoroutines", "TestBackground", "TestTODO"},
	"between": {"TestAllocs", "TestValues"},
}

var places = []string{"root", "between", "limit", "starting", "started"}

// What the standard library's tests want of contexts holds with scopes in the place of,
// and between, its own.
func TestContextsOfTheStandardLibrary(t *testing.T) {
	program := build(t)
	for _, place := range places {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			skip := slices.Concat(inapplicable[""], inapplicable[place])
			cmd := exec.Command(program, "-test.v", "-test.skip", "^("+strings.Join(skip, "|")+")$")
			cmd.Env = append(os.Environ(), "TRELLIS_STDCONTEXT="+place)
			out, err := cmd.CombinedOutput()
			passed := results(out)
			if err != nil {
				t.Errorf("the tests of package context fail: %v\n%s", err, failures(out))
			}
			for _, name := range known {
				if !slices.Contains(skip, name) && !slices.Contains(passed, name) {
					t.Errorf("%s has not passed, or is not there any more", name)
				}
			}
		})
	}
}

// A test that is listed as inapplicable must be there, and each of those for one place
// must really fail there: else it is to be run.
func TestInapplicableTestsFail(t *testing.T) {
	program := build(t)
	for place, names := range inapplicable {
		if place == "" {
			continue
		}
		for _, name := range names {
			cmd := exec.Command(program, "-test.v", "-test.run", "^"+name+"$")
			cmd.Env = append(os.Environ(), "TRELLIS_STDCONTEXT="+place)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Errorf("%s is listed as inapplicable in the place %q, and passes\n%s", name, place, out)
			}
		}
	}
}

// build compiles the tests, changed, and returns the path of the program.
func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	run, err := filepath.Abs("run") // a folder that is not there
	if err != nil {
		t.Fatal(err)
	}
	overlay := struct{ Replace map[string]string }{make(map[string]string)}
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(goroot)), "src", "context", name))
		if err != nil {
			t.Fatal(err)
		}
		changed := filepath.Join(dir, name)
		if err := os.WriteFile(changed, change(text), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[filepath.Join(run, name)] = changed
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	listed := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(listed, list, 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "context.test")
	out, err := exec.Command("go", "test", "-c", "-vet=off", "-overlay", listed, "-o", program, "./run").CombinedOutput()
	if err != nil {
		t.Fatalf("the tests of package context do not compile with this package in its place: %v\n%s", err, out)
	}
	return program
}

var callsUnexported = regexp.MustCompile(`(?m)^func Test\w+\(t \*testing\.T\) \{\n\tXTest.*\n\}\n`)

// change makes the source of a test one that uses this package.
func change(text []byte) []byte {
	s := string(text)
	s = strings.Replace(s, `. "context"`, `. "`+thisPackage+`"`, 1)
	s = strings.Replace(s, "\n\t\"context\"", "\n\tcontext \""+thisPackage+`"`, 1)
	s = strings.Replace(s, "\n\t\"internal/asan\"", "", 1)
	s = strings.ReplaceAll(s, "asan.Enabled", "false")
	for _, quote := range []string{`"`, "`"} {
		s = strings.ReplaceAll(s, quote+"context.Background.", "RootText() + "+quote+".")
	}
	return []byte(callsUnexported.ReplaceAllString(s, ""))
}

var passes = regexp.MustCompile(`(?m)^--- PASS: (\w+)`)

// results returns the names of the tests that passed.
func results(out []byte) []string {
	var names []string
	for _, found := range passes.FindAllSubmatch(out, -1) {
		names = append(names, string(found[1]))
	}
	return names
}

var verbose = regexp.MustCompile(`(?m)^=== .*\n|^\s*--- (PASS|SKIP).*\n`)

// failures returns what the output says of tests that failed.
func failures(out []byte) []byte { return verbose.ReplaceAll(out, nil) }
