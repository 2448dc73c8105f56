package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/trellis-go/trellis/bench/internal/command"
	"github.com/trellis-go/trellis/bench/internal/figures"
	"github.com/trellis-go/trellis/bench/internal/workload"
)

func TestRunPrintsTheTable(t *testing.T) {
	p, out, problems, order := fake(nil)
	code := p.run(t.Context(), []string{"-rounds", "2"})
	if code != command.ExitOK || problems.Len() > 0 {
		t.Errorf("run gave %d and complained %q, want %d and nothing", code, problems, command.ExitOK)
	}
	if got := len(*order); got != 10 {
		t.Errorf("run measured %d times, want 10", got)
	}
	if got, want := lastLine(out.String()), "2 goals, 1 met"; got != want {
		t.Errorf("the last line is %q, want %q", got, want)
	}
}

func TestRunSelects(t *testing.T) {
	p, out, _, order := fake(nil)
	p.run(t.Context(), []string{"-rounds", "1", "-run", "^b$"})
	if got := strings.Join(*order, " "); got != "b:trellis b:std" {
		t.Errorf("run -run ^b$ measured %q, want only the second workload", got)
	}
	if got, want := lastLine(out.String()), "1 goals, 0 met"; got != want {
		t.Errorf("the last line is %q, want %q", got, want)
	}
}

// What was measured before Ctrl-C is not lost.
func TestRunInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p, out, _, _ := fake(func(step int) error {
		if step == 3 {
			cancel()
		}
		return nil
	})
	if code := p.run(ctx, nil); code != command.ExitInterrupted {
		t.Errorf("run gave %d, want %d", code, command.ExitInterrupted)
	}
	for _, want := range []string{"Interrupted:", "≤ 0.9   met", "≤ 0.1   not measured"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("run printed\n%s\nwithout %q", out, want)
		}
	}
	if got, want := lastLine(out.String()), "2 goals, 1 met"; got != want {
		t.Errorf("the last line is %q, want %q", got, want)
	}
}

func TestRunFails(t *testing.T) {
	p, out, problems, _ := fake(func(int) error { return errors.New("lazy library") })
	if code := p.run(t.Context(), nil); code != command.ExitFailed {
		t.Errorf("run gave %d, want %d", code, command.ExitFailed)
	}
	if out.Len() > 0 || !strings.Contains(problems.String(), "lazy library") {
		t.Errorf("run printed %q and complained %q, want a complaint only", out, problems)
	}

	p, _, problems, _ = fake(nil)
	p.stdout = full{}
	if code := p.run(t.Context(), nil); code != command.ExitFailed || !strings.Contains(problems.String(), errFull.Error()) {
		t.Errorf("run on a full disk gave %d and complained %q, want %d and %v", code, problems, command.ExitFailed, errFull)
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
	all, _ := p.rounds(t.Context(), p.selected(everything), 3)
	want := newReport(all, options{rounds: 3, benchtime: "20ms"}, false)
	if !reflect.DeepEqual(&got, want) {
		t.Errorf("run -json printed\n%+v\nwant\n%+v", &got, want)
	}
	if got := len(got.Rows[0].Libs[0].Samples); got != 3 {
		t.Errorf("the JSON has %d samples, want 3", got)
	}
}

func TestPlot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ratios.svg")
	p, out, problems, _ := fake(nil)
	if code := p.run(t.Context(), []string{"-rounds", "1", "-plot", file}); code != command.ExitOK {
		t.Fatalf("run -plot gave %d and complained %q, want %d", code, problems, command.ExitOK)
	}
	if got, want := lastLine(out.String()), "2 goals, 1 met"; got != want {
		t.Errorf("the last line is %q, want %q", got, want)
	}
	image, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	texts := svgTexts(t, image)
	for _, want := range []string{"first", "second", "trellis", "raw", "errgroup", "std", "goal of trellis, met by what is left of it", "Groups of tasks, beside errgroup", "Cancel scopes, beside std"} {
		if !strings.Contains(texts, "\n"+want+"\n") {
			t.Errorf("the plot has no text %q, only %q", want, texts)
		}
	}
}

// svgTexts returns the texts of an image, a line each.
func svgTexts(t *testing.T, image []byte) string {
	texts := "\n"
	for d := xml.NewDecoder(bytes.NewReader(image)); ; {
		token, err := d.Token()
		if err == io.EOF {
			return texts
		}
		if err != nil {
			t.Fatalf("the plot is not XML: %v", err)
		}
		if text, ok := token.(xml.CharData); ok {
			texts += strings.TrimSpace(string(text)) + "\n"
		}
	}
}

