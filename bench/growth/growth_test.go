package main

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/bench/internal/command"
	"github.com/trellis-go/trellis/bench/internal/curve"
	"github.com/trellis-go/trellis/bench/internal/readme"
)

// The program starts itself for each measurement, which here is the test.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, "-sample") {
		command.Main(run)
	}
	// Package ants has a pool of its own from the start, which ends with the program.
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

// fake returns a program with two curves, which records what is measured. If stop is
// not nil, it is called before each measurement.
func fake(stop func(step int) error) (p *program, out, problems *strings.Builder, order *[]string) {
	out, problems, order = new(strings.Builder), new(strings.Builder), new([]string)
	goal := func(text string, cost curve.Cost, most float64) curve.Goal {
		return curve.Goal{Text: text, Cost: cost, Max: most, Value: func(sizes []int, cost func(string, int) float64) float64 {
			return cost("trellis", sizes[len(sizes)-1]) / cost("trellis", sizes[0])
		}}
	}
	measure := func(time, memory float64) func(int) (curve.Sample, error) {
		return func(size int) (curve.Sample, error) {
			return curve.Sample{Time: time * float64(size), Memory: memory}, nil
		}
	}
	curves := []curve.Curve{{
		Name: "a", Title: "First", Size: "children", Unit: "child", Sizes: []int{1, 10, 1000}, Costs: []curve.Cost{curve.Time},
		Goals:    []curve.Goal{goal("grows by", curve.Time, 900)},
		Entrants: []curve.Entrant{{Lib: "trellis", Measure: measure(80, 0)}, {Lib: "raw", Measure: measure(40, 0)}},
	}, {
		Name: "b", Title: "Second", Size: "depth", Unit: "scope", Sizes: []int{1000, 10_000}, Costs: []curve.Cost{curve.Time, curve.Memory},
		Once:     true,
		Goals:    []curve.Goal{goal("more", curve.Memory, 1.25)},
		Entrants: []curve.Entrant{{Lib: "trellis", Measure: measure(1, 2700)}, {Lib: "std", Measure: measure(2, 2600)}},
	}}
	return &program{
		stdout: out, stderr: problems,
		curves: func() []curve.Curve { return curves },
		sample: func(_ context.Context, t task) (curve.Sample, error) {
			if stop != nil {
				if err := stop(len(*order)); err != nil {
					return curve.Sample{}, err
				}
			}
			*order = append(*order, t.String())
			return t.here(curves)
		},
	}, out, problems, order
}

const wantTable = `
First: time per child [a]
  children             1          10       1,000
  trellis        80.0 ns      800 ns     80.0 µs
  raw            40.0 ns      400 ns     40.0 µs
  grows by: 1000.00 ≤ 900 missed

Second: time per scope [b]
  depth            1,000      10,000
  trellis        1.00 µs     10.0 µs
  std            2.00 µs     20.0 µs

Second: memory per scope [b]
  depth            1,000      10,000
  trellis         2700 B      2700 B
  std             2600 B      2600 B
  more: 1 ≤ 1.25 met

2 goals, 1 met
`

func TestRunPrintsTheTable(t *testing.T) {
	p, out, problems, order := fake(nil)
	code := p.run(t.Context(), []string{"-rounds", "2"})
	if code != command.ExitOK || problems.Len() > 0 {
		t.Errorf("run gave %d and complained %q, want %d and nothing", code, problems, command.ExitOK)
	}
	if _, got, _ := strings.Cut(out.String(), "\n"); got != wantTable {
		t.Errorf("run printed\n%s\nwant\n%s", got, wantTable)
	}
	want := strings.Fields(`a,trellis,1 a,raw,1 a,trellis,10 a,raw,10 a,trellis,1000 a,raw,1000
		b,trellis,1000 b,std,1000 b,trellis,10000 b,std,10000
		a,raw,1 a,trellis,1 a,raw,10 a,trellis,10 a,raw,1000 a,trellis,1000`)
	if !slices.Equal(*order, want) {
		t.Errorf("run measured\n%v, want\n%v", *order, want)
	}
}

