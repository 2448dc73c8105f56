package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trellis-go/trellis/bench/internal/command"
	"github.com/trellis-go/trellis/bench/internal/readme"
)

const wantMarkdown = `go1.99 plan9/mips, GOMAXPROCS 3, medians of 10 rounds of 20ms; example.org/errgroup v1.2.3.

| Groups | Trellis | ± | allocs | bytes | errgroup | ratio | goal |  | raw | pond |
|---|---:|---:|---:|---:|---:|---:|---:|---|---:|---:|
| open, per group | 130 ns | 2% | 1 | 96 | 650 ns | 0.20 | ≤ 0.4 | met | 0.90 |  |
| one child, per group | 9.00 µs | 1% | 2 | 97 | 3.00 µs | 3.00 |  |  |  | 2.50 |

| Scopes | Trellis | ± | allocs | bytes | std | ratio | goal |  |
|---|---:|---:|---:|---:|---:|---:|---:|---|
| Err(), per call | 4.61 ns | 0% | 0 | 0 | 3.80 ns | 1.21 | ≤ 1 | missed |
| the same, beside trellis in ` + "`err/depth=1`" + ` |  |  |  |  |  | 1.02 | ≤ 1.25 | met |
| cancel, per scope |  |  |  |  | 1.70 µs |  | ≤ 0.6 | not measured |
| Done(), per call | 5.00 ns | 0% | 0 | 0 | 2.50 ns | 2.00 | ≤ 1 | missed |

4 goals, 2 met. The others:

- Err() (1.21, goal ≤ 1); Done() (2.00, goal ≤ 1): It looks at the clock.
- cancel: not measured.
`

var doctoredReport = report{
	Go: "go1.99", System: "plan9/mips", Threads: 3, Rounds: 10, Benchtime: "20ms",
	Modules: []string{"example.org/errgroup v1.2.3"},
	Goals:   4, Met: 2,
	Rows: []row{{
		Section: "Groups", Title: "open", Unit: "group", Against: "errgroup",
		Libs: []lib{
			{Name: "trellis", Time: 130, Spread: 0.02, Allocs: 1, Bytes: 96, Ratio: 0.2},
			{Name: "raw", Time: 585, Ratio: 0.9},
			{Name: "errgroup", Time: 650, Spread: 0.11, Allocs: 3, Bytes: 160, Ratio: 1},
		},
		Goals: []verdict{{Max: 0.4, Against: "errgroup", Ratio: 0.2, Met: true}},
	}, {
		Section: "Groups", Title: "one child", Unit: "group", Against: "errgroup",
		Libs: []lib{
			{Name: "trellis", Time: 9000, Spread: 0.01, Allocs: 2, Bytes: 97, Ratio: 3},
			{Name: "errgroup", Time: 3000, Ratio: 1},
			{Name: "pond", Time: 7500, Ratio: 2.5},
		},
	}, {
		Section: "Scopes", Title: "Err()", Unit: "call", Against: "std",
		Libs: []lib{{Name: "trellis", Time: 4.61, Ratio: 1.21}, {Name: "std", Time: 3.8, Ratio: 1}},
		Goals: []verdict{
			{Max: 1.25, Against: "trellis", Of: "err/depth=1", Ratio: 1.02, Met: true},
			{Max: 1, Against: "std", Ratio: 1.21, Why: "It looks at the clock."},
		},
	}, {
		Section: "Scopes", Title: "cancel", Unit: "scope", Against: "std",
		Libs:  []lib{{Name: "std", Time: 1700, Allocs: 0.5, Bytes: 1000}},
		Goals: []verdict{{Max: 0.6, Against: "std"}},
	}, {
		Section: "Scopes", Title: "Done()", Unit: "call", Against: "std",
		Libs:  []lib{{Name: "trellis", Time: 5, Ratio: 2}, {Name: "std", Time: 2.5, Ratio: 1}},
		Goals: []verdict{{Max: 1, Against: "std", Ratio: 2, Why: "It looks at the clock."}},
	}},
}

func TestMarkdown(t *testing.T) {
	if got := doctoredReport.Markdown(); got != wantMarkdown {
		t.Errorf("Markdown gave\n%s\nwant\n%s", got, wantMarkdown)
	}
}

func TestUpdate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "README.md")
	const before = "# Title\n<!-- begin compare -->\nold\n<!-- end compare -->\nmore\n"
	if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	p, out, problems, _ := fake(nil)
	if code := p.run(t.Context(), []string{"-rounds", "1", "-markdown", "-update", file}); code != command.ExitOK {
		t.Errorf("run -update gave %d and complained %q, want %d", code, problems, command.ExitOK)
	}
	got, err := os.ReadFile(file)
	want, _ := readme.Replace(before, "compare", out.String())
	if err != nil || string(got) != want || !strings.Contains(want, "| first, per group | 80.0 ns |") {
		t.Errorf("after run -update the file has\n%s (%v), want\n%s", got, err, want)
	}
}

// A file that has no place for the text is noticed before the work.
func TestUpdateFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "README.md")
	const before = "# Title\n"
	if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	p, _, problems, order := fake(nil)
	if code := p.run(t.Context(), []string{"-update", file}); code != command.ExitFailed || len(*order) > 0 || !strings.Contains(problems.String(), file) {
		t.Errorf("run -update of a file without a place for it gave %d after %d measurements and complained %q, want %d before the first one", code, len(*order), problems, command.ExitFailed)
	}
}

func TestUpdateInterrupted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "README.md")
	const before = "<!-- begin compare -->\nold\n<!-- end compare -->\n"
	if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	p, _, problems, _ := fake(func(step int) error {
		if step == 3 {
			cancel()
		}
		return nil
	})
	code := p.run(ctx, []string{"-update", file})
	if got, err := os.ReadFile(file); code != command.ExitInterrupted || err != nil || string(got) != before {
		t.Errorf("run -update, interrupted, gave %d, and the file has %q (%v), want %d and %q", code, got, err, command.ExitInterrupted, before)
	}
	if !strings.Contains(problems.String(), "stays as it is") {
		t.Errorf("run -update, interrupted, complained %q, want a word about the file", problems)
	}
}

// The tables in the README are what the command prints.
func TestReadme(t *testing.T) {
	document, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := readme.Block(string(document), "compare")
	if err != nil {
		t.Fatal(err)
	}
	for _, complaint := range readme.Malformed(text) {
		t.Errorf("README.md, between the markers of compare: %s", complaint)
	}
}
