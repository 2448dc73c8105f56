package repocheck

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/fstest"
)

// sound is a repository in which nothing is wrong, file by file.
var sound = map[string]string{
	".ci/run":   "#!/usr/bin/env bash\ntest_command=(go test -race ./...)\n",
	"README.md": "# Trellis\n\nDon't just go test it:\n\n```sh\n$ go test -race ./...   # about a minute\n```\n",
	"go.mod": `module github.com/trellis-go/trellis

go 1.26.0

require (
	go.uber.org/goleak v1.3.0
	golang.org/x/sync v0.24.0 // indirect
)
`,
	"doc.go":       "// Package trellis is documentation.\npackage trellis\n",
	"main_test.go": leakTest("trellis_test"),

	"cancelscope/doc.go": "// Package cancelscope has scopes.\npackage cancelscope\n",
	"cancelscope/scope.go": `package cancelscope

import "github.com/trellis-go/trellis/internal/tree"

const (
	Depth Level = 1 << 4
	Most        = 1<<31 - 1
)

type Level int8

type Scope struct {
	Name string
	tree.Node
	err error
}

func (s *Scope) Run(fn func(name string) error) error { return fn(s.Name) }
func (s *Scope) Label() string                        { return s.Name }
func (s *Scope) Error() string                        { return "" }
func (s *Scope) private()                             {}

type hidden struct{}

func (hidden) Exported() {}
`,
	"cancelscope/example_test.go": `package cancelscope_test

import "github.com/trellis-go/trellis/cancelscope"

func ExampleScope() {
	var s cancelscope.Scope
	s.Label()
	// Output:
}

func ExampleScope_Run_twice() {
	// Unordered output: x
}
`,
	"cancelscope/main_test.go": leakTest("cancelscope_test"),

	"internal/tree/doc.go": "// Package tree has nodes.\npackage tree\n\ntype Node struct{}\n\nfunc (Node) Len() int { return 0 }\n",

	"nursery/doc.go": "// Package nursery has nurseries.\npackage nursery\n",
	"nursery/task.go": `package nursery

import (
	"context"
	"errors"

	"github.com/trellis-go/trellis/cancelscope"
)

type Task[T any] struct{ value T }

func (t *Task[V]) Wait(ctx context.Context) (v V, err error) { return t.value, nil }

func Start[S any, T interface{ ~int | ~string }](scope *cancelscope.Scope, f func(func(S)) (T, error), more ...[]T) (<-chan map[string]S, *Task[T]) {
	return nil, nil
}

var ErrClosed = errors.New("closed")

type Waiter interface{ Wait(ctx context.Context) error }

type Alias = [3]Waiter
`,
	"nursery/example_test.go": `package nursery_test

func ExampleStart() {
	// Output:
}

func ExampleTask_Wait() {
	// Output:
}
`,
	"nursery/sleep_test.go": `package nursery_test

import (
	"testing"
	"testing/synctest"
	clock "time"
)

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { clock.Sleep(1) })
	bubble(t, func(t *testing.T) { func() { clock.Sleep(1) }() })
	bubbles(t, func() { clock.Sleep(1) })
	synctest.Test(t, sleeper)
	synctest.Test(t, func(t *testing.T) { caller() })
}

func bubble(t *testing.T, f func(t *testing.T)) {
	synctest.Test(t, f)
}

func bubbles(t *testing.T, f func()) { t.Run("", func(t *testing.T) { synctest.Test(t, func(t *testing.T) { f() }) }) }

func sleeper(t *testing.T) { clock.Sleep(1) }
func caller()              { callee() }
func callee()              { clock.Sleep(1) }
`,
	"nursery/main_test.go": leakTest("nursery_test"),

	"testdata/api/cancelscope.txt": `pkg cancelscope, const Depth Level = 16
pkg cancelscope, const Most = 2147483647
pkg cancelscope, method (*Scope) Error() string
pkg cancelscope, method (*Scope) Label() string
pkg cancelscope, method (*Scope) Run(func(string) error) error
pkg cancelscope, method (Scope) Len() int
pkg cancelscope, type Level int8
pkg cancelscope, type Scope struct
pkg cancelscope, type Scope struct, Name string
pkg cancelscope, type Scope struct, embedded tree.Node
`,
	"testdata/api/nursery.txt": `pkg nursery, func Start[$0 any, $1 interface { ~int | ~string }](*cancelscope.Scope, func(func($0)) ($1, error), ...[]$1) (<-chan map[string]$0, *Task[$1])
pkg nursery, method (*Task[$0]) Wait(context.Context) ($0, error)
pkg nursery, type Alias = [3]Waiter
pkg nursery, type Task[$0 any] struct
pkg nursery, type Waiter interface { Wait(context.Context) error }
pkg nursery, var ErrClosed error
`,

	"examples/go.mod":        "module example.com/examples\n\nrequire example.com/other v1.0.0\n",
	"examples/hello/main.go": "// Hello greets.\npackage main\n\nimport _ \"example.com/other\"\n\nfunc main() {}\n",
}