func TestRunSelects(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string // measurements, and the last line
	}{
		{[]string{"-run", "^b$"}, "4, 1 goals, 1 met"},
		{[]string{"-max", "999"}, "4, 1 goals, 1 met"},
		{[]string{"-max", "1000"}, "8, 2 goals, 1 met"},
	} {
		p, out, problems, order := fake(nil)
		code := p.run(t.Context(), append(c.args, "-rounds", "1"))
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if got := fmt.Sprintf("%d, %s", len(*order), lines[len(lines)-1]); code != command.ExitOK || got != c.want {
			t.Errorf("run %q gave %d, complained %q, and measured %s, want %s", c.args, code, problems, got, c.want)
		}
	}
}

// What was measured before Ctrl-C is not lost.
func TestRunInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p, out, _, order := fake(func(step int) error {
		if step == 6 {
			cancel()
		}
		return nil
	})
	if code := p.run(ctx, nil); code != command.ExitInterrupted || len(*order) != 7 {
		t.Errorf("run gave %d after %d measurements, want %d after 7", code, len(*order), command.ExitInterrupted)
	}
	for _, want := range []string{"Interrupted:", "grows by: 1000.00 ≤ 900 missed", "  trellis        1.00 µs\n  std\n", "more: ≤ 1.25 not measured", "\n2 goals, 0 met\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("run printed\n%s\nwithout %q", out, want)
		}
	}
}

func TestRunFails(t *testing.T) {
	p, out, problems, _ := fake(func(int) error { return errors.New("no memory") })
	if code := p.run(t.Context(), nil); code != command.ExitFailed || out.Len() > 0 || !strings.Contains(problems.String(), "no memory") {
		t.Errorf("run gave %d, printed %q and complained %q, want %d and a complaint only", code, out, problems, command.ExitFailed)
	}
}

// The JSON is the report, to the last sample.
func TestJSON(t *testing.T) {
	p, out, _, _ := fake(nil)
	if code := p.run(t.Context(), []string{"-rounds", "3", "-json"}); code != command.ExitOK {
		t.Errorf("run -json gave %d, want %d", code, command.ExitOK)
	}
	var got report
	d := json.NewDecoder(strings.NewReader(out.String()))
	d.DisallowUnknownFields()
	if err := d.Decode(&got); err != nil {
		t.Fatalf("Decode of what run -json printed gave %v\n%s", err, out)
	}
	samples, _ := p.rounds(t.Context(), p.curves(), 3)
	want := newReport(p.curves(), samples, 3, false)
	if !reflect.DeepEqual(&got, want) {
		t.Errorf("run -json printed\n%+v\nwant\n%+v", &got, want)
	}
	if got := len(got.Graphs[0].Lines[0].Points[0].Samples); got != 3 {
		t.Errorf("the JSON has %d samples, want 3", got)
	}
}

func TestMarkdown(t *testing.T) {
	p, out, _, _ := fake(nil)
	p.run(t.Context(), []string{"-rounds", "1", "-markdown"})
	if got := readme.Malformed(out.String()); len(got) > 0 {
		t.Errorf("run -markdown printed\n%s\nwhich is wrong: %v", out, got)
	}
	for _, want := range []string{
		"| First: time per child; children: | 1 | 10 | 1,000 |\n|---|---:|---:|---:|\n| trellis | 80.0 ns | 800 ns | 80.0 µs |\n",
		"\nGoal: more: 1 ≤ 1.25 met.\n",
		"\n2 goals, 1 met.\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("run -markdown printed\n%s\nwithout %q", out, want)
		}
	}
}

func TestPlot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "growth.svg")
	p, _, problems, _ := fake(nil)
	if code := p.run(t.Context(), []string{"-rounds", "1", "-plot", file}); code != command.ExitOK {
		t.Fatalf("run -plot gave %d and complained %q, want %d", code, problems, command.ExitOK)
	}
	image, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer image.Close()
	var texts []string
	for d := xml.NewDecoder(image); ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("the plot is not XML: %v", err)
		}
		if text, ok := token.(xml.CharData); ok {
			texts = append(texts, strings.TrimSpace(string(text)))
		}
	}
	for _, want := range []string{"First", "Second", "trellis", "raw", "std", "children", "1k", "10k", "time per child", "memory per scope", "1 µs", "1 kB"} {
		if !slices.Contains(texts, want) {
			t.Errorf("the plot has no text %q, only %q", want, texts)
		}
	}
	if err := new(report).Plot(io.Discard); err == nil {
		t.Error("Plot of nothing gave no error")
	}
}

