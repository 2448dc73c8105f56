package main

import (
	"errors"
	"strings"
	"testing"
)

const wantTable = `go1.99 plan9/mips, GOMAXPROCS 3, 10 rounds of 20ms
example.org/errgroup v1.2.3, example.org/conc v0.3.0
Interrupted: this is what had been measured.

                     time      ±     allocs       bytes   ratio  goal

open and close, per group [open]
  trellis          130 ns     2%          1          96    0.20  ≤ 0.4   met
  errgroup         650 ns    11%          3         160    1.00

Err() at depth 10, per call [err/depth=10]
  trellis         4.61 ns     0%          0           0    1.21  ≤ 1     missed
  std             3.80 ns     0%          0           0    1.00
  of trellis in err/depth=1                                1.02  ≤ 1.25  met
    missed ≤ 1: a reason that is so long that one line is not enough for all of it, since
    reasons are given in sentences.

cancel many, per scope [cancel]
  std             1.70 µs     0%       0.50        1000
  trellis                                                        ≤ 0.6   not measured

Done(), per call [done]
  trellis         5.00 ns     0%          0           0    2.00  ≤ 1     missed
    missed ≤ 1: as in err/depth=10

4 goals, 2 met
`

func TestTable(t *testing.T) {
	var b strings.Builder
	r := report{
		Go: "go1.99", System: "plan9/mips", Threads: 3, Rounds: 10, Benchtime: "20ms", Interrupted: true,
		Modules: []string{"example.org/errgroup v1.2.3", "example.org/conc v0.3.0"},
		Goals:   4, Met: 2,
		Rows: []row{{
			Name: "open", Title: "open and close", Unit: "group",
			Libs: []lib{
				{Name: "trellis", Time: 130, Spread: 0.02, Allocs: 1, Bytes: 96, Ratio: 0.2},
				{Name: "errgroup", Time: 650, Spread: 0.11, Allocs: 3, Bytes: 160, Ratio: 1},
			},
			Goals: []verdict{{Max: 0.4, Against: "errgroup", Ratio: 0.2, Met: true}},
		}, {
			Name: "err/depth=10", Title: "Err() at depth 10", Unit: "call",
			Libs: []lib{{Name: "trellis", Time: 4.61, Ratio: 1.21}, {Name: "std", Time: 3.8, Ratio: 1}},
			Goals: []verdict{
				{Max: 1.25, Against: "trellis", Of: "err/depth=1", Ratio: 1.02, Met: true},
				{Max: 1, Against: "std", Ratio: 1.21, Why: "a reason that is so long that one line is not enough for all of it, since reasons are given in sentences."},
			},
		}, {
			Name: "cancel", Title: "cancel many", Unit: "scope",
			Libs:  []lib{{Name: "std", Time: 1700, Allocs: 0.5, Bytes: 1000}},
			Goals: []verdict{{Max: 0.6, Against: "std"}},
		}, {
			Name: "done", Title: "Done()", Unit: "call",
			Libs:  []lib{{Name: "trellis", Time: 5, Ratio: 2}},
			Goals: []verdict{{Max: 1, Against: "std", Ratio: 2, Why: "a reason that is so long that one line is not enough for all of it, since reasons are given in sentences."}},
		}},
	}
	err := r.WriteTable(&b)
	if got := b.String(); err != nil || got != wantTable {
		t.Errorf("WriteTable gave %v and\n%s\nwant\n%s", err, got, wantTable)
	}
}

func TestTableReportsErrors(t *testing.T) {
	if err := new(report).WriteTable(full{}); err != errFull {
		t.Errorf("WriteTable to a full disk gave %v, want %v", err, errFull)
	}
}

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
