package corpus_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/corpus"
	"github.com/trellis-go/trellis/nursery"
)

func decodeOne(t *testing.T, line string) *corpus.Case {
	t.Helper()
	cases, err := corpus.Decode(strings.NewReader(line))
	if err != nil {
		t.Fatal(err)
	}
	return cases[0]
}

// The comparison must be able to fail: every part of an expectation, changed
// by itself, is seen, in either direction.
func TestDiffSees(t *testing.T) {
	tests := []struct {
		name     string
		old, new string
		where    string
	}{
		{"end", `"end":5`, `"end":6`, "end"},
		{"errors", `"errors":[]`, `"errors":["E1"]`, "errors"},
		{"canceled", `"` + canceledKey + `":false`, `"` + canceledKey + `":true`, "canceled"},
		{"scope called", `"n1":[true,false]`, `"n1":[false,false]`, "scope n1"},
		{"scope caught", `"n1":[true,false]`, `"n1":[true,true]`, "scope n1"},
		{"scope that should not exist", `,"n1":[true,false]`, ``, "scope n1"},
		{"tick", `[0,3,"spawned"]`, `[1,3,"spawned"]`, "task main, record 0"},
		{"n", `[0,3,"spawned"]`, `[0,2,"spawned"]`, "task main, record 0"},
		{"what", `[0,3,"spawned"]`, `[0,3,"closed"]`, "task main, record 0"},
		{"names", `["E1"],true`, `["E2"],true`, "task main, record 1"},
		{"number of names", `["E1"],true`, `["E1","E1"],true`, "task main, record 1"},
		{"c", `["E1"],true`, `["E1"],false`, "task main, record 1"},
		{"value", `"effective",null`, `"effective",8`, "task main, record 2"},
		{"past", `"effective",null`, `"effective","past"`, "task main, record 2"},
		{"last record", `,[5,1,"caught"]`, ``, "task main, record 3"},
		{"order", `[0,3,"spawned"],[5,2,"failed",["E1"],true]`, `[5,2,"failed",["E1"],true],[0,3,"spawned"]`, "task main, record 0"},
		{"task", `"t1":[[5,4,"` + canceledKey + `"]]`, `"t2":[[5,4,"` + canceledKey + `"]]`, "task t1, record 0"},
		{"all of a task", `,"t1":[[5,4,"` + canceledKey + `"]]`, ``, "task t1, record 0"},
	}
	good := decodeOne(t, goodLine)
	if ds := corpus.Diff(corpus.Trio, good.Expect, good.Expect); ds != nil {
		t.Fatalf("Diff of an outcome with itself = %v, want none", ds)
	}
	if s := corpus.Show(good, good.Expect); s != "" {
		t.Fatalf("Show of an outcome as expected = %q, want nothing", s)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// The program says scopes too: change the expectation only.
			at := strings.Index(goodLine, `"expect"`)
			line := goodLine[:at] + strings.Replace(goodLine[at:], tt.old, tt.new, 1)
			if line == goodLine {
				t.Fatalf("%s does not occur in the good line", tt.old)
			}
			other := decodeOne(t, line)
			there := corpus.Diff(corpus.Trio, good.Expect, other.Expect)
			back := corpus.Diff(corpus.Trio, other.Expect, good.Expect)
			if len(there) == 0 || there[0].Where != tt.where {
				t.Errorf("Diff = %v, want a difference at %s", there, tt.where)
			}
			if len(back) != len(there) {
				t.Errorf("Diff the other way = %v, want as many as %v", back, there)
			}
			if s := corpus.Show(other, good.Expect); !strings.Contains(s, "!") {
				t.Errorf("Show marks nothing in\n%s", s)
			}
		})
	}
}

func TestDiffSeesProblem(t *testing.T) {
	c := decodeOne(t, goodLine)
	got := *c.Expect
	got.Problem = "hung"
	if ds := corpus.Diff(corpus.Trio, &got, c.Expect); len(ds) != 1 || ds[0].Where != "problem" {
		t.Errorf("Diff of a program that hung = %v, want one difference, problem", ds)
	}
	if s := corpus.Show(c, &got); !strings.Contains(s, "! hung") {
		t.Errorf("Show does not say that the program hung:\n%s", s)
	}
}

// asyncio drops a cancellation that comes with errors, and only then.
func TestDiffAsyncio(t *testing.T) {
	outcome := func(names string, c bool) *corpus.Outcome {
		o := new(corpus.Outcome)
		text := fmt.Sprintf(`{"end":1,"errors":%s,"`+canceledKey+`":%t,"trace":{"t1":[[1,1,"exit",%[1]s,%[2]t]]}}`, names, c)
		if err := json.Unmarshal([]byte(text), o); err != nil {
			t.Fatal(err)
		}
		return o
	}
	tests := []struct {
		names     string
		got, want bool
		same      bool
	}{
		{`["E1"]`, true, false, true},
		{`["E1"]`, false, false, true},
		{`[]`, true, false, false},
		{`[]`, false, true, false},
		{`[]`, true, true, true},
	}
	for _, tt := range tests {
		got, want := outcome(tt.names, tt.got), outcome(tt.names, tt.want)
		if ds := corpus.Diff(corpus.Asyncio, got, want); (len(ds) == 0) != tt.same {
			t.Errorf("names %s: Diff of c=%t and c=%t = %v, want same=%t", tt.names, tt.got, tt.want, ds, tt.same)
		}
	}
	if ds := corpus.Diff(corpus.Trio, outcome(`["E1"]`, true), outcome(`["E1"]`, false)); len(ds) != 2 {
		t.Errorf("Diff of a Trio outcome = %v, want canceled and the exit of t1", ds)
	}
}

func TestClassify(t *testing.T) {
	var s cancelscope.Scope
	s.Cancel(nursery.ErrNotStarted) // a reason is not an error of the program
	var canceled error
	_ = s.Run(t.Context(), func(ctx context.Context) error {
		canceled = deadline.Sleep(ctx, 1)
		return nil
	})
	slow := &deadline.TooSlowError{}
	tests := []struct {
		err   error
		names []string
		c     bool
	}{
		{nil, nil, false},
		{canceled, nil, true},
		{fmt.Errorf("wrapped: %w", canceled), nil, true},
		{slow, []string{"TooSlow"}, false},
		{errors.Join(fmt.Errorf("b: %w", slow), errors.Join(nursery.ErrNotStarted, canceled), slow),
			[]string{"NotStarted", "TooSlow", "TooSlow"}, true},
		{errors.New("odd"), []string{"?*errors.errorString(odd)"}, false},
	}
	for _, tt := range tests {
		names, c := corpus.Classify(tt.err)
		if !slices.Equal(names, tt.names) || c != tt.c {
			t.Errorf("Classify(%v) = %q, %t, want %q, %t", tt.err, names, c, tt.names, tt.c)
		}
	}
}
