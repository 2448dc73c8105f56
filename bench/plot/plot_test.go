package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const output = `goos: linux
BenchmarkGrowth/what=children/n=10/lib=trellis-2 	 100	 300 cpu-ns/op	 1 ns/op	 0 B/op
BenchmarkGrowth/what=children/n=1/lib=trellis-2 	 100	 1000 cpu-ns/op	 1 ns/op	 0 B/op
BenchmarkGrowth/what=children/n=1/lib=trellis-2 	 100	 9000 cpu-ns/op	 1 ns/op	 0 B/op
BenchmarkGrowth/what=children/n=1/lib=trellis-2 	 100	 2000 cpu-ns/op	 1 ns/op	 0 B/op
BenchmarkGrowth/what=children/n=1/lib=raw 	 100	 700.5 cpu-ns/op	 1 ns/op	 0 B/op
BenchmarkGrowth/what=open-limits/n=1000/lib=std-2 	 1	 5000 cpu-ns/op	 1 ns/op	 3000 held-B/op
BenchmarkGrowth/what=group/n=1000/lib=std-2 	 1	 5000 cpu-ns/op	 1 ns/op	 7000 process-B	 0 B/op
PASS
`

func TestRead(t *testing.T) {
	got, err := read(strings.NewReader(output))
	want := []*panel{
		{"children", "cpu-ns/op", map[string]map[int][]float64{"trellis": {10: {300}, 1: {1000, 9000, 2000}}, "raw": {1: {700.5}}}},
		{"open-limits", "cpu-ns/op", map[string]map[int][]float64{"std": {1000: {5000}}}},
		{"open-limits", "held-B/op", map[string]map[int][]float64{"std": {1000: {3000}}}},
		{"group", "process-B", map[string]map[int][]float64{"std": {1000: {7000}}}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read gave %v and %v, want %v", got, err, want)
	}
	if got := median([]float64{1000, 9000, 2000}); got != 2000 {
		t.Errorf("the median is %v, want 2000", got)
	}
}

// The drawing is well-formed, has all texts, and its lines go through the medians, from
// left to right and lower where there is less.
func TestDraw(t *testing.T) {
	panels, err := read(strings.NewReader(output))
	if err != nil {
		t.Fatal(err)
	}
	svg := draw(panels, styles["growth.svg"])
	var texts strings.Builder
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the drawing is not well-formed: %v", err)
		}
		if text, ok := token.(xml.CharData); ok {
			texts.Write(text)
		}
	}
	for _, want := range []string{"trellis", "children: processor time", "open limits: memory", "group: memory of the process", "1 µs", "100 ns", "1 kB", "10", "1k"} {
		if !strings.Contains(texts.String(), want) {
			t.Errorf("the drawing has the texts %q, want %q among them", &texts, want)
		}
	}
	// From 2 µs at 1 to 300 ns at 10, where the axis has 100 ns to 4 µs.
	if want := `<path class="trellis" d="M58.0 50.4L306.0 117.3"/>`; !bytes.Contains(svg, []byte(want)) {
		t.Errorf("the drawing has not %s:\n%s", want, svg)
	}
}

// What run makes are two drawings, and none of nothing.
func TestRun(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := run(strings.NewReader("PASS\n")); err == nil {
		t.Error("run of no results gave no error")
	}
	if err := run(strings.NewReader(output)); err != nil {
		t.Fatalf("run gave %v, want nil", err)
	}
	for name, color := range map[string]string{"growth.svg": "#d55e00", "growth-dark.svg": "#ff9248"} {
		if text, err := os.ReadFile(name); err != nil || !bytes.HasPrefix(text, []byte("<svg")) || !bytes.Contains(text, []byte(color)) {
			t.Errorf("%s begins with %.10q (%v), want an SVG with the color %s", name, text, err, color)
		}
	}
}
