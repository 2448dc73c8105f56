package corpus_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/trellis-go/trellis/internal/corpus"
)

// maxShown is how many differing programs a run prints in full.
const maxShown = 5

// recordings are the files in testdata.
var recordings = []string{"trio.jsonl.gz", "asyncio.jsonl.gz"}

// TestCorpus runs the recorded programs, or those of the file that
// TRELLIS_CORPUS names. One program runs alone with
//
//	go test -run 'TestCorpus/trio.jsonl/shields-110000211$' ./internal/corpus
func TestCorpus(t *testing.T) {
	if name := os.Getenv("TRELLIS_CORPUS"); name != "" {
		path, err := locate(name)
		if err != nil {
			t.Fatalf("TRELLIS_CORPUS: %v", err)
		}
		cases, err := load(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(label(path), func(t *testing.T) { testCases(t, label(path), cases) })
		return
	}
	all, err := recorded()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range recordings {
		t.Run(label(name), func(t *testing.T) { testCases(t, label(name), all[name]) })
	}
}

// label is the name under which the programs of a file are counted.
func label(path string) string {
	base := filepath.Base(path)
	if filepath.Ext(base) == ".gz" {
		return base[:len(base)-len(".gz")]
	}
	return base
}

// testCases runs every program of a file and says how many differ.
func testCases(t *testing.T, name string, cases []*corpus.Case) {
	type failure struct {
		size int
		text string
	}
	var failures []failure
	ran, depend := 0, 0
	for _, c := range cases {
		// A subtest for each, so that -run can choose one. It does not fail
		// by itself: of hundreds of failures only the smallest help.
		t.Run(c.ID, func(t *testing.T) {
			ran++
			text := ""
			ways := ways(c)
			if len(ways) == 0 {
				depend++
			}
			for _, opts := range ways {
				if text = runAdjusted(t, c, opts); text != "" {
					break
				}
			}
			if text != "" {
				failures = append(failures, failure{c.Program.Size(), text})
			}
		})
	}
	line := fmt.Sprintf("%s: %d programs, %d differ", name, ran, len(failures))
	if depend > 0 {
		line += fmt.Sprintf("; %d were NOT RUN: their outcome depends on the schedule", depend)
	}
	t.Log(line)
	if !testing.Verbose() {
		fmt.Println(line)
	}
	if len(failures) == 0 {
		return
	}
	slices.SortStableFunc(failures, func(a, b failure) int { return cmp.Compare(a.size, b.size) })
	shown := min(len(failures), maxShown)
	for _, f := range failures[:shown] {
		t.Errorf("%s", f.text)
	}
	if more := len(failures) - shown; more > 0 {
		t.Errorf("and %d more programs that differ", more)
	}
}

// ways returns the options to run a recorded program with. Only a program of
// which the model finds the same outcome however it orders the steps may run
// without pacing; that is all but one in a hundred. One whose outcome depends on the
// order even with pacing is not run: it has been recorded under one order of many.
func ways(c *corpus.Case) []corpus.Options {
	const seed, schedules = 1, 30
	if _, err := corpus.Predict(c.Program, c.Flavor, corpus.Paced, seed, schedules); errors.Is(err, corpus.ErrDepends) {
		return nil
	}
	ways := []corpus.Options{{Flavor: c.Flavor, Pace: corpus.Paced}}
	if _, err := corpus.Predict(c.Program, c.Flavor, corpus.Eager, seed, schedules); err == nil {
		ways = append(ways,
			corpus.Options{Flavor: c.Flavor, Pace: corpus.Eager},
			corpus.Options{Flavor: c.Flavor, Pace: corpus.Eager, Wrap: maxWrap})
	}
	return ways
}

// runAdjusted runs a program and returns how its outcome differs, as text; nothing if it
// does not. It is run with scopes that are adjustable wherever an operation moves a
// deadline or puts up a shield, then only where that turns out to be needed, and where
// none is, with every scope adjustable as well.
func runAdjusted(t *testing.T, c *corpus.Case, opts corpus.Options) string {
	got := runInBubble(t, c.Program, opts)
	text := corpus.Show(c, got)
	if text == "" {
		opts.Adjustable = got.Needs
		got = runInBubble(t, c.Program, opts)
		for !covers(opts.Adjustable, got.Needs) { // in this schedule it needs more
			maps.Copy(opts.Adjustable, got.Needs)
			got = runInBubble(t, c.Program, opts)
		}
		text = corpus.Show(c, got)
	}
	if text == "" && len(opts.Adjustable) == 0 {
		opts.Adjustable = make(map[string]bool)
		for _, s := range c.Program.Scopes {
			opts.Adjustable[s.ID] = true
		}
		text = corpus.Show(c, runInBubble(t, c.Program, opts))
	}
	if text != "" {
		text = fmt.Sprintf("run with %+v: %s", opts, text)
	}
	return text
}

// covers reports whether all of needs is in has.
func covers(has, needs map[string]bool) bool {
	for id := range needs {
		if !has[id] {
			return false
		}
	}
	return true
}

// runInBubble runs one program in a bubble of its own. What is still blocked
// at the end of a bubble makes synctest.Test panic in its caller, so that a
// program which leaves goroutines behind is reported like any other that
// differs, and those after it still run.
func runInBubble(t *testing.T, p *corpus.Program, opts corpus.Options) (got *corpus.Outcome) {
	defer func() {
		if r := recover(); r != nil {
			if got == nil {
				got = new(corpus.Outcome)
			}
			got.Problem = fmt.Sprintf("%v; %s", r, got.Problem)
		}
	}()
	synctest.Test(t, func(t *testing.T) { got = corpus.Run(p, opts) })
	return got
}

// locate returns the path of a file named on the command line. The go command
// runs a test in the directory of its package, so a relative name is tried
// from the root of the module as well.
func locate(name string) (string, error) {
	tried := []string{name}
	if !filepath.IsAbs(name) {
		root, err := moduleRoot()
		if err != nil {
			return "", err
		}
		tried = append(tried, filepath.Join(root, name))
	}
	for _, path := range tried {
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path, nil
		}
	}
	return "", fmt.Errorf("no file %q; tried %q", name, tried)
}

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			return "", fmt.Errorf("no go.mod around the working directory")
		}
		dir = filepath.Dir(dir)
	}
}

