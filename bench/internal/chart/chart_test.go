package chart_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg/draw"

	"github.com/trellis-go/trellis/bench/internal/chart"
)

// No two of as many libraries as there are look alike.
func TestStyles(t *testing.T) {
	seen := make(map[string]int)
	for i := range 30 {
		s := chart.Style(i)
		look := fmt.Sprintf("%v %T", s.Color, s.Shape)
		if j, ok := seen[look]; ok {
			t.Errorf("Style(%d) is %s, as Style(%d)", i, look, j)
		}
		seen[look] = i
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		most      int
		want      string
	}{
		{0.03, 3, 10, "0.05 0.1 0.2 0.5 1 2"},
		{0.03, 3, 5, "0.1 1"},
		{1, 10, 4, "1 2 5 10"},
		{1, 1e6, 7, "1 10 100 1e+03 1e+04 1e+05 1e+06"},
		{1, 1e6, 4, "1 100 1e+04 1e+06"},
		{3, 4, 4, ""},
	} {
		var labels []string
		for _, tick := range (chart.Ticks{Most: c.most, Format: chart.Plain}).Ticks(c.low, c.high) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("at most %d Ticks(%v, %v) = %q, want %q", c.most, c.low, c.high, got, c.want)
		}
	}
}

// A legend that does not fit into one line takes several, and says what is left.
func TestLegend(t *testing.T) {
	for _, count := range []int{1, 10} {
		var entries []chart.Entry
		for i := range count {
			entries = append(entries, chart.Entry{Name: fmt.Sprintf("library %d", i), Style: chart.Style(i)})
		}
		var text strings.Builder
		err := chart.Write(&text, 300, 300, func(canvas draw.Canvas) {
			if rest := chart.Legend(canvas, entries); rest.Max.Y > 300-14 || count > 1 && rest.Max.Y > 300-2*14 {
				t.Errorf("Legend of %d entries leaves a height of %v, want less", count, rest.Max.Y)
			}
		})
		if err != nil {
			t.Errorf("Write gave %v, want nil", err)
		}
		var names []string
		for d := xml.NewDecoder(strings.NewReader(text.String())); ; {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("what Write wrote is not XML: %v", err)
			}
			if s, ok := token.(xml.CharData); ok && strings.Contains(string(s), "library") {
				names = append(names, string(s))
			}
		}
		if len(names) != count {
			t.Errorf("the legend has the texts %q, want %d", names, count)
		}
	}
}

func TestWriteReportsErrors(t *testing.T) {
	if err := chart.Write(full{}, 100, 100, func(draw.Canvas) {}); err != errFull {
		t.Errorf("Write to a full disk gave %v, want %v", err, errFull)
	}
}

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