func TestPlotFails(t *testing.T) {
	p, _, problems, order := fake(nil)
	file := filepath.Join(t.TempDir(), "missing", "ratios.svg")
	if code := p.run(t.Context(), []string{"-plot", file}); code != command.ExitFailed || len(*order) > 0 {
		t.Errorf("run -plot into a missing folder gave %d after %d measurements, want %d before the first one", code, len(*order), command.ExitFailed)
	}
	if !strings.Contains(problems.String(), file) {
		t.Errorf("run complained %q, want the name of the file in it", problems)
	}
}

func TestHelp(t *testing.T) {
	p, out, problems, order := fake(nil)
	if code := p.run(t.Context(), []string{"-h"}); code != command.ExitOK || problems.Len() > 0 || len(*order) > 0 {
		t.Errorf("run -h gave %d and complained %q, want %d and nothing", code, problems, command.ExitOK)
	}
	for _, want := range []string{"-rounds N", "-benchtime TIME", "-run REGEXP", "-full", "-json", "-markdown", "-plot FILE.svg", "-update FILE.md", "(default 10)", `"20ms"`, "Exit codes:", "N goals, M met"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("run -h printed\n%s\nwithout %q", out, want)
		}
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
		{[]string{"-rounds", "x"}, "invalid value"},
		{[]string{"-run", "("}, "missing closing )"},
		{[]string{"-run", "nobody"}, "-run nobody: nothing has such a name"},
		{[]string{"-benchtime", "soon"}, "-benchtime soon: want a time"},
		{[]string{"-plot", "ratios.png"}, "must end in .svg"},
		{[]string{"-json", "-markdown"}, "only one of them"},
		{[]string{"-wrong"}, "flag provided but not defined"},
		{[]string{"more"}, `unexpected argument "more"`},
	} {
		p, out, problems, order := fake(nil)
		code := p.run(t.Context(), c.args)
		if code != command.ExitUsage || !strings.Contains(problems.String(), c.want) || out.Len() > 0 || len(*order) > 0 {
			t.Errorf("run %q gave %d, printed %q and complained %q, want %d and a complaint with %q", c.args, code, out, problems, command.ExitUsage, c.want)
		}
	}
}

// The real thing, from the command line to the last line, with little work.
func TestRunMeasures(t *testing.T) {
	var out, problems strings.Builder
	full := false
	p := &program{stdout: &out, stderr: &problems, measure: measure, workloads: func(c workload.Config) []workload.Workload {
		full = c.Full
		c.Cap = 10
		return workload.All(c)
	}}
	code := p.run(t.Context(), []string{"-rounds", "1", "-benchtime", "2x", "-full", "-json", "-run", "^(open|spawners|move)"})
	if !full {
		t.Error("run -full did not ask for the full work")
	}
	if code != command.ExitOK {
		t.Fatalf("run gave %d and complained %q, want %d", code, &problems, command.ExitOK)
	}
	var r report
	if err := json.Unmarshal([]byte(out.String()), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) != 5 || r.Goals != 5 || !r.Full {
		t.Errorf("run -full measured %d workloads with %d goals, full: %v, want 5, 5 and true", len(r.Rows), r.Goals, r.Full)
	}
	for _, row := range r.Rows {
		for _, l := range row.Libs {
			if l.Time <= 0 || l.Ratio <= 0 {
				t.Errorf("%s with %s took %v ns, ratio %v, want more than nothing", row.Name, l.Name, l.Time, l.Ratio)
			}
		}
	}
}

// The figures are for a unit. Allocations can be counted on, unlike times.
func TestMeasureDividesByUnits(t *testing.T) {
	if err := setBenchtime("1000x"); err != nil {
		t.Fatal(err)
	}
	w := &workload.Workload{Name: "four units", Unit: "unit", Units: 4}
	got, err := measure(w, workload.Entrant{Lib: "eight allocations", Setup: func() (func(workload.Timer) error, func()) {
		return func(workload.Timer) error {
			for range 8 {
				garbage = new([64]byte)
			}
			return nil
		}, func() {}
	}})
	if err != nil || figures.Amount(got.Allocs) != "2" || figures.Amount(got.Bytes) != "128" {
		t.Errorf("measure of 8 allocations of 64 bytes in 4 units gave %+v, %v, want 2 allocations and 128 bytes", got, err)
	}
}

var garbage *[64]byte

func TestMeasureReportsErrors(t *testing.T) {
	w := &workload.Workload{Name: "lazy", Unit: "run", Units: 1, Fails: true}
	_, err := measure(w, workload.Entrant{Lib: "idle", Setup: func() (func(workload.Timer) error, func()) {
		return func(workload.Timer) error { return nil }, func() {}
	}})
	if err == nil || !strings.Contains(err.Error(), "idle") {
		t.Errorf("measure of work that is not done gave %v, want an error with the library's name", err)
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	return lines[len(lines)-1]
}