// recorded are the programs of the recordings, decoded once for all tests.
var recorded = sync.OnceValues(func() (map[string][]*corpus.Case, error) {
	all := make(map[string][]*corpus.Case)
	for _, name := range recordings {
		cases, err := load(filepath.Join("testdata", name))
		if err != nil {
			return nil, err
		}
		all[name] = cases
	}
	return all, nil
})

// load reads a corpus file, compressed or not.
func load(path string) ([]*corpus.Case, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		zr, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if data, err = io.ReadAll(zr); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	cases, err := corpus.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("%s: no programs", path)
	}
	return cases, nil
}

// A program that never ends is given up, whether anything in it still has a
// timer or not, and what comes after it runs.
func TestRunGivesUp(t *testing.T) {
	for _, ops := range []string{
		`[{"op":"forever","n":1}]`,
		`[{"op":"nursery","n":1,"id":"n1","body":[{"op":"spawn","n":2,"in":"n1","task":"t1","body":[{"op":"wait","n":3,"ev":"e1"}]},{"op":"sleep","n":4,"d":100}]}]`,
		`[{"op":"scope","n":1,"id":"s1","shield":true,"body":[{"op":"wait","n":2,"ev":"e1"}]}]`,
	} {
		c := decodeOne(t, `{"id":"x","program":{"scopes":[{"id":"n1","kind":"nursery","d":null,"shield":false},`+
			`{"id":"s1","kind":"scope","d":null,"shield":true}],"events":["e1"],"main":`+ops+`},`+
			`"expect":{"end":0,"errors":[],"`+canceledKey+`":false,"scopes":{},"trace":{}}}`)
		got := runInBubble(t, c.Program, corpus.Options{})
		if !strings.HasPrefix(got.Problem, "hung; ") {
			t.Errorf("Run of\n%sgives the problem %q, want that it hung", c.Program, got.Problem)
		}
	}
}
