package interp_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/internal/corpus"
	"github.com/trellis-go/trellis/temporal/internal/interp"
	"github.com/trellis-go/trellis/temporal/internal/wftest"
)

// maxShown is how many differing programs a run prints in full.
const maxShown = 5

// recordings are the files of the root module.
var recordings = []string{"trio.jsonl.gz", "asyncio.jsonl.gz"}

const recorded = "../../../internal/corpus/testdata"

// TestCorpus runs the recorded programs, or those of the file that TRELLIS_CORPUS names, in
// the SDK's test environment. One program runs alone with
//
//	go test -run 'TestCorpus/trio.jsonl.gz/shields-110000211$' ./internal/interp
func TestCorpus(t *testing.T) {
	paths := []string{filepath.Join(recorded, recordings[0]), filepath.Join(recorded, recordings[1])}
	if name := os.Getenv("TRELLIS_CORPUS"); name != "" {
		paths = []string{locate(t, name)}
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) { testCases(t, filepath.Base(path), load(t, path)) })
	}
}

// testCases runs every program of a file and says how many differ.
func testCases(t *testing.T, name string, cases []*corpus.Case) {
	type failure struct {
		size int
		text string
	}
	var failures []failure
	ran := 0
	for _, c := range cases {
		// A subtest for each, so that -run can choose one. It does not fail by itself: of
		// hundreds of failures only the smallest help.
		t.Run(c.ID, func(t *testing.T) {
			ran++
			for _, opts := range ways(c) {
				if text := corpus.Show(c, runInTestEnvironment(c.Program, opts)); text != "" {
					failures = append(failures, failure{c.Program.Size(), fmt.Sprintf("run with %+v: %s", opts, text)})
					return
				}
			}
		})
	}
	fmt.Printf("temporal: %s: %d programs, %d differ\n", name, ran, len(failures))
	slices.SortStableFunc(failures, func(a, b failure) int { return cmp.Compare(a.size, b.size) })
	for i, f := range failures {
		if i == maxShown {
			t.Errorf("and %d more programs that differ", len(failures)-i)
			break
		}
		t.Error(f.text)
	}
}

// ways returns the options to run a recorded program with. Only a program of which the model
// finds the same outcome however it orders the steps may run without pacing.
func ways(c *corpus.Case) []interp.Options {
	paced := interp.Options{Flavor: c.Flavor, Pace: corpus.Paced, Tick: time.Millisecond, Guard: true}
	if _, err := corpus.Predict(c.Program, c.Flavor, corpus.Eager, 1, 30); err != nil {
		return []interp.Options{paced}
	}
	eager := paced
	eager.Pace = corpus.Eager
	wrapped := eager
	wrapped.Wrap = true
	return []interp.Options{paced, eager, wrapped}
}

// runInTestEnvironment runs one program as a workflow.
func runInTestEnvironment(p *corpus.Program, opts interp.Options) (got *corpus.Outcome) {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(silent{})
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute)
	env.SetWorkerOptions(wftest.Options())
	env.RegisterWorkflowWithOptions(func(ctx workflow.Context) error {
		got = interp.Run(ctx, p, opts)
		return nil
	}, workflow.RegisterOptions{Name: "program"})
	env.ExecuteWorkflow("program")
	if err := env.GetWorkflowError(); err != nil {
		return &corpus.Outcome{Problem: err.Error()}
	}
	return got
}

// silent is a logger for workflows of which thousands run.
type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}

var _ log.Logger = silent{}

// locate returns the path of a file named on the command line. The go command runs a test in
// the folder of its package, so a relative name is tried from the roots of both modules as well.
func locate(t *testing.T, name string) string {
	t.Helper()
	tried := []string{name, filepath.Join("../..", name), filepath.Join("../../..", name)}
	for _, path := range tried {
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path
		}
	}
	t.Fatalf("TRELLIS_CORPUS: no file %q; tried %q", name, tried)
	return ""
}

// load reads a corpus file, compressed or not.
func load(t *testing.T, path string) []*corpus.Case {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		zr, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if data, err = io.ReadAll(zr); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	cases, err := corpus.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if len(cases) == 0 {
		t.Fatalf("%s: no programs", path)
	}
	return cases
}