func leakTest(pkg string) string {
	return "package " + pkg + `

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
`
}

// doctored are changes of the sound repository, each with all of the
// complaints that it must lead to. The text of a file replaces the sound one;
// one that begins with a + is added to its end, and - removes the file.
var doctored = []struct {
	name  string
	rule  string
	files map[string]string
	want  []string // beginnings of complaints
}{
	{"root code", "imports", map[string]string{"run.go": "package trellis\n\nimport \"context\"\n"},
		[]string{`run.go: the root package is doc.go only`, `run.go:3: . must not import context`}},
	{"arrow against the grain", "imports", map[string]string{"deadline/a.go": "package deadline\n\nimport _ \"" + modulePath + "/nursery\"\n"},
		[]string{`deadline/a.go:3: deadline must not import ` + modulePath + `/nursery`}},
	{"internal up", "imports", map[string]string{"internal/tree/up.go": "package tree\n\nimport _ \"" + modulePath + "/cancelscope\"\n"},
		[]string{`internal/tree/up.go:3: internal/tree must not import ` + modulePath + `/cancelscope`}},
	{"library imports test support", "imports", map[string]string{"nursery/a.go": "package nursery\n\nimport _ \"" + modulePath + "/internal/corpus\"\n"},
		[]string{`nursery/a.go:3: nursery must not import ` + modulePath + `/internal/corpus`}},
	{"foreign module", "imports", map[string]string{"cancelscope/a.go": "package cancelscope\n\nimport _ \"golang.org/x/sync/errgroup\"\n"},
		[]string{`cancelscope/a.go:3: cancelscope must not import golang.org/x/sync/errgroup`}},
	{"unknown package", "imports", map[string]string{"util/a.go": "package util\n"},
		[]string{`util/a.go: the package has no row`}},

	{"requirement", "root module", map[string]string{"go.mod": "+require example.com/testify v1.0.0 // indirect\n"},
		[]string{`go.mod:9: the root module must not require example.com/testify`}},
	{"requirement in a block", "root module", map[string]string{"go.mod": "+require (\n\texample.com/testify v1.0.0\n)\n"},
		[]string{`go.mod:10: the root module must not require example.com/testify`}},
	{"replacement", "root module", map[string]string{"go.mod": "+replace golang.org/x/sync => ../sync\n"},
		[]string{`go.mod:9: replace has no place`}},
	{"toolchain", "root module", map[string]string{"go.mod": "+toolchain go1.27.0\n"},
		[]string{`go.mod:9: toolchain has no place`}},
	{"other Go and name", "root module", map[string]string{"go.mod": "module trellis\n\ngo 1.26\n"},
		[]string{`go.mod:1: the module is trellis`, `go.mod:3: go 1.26, want go 1.26.0`}},
	{"empty go.mod", "root module", map[string]string{"go.mod": ""},
		[]string{`go.mod: no module directive`, `go.mod: no go directive`}},

	{"no package comment", "package comments", map[string]string{"nursery/doc.go": "package nursery\n"},
		[]string{`nursery: no package comment`}},
	{"two package comments", "package comments", map[string]string{"nursery/task.go": "// Copyright notice.\npackage nursery\n"},
		[]string{`nursery/task.go: another package comment is in nursery/doc.go`}},
	{"misplaced package comment", "package comments", map[string]string{"nursery/doc.go": "-", "nursery/task.go": "// Package nursery is.\npackage nursery\n"},
		[]string{`nursery/task.go: the package comment belongs into doc.go`}},
	{"undocumented command", "package comments", map[string]string{"examples/hello/main.go": "package main\n"},
		[]string{`examples/hello: no package comment`}},

	{"missing example of a function", "examples", map[string]string{"nursery/run.go": "package nursery\n\nfunc Run() {}\n"},
		[]string{`nursery: no executed Example for Run`}},
	{"missing example of a method", "examples", map[string]string{"cancelscope/a.go": "package cancelscope\n\nfunc (s Scope) Cancel() {}\n"},
		[]string{`cancelscope: no executed Example for Scope.Cancel`}},
	{"missing example of a generic method", "examples", map[string]string{"nursery/a.go": "package nursery\n\nfunc (*Task[T]) Name() {}\n"},
		[]string{`nursery: no executed Example for Task.Name`}},
	{"example that is not run", "examples", map[string]string{"nursery/example_test.go": "package nursery_test\n\nfunc ExampleStart() {}\n\nfunc ExampleTask_Wait() {\n\t// Output:\n}\n"},
		[]string{`nursery/example_test.go: ExampleStart is not executed`, `nursery: no executed Example for Start`}},
	{"example of something longer", "examples", map[string]string{"nursery/run.go": "package nursery\n\nfunc Sta() {}\n\nfunc Task_W() {}\n"},
		[]string{`nursery: no executed Example for Sta`, `nursery: no executed Example for Task_W`}},
	{"example in the package", "examples", map[string]string{"nursery/a_test.go": "package nursery\n\nfunc Example() {\n\t// Output:\n}\n"},
		[]string{`nursery/a_test.go: Example is not in the _test package`}},

	{"new API", "API listings", map[string]string{"nursery/a.go": "package nursery\n\nfunc (*Task[T]) Name() string { return \"\" }\n"},
		[]string{`testdata/api/nursery.txt: not listed: pkg nursery, method (*Task[$0]) Name() string`, `if that is what you want`}},
	{"changed API", "API listings", map[string]string{"internal/tree/doc.go": "package tree\n\ntype Node struct{}\n\nfunc (*Node) Len() {}\n"},
		[]string{`testdata/api/cancelscope.txt: not listed: pkg cancelscope, method (*Scope) Len()`, `testdata/api/cancelscope.txt: listed, but gone: pkg cancelscope, method (Scope) Len() int`, `if that is`}},
	{"package without a listing", "API listings", map[string]string{"deadline/a.go": "package deadline\n\ntype T struct{ F *T }\n"},
		[]string{`testdata/api/deadline.txt: not listed: pkg deadline, type T struct`, `testdata/api/deadline.txt: not listed: pkg deadline, type T struct, F *T`, `if that is`}},
	{"listing without a package", "API listings", map[string]string{"testdata/api/old.txt": ""},
		[]string{`testdata/api/old.txt: lists no package`, `if that is`}},
	{"not Go", "API listings", map[string]string{"nursery/a.go": "package nursery\n\nvar X undefined\n"},
		[]string{`API listings: nursery/a.go:3:7: undefined: undefined`}},
	{"no API on this system", "API listings", map[string]string{"nursery/a.go": "//go:build neverever\n\npackage nursery\n\nvar X int\n"}, nil},

	{"long file", "sizes", map[string]string{"nursery/doc.go": "package nursery\n" + strings.Repeat("// x\n", maxFileLines)},
		[]string{`nursery/doc.go: 401 lines, want at most 400`}},
	{"file of just the limit", "sizes", map[string]string{"nursery/doc.go": "package nursery\n" + strings.Repeat("// x\n", maxFileLines-1)}, nil},
	{"long function", "sizes", map[string]string{"examples/hello/main.go": "package main\n\n// Comment.\nfunc main() {\n" + strings.Repeat("\t_ = 0\n", maxFuncLines-1) + "}\n"},
		[]string{`examples/hello/main.go: main: 61 lines, want at most 60`}},
	{"function of just the limit", "sizes", map[string]string{"examples/hello/main.go": "package main\n\n// Comment.\nfunc main() {\n" + strings.Repeat("\t_ = 0\n", maxFuncLines-2) + "}\n"}, nil},

	{"sleep", "sleeps", map[string]string{"nursery/sleep_test.go": "+func TestSlow(t *testing.T) { t.Run(\"\", func(t *testing.T) { clock.Sleep(1) }) }\n"},
		[]string{`nursery/sleep_test.go:26: time.Sleep outside a bubble`}},
	{"sleep in a function that others call as well", "sleeps", map[string]string{"nursery/sleep_test.go": "+func TestSlow(t *testing.T) { caller() }\n"},
		[]string{`nursery/sleep_test.go:25: time.Sleep outside a bubble`}},
	{"sleep in a function that is never called", "sleeps", map[string]string{"nursery/sleep_test.go": "+func TestSlow(t *testing.T) { clock.Sleep(1) }\n"},
		[]string{`nursery/sleep_test.go:26: time.Sleep outside a bubble`}},
	{"sleep as a value", "sleeps", map[string]string{"nursery/sleep_test.go": "+var pause = clock.Sleep\n"},
		[]string{`nursery/sleep_test.go:26: time.Sleep outside a bubble`}},
	{"bubble of bubbletest", "sleeps", map[string]string{"nursery/sleep_test.go": bubbled(modulePath + "/internal/bubbletest")}, nil},
	{"bubbletest of another module", "sleeps", map[string]string{"nursery/sleep_test.go": bubbled("example.com/bubbletest")},
		[]string{`nursery/sleep_test.go:9: time.Sleep outside a bubble`}},
	{"bubble of another kind", "sleeps", map[string]string{"nursery/sleep_test.go": "package nursery_test\n\nimport \"time\"\n\nfunc TestSleep(t *testing.T) { synctest.Test(t, func() { time.Sleep(1) }) }\n"},
		[]string{`nursery/sleep_test.go:5: time.Sleep outside a bubble`}},

	{"no TestMain", "goleak", map[string]string{"nursery/main_test.go": "-"},
		[]string{`nursery: tests without a TestMain that calls goleak`}},
	{"TestMain without goleak", "goleak", map[string]string{"nursery/main_test.go": strings.Replace(leakTest("nursery_test"), "goleak.VerifyTestMain(m)", "m.Run()", 1)},
		[]string{`nursery: tests without a TestMain that calls goleak`}},
	{"example without goleak", "goleak", map[string]string{"examples/hello/main_test.go": "package main\n"},
		[]string{`examples/hello: tests without a TestMain that calls goleak`}},

	{"machine path", "places", map[string]string{"notes.md": "see\n\"/" + "home/me/trellis\"\n"},
		[]string{`notes.md:2: a path of one machine`}},
	{"machine path in testdata", "places", map[string]string{"nursery/testdata/x": "/" + "work/x"},
		[]string{`nursery/testdata/x:1: a path of one machine`}},
	{"registry", "places", map[string]string{".ci/run": "export GOPROXY=" + "https://proxy.example\nhttps://proxy." + "golang.org\n"},
		[]string{`.ci/run:1: a registry's host`, `.ci/run:2: a registry's host`}},
	{"harmless places", "places", map[string]string{"notes.md": "https://example.com/" + "home/me ./ro" + "ot/x\nframe" + "work/x\n", "binary": "\x00/" + "home/me"}, nil},

	{"people and parts without a name", "prose", map[string]string{"notes.md": "No" + "body waits.\nthe stran" + "gers\n", "nursery/a.go": "package nursery\n\n// F is for those\n// " + "who wait.\nfunc F() {}\n"},
		[]string{`notes.md:1: "No` + `body": name the part`, `notes.md:2: "stran` + `gers"`, `nursery/a.go:3: "those` + ` who"`}},
	{"words in a literal of a test", "prose", map[string]string{"nursery/a_test.go": "package nursery_test\n\nconst text = \"it com" + "es out as it goe" + "s on\"\n"},
		[]string{`nursery/a_test.go:3: "com` + `es out": is returned`, `nursery/a_test.go:3: "goe` + `s on": continues`}},
	{"old verbs", "prose", map[string]string{"index.html": "<p>It sh" + "all tel" + "l what it is tol" + "d.\n", "CHANGELOG.md": "se" + "es to it\nof anoth" + "er make\nhand" + "s on\n"},
		[]string{`CHANGELOG.md:1: "se` + `es to it"`, `CHANGELOG.md:2: "of anoth` + `er make"`, `CHANGELOG.md:3: "hand` + `s on"`,
			`index.html:1: "sh` + `all": must`, `index.html:1: "tel` + `l"`, `index.html:1: "tol` + `d"`}},
	{"spelling", "prose", map[string]string{"notes.md": "Cancel" + "led, cancel" + "ling.\n"},
		[]string{`notes.md:1: "Cancel` + `led": canceled`, `notes.md:1: "cancel` + `ling"`}},
	{"exceptions", "prose", map[string]string{"docs/trio.md": "Cancel" + "led and cancel" + "led\n", "LICENSE": "must\n"},
		[]string{`docs/trio.md:1: "cancel` + `led": canceled`, `LICENSE: needs no exception for ^[s]hall$`}},
	{"harmless words", "prose", map[string]string{"nursery/a.go": "package nursery\n\n// Go on a nursery panics. It is canceled, see test_cancel" + "led; http.No" + "Body; going once; the body.\n",
		"nursery/testdata/x.txt": "no" + "body\n", "binary": "\x00no" + "body"}, nil},

	{"other command", "test command", map[string]string{"README.md": "```\ngo test ./...\n```\n"},
		[]string{`README.md: the test command is "go test ./...", .ci/run calls "go test -race ./..."`}},
	{"no command", "test command", map[string]string{"README.md": "go test -race ./...\n"},
		[]string{`README.md: no line of a fenced block`}},
	{"no command in the gate", "test command", map[string]string{".ci/run": "go test -race ./...\n"},
		[]string{`.ci/run: no line test_command=(...)`}},
}