func TestHelp(t *testing.T) {
	p, out, problems, order := fake(nil)
	if code := p.run(t.Context(), []string{"-h"}); code != command.ExitOK || problems.Len() > 0 || len(*order) > 0 {
		t.Errorf("run -h gave %d and complained %q, want %d and nothing", code, problems, command.ExitOK)
	}
	for _, want := range []string{"-rounds N", "-run REGEXP", "-max N", "-json", "-plot FILE.svg", "-update FILE.md", "-sample NAME,LIBRARY,SIZE", "(default 3)", "Exit codes:"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("run -h printed\n%s\nwithout %q", out, want)
		}
	}
	if unwanted := fmt.Sprint(math.MaxInt); strings.Contains(out.String(), unwanted) {
		t.Errorf("run -h printed %s, which says nothing", unwanted)
	}
	for line := range strings.Lines(out.String()) {
		if len([]rune(line)) > 100 {
			t.Errorf("run -h printed a line of %d characters: %q", len([]rune(line)), line)
		}
	}
}

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-rounds", "0"}, "-rounds 0: must be at least 1"},
		{[]string{"-max", "0"}, "-max 0: must be at least 1"},
		{[]string{"-run", "("}, "missing closing )"},
		{[]string{"-run", "nobody"}, "-run nobody: nothing has such a name"},
		{[]string{"-sample", "a,trellis"}, "want NAME,LIBRARY,SIZE"},
		{[]string{"-sample", "a,trellis,0"}, "want NAME,LIBRARY,SIZE"},
		{[]string{"-sample", "a,nobody,1"}, "nothing has such a name"},
		{[]string{"-plot", "growth.png"}, "must end in .svg"},
		{[]string{"more"}, `unexpected argument "more"`},
	} {
		p, out, problems, order := fake(nil)
		code := p.run(t.Context(), c.args)
		if code != command.ExitUsage || !strings.Contains(problems.String(), c.want) || out.Len() > 0 || len(*order) > 0 {
			t.Errorf("run %q gave %d, printed %q and complained %q, want %d and a complaint with %q", c.args, code, out, problems, command.ExitUsage, c.want)
		}
	}
}

// The real thing: each measurement in a process of its own.
func TestRunMeasures(t *testing.T) {
	var out, problems strings.Builder
	p := &program{stdout: &out, stderr: &problems, curves: curve.All, sample: apart}
	code := p.run(t.Context(), []string{"-rounds", "1", "-max", "1000", "-run", "^children/work=wait$", "-json"})
	if code != command.ExitOK {
		t.Fatalf("run gave %d and complained %q, want %d", code, &problems, command.ExitOK)
	}
	var r report
	if err := json.Unmarshal([]byte(out.String()), &r); err != nil {
		t.Fatal(err)
	}
	for _, l := range r.Graphs[0].Lines {
		if len(l.Points) != 4 {
			t.Errorf("%s has %d points, want 4", l.Lib, len(l.Points))
			continue
		}
		if last := l.Points[3]; last.Time == nil || *last.Time <= 0 || last.Memory == nil || *last.Memory < 500 {
			t.Errorf("%s at size %d has the samples %v, want a time and the memory of a goroutine", l.Lib, last.Size, last.Samples)
		}
	}
}

func TestApart(t *testing.T) {
	if _, err := apart(t.Context(), task{"children/work=wait", "nobody", 1}); err == nil || !strings.Contains(err.Error(), "nothing has such a name") {
		t.Errorf("apart with a library that is not there gave %v, want the complaint of the other process", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	// What would take days ends with the context.
	if _, err := apart(ctx, task{"lifetime", "trellis", 1 << 40}); err == nil || ctx.Err() == nil {
		t.Errorf("apart under a context that ends gave %v, want an error", err)
	}
}

// The tables in the README are what the command prints.
func TestReadme(t *testing.T) {
	document, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := readme.Block(string(document), "growth")
	if err != nil {
		t.Fatal(err)
	}
	for _, complaint := range readme.Malformed(text) {
		t.Errorf("README.md, between the markers of growth: %s", complaint)
	}
}