// TestRulesComplain sees every rule pass a sound repository and complain about
// doctored ones, of that and of nothing else.
func TestRulesComplain(t *testing.T) {
	for rule, check := range rules {
		t.Run("sound/"+rule, func(t *testing.T) { complains(t, check, nil, nil) })
	}
	tried := make(map[string]bool)
	for _, tt := range doctored {
		tried[tt.rule] = tried[tt.rule] || len(tt.want) > 0
		t.Run(tt.rule+"/"+tt.name, func(t *testing.T) { complains(t, rules[tt.rule], tt.files, tt.want) })
	}
	for rule := range rules {
		if !tried[rule] {
			t.Errorf("no doctored repository for the rule %q", rule)
		}
	}
}

func complains(t *testing.T, check func(*repository) []string, changes map[string]string, want []string) {
	files := maps.Clone(sound)
	for p, text := range changes {
		switch {
		case text == "-":
			delete(files, p)
		case strings.HasPrefix(text, "+"):
			files[p] += text[1:]
		default:
			files[p] = text
		}
	}
	fsys := make(fstest.MapFS)
	for p, text := range files {
		fsys[p] = &fstest.MapFile{Data: []byte(text)}
	}
	repo, err := readRepository(fsys, func(string) bool { return true })
	if err != nil {
		t.Fatalf("readRepository: %v", err)
	}
	got := check(repo)
	matches := len(got) == len(want)
	for i := 0; matches && i < len(want); i++ {
		matches = strings.HasPrefix(got[i], want[i])
	}
	if !matches {
		t.Errorf("complaints:\n\t%s\nwant ones that begin with:\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// bubbled is a test that sleeps in a function passed to the function Run of a package.
func bubbled(pkg string) string {
	return fmt.Sprintf("package nursery_test\n\nimport (\n\t\"time\"\n\n\t%q\n)\n\nfunc TestSleep(t *testing.T) { bubbletest.Run(t, \"\", func(t *testing.T) { time.Sleep(1) }) }\n", pkg)
}
