package figures_test

import (
	"testing"

	"github.com/trellis-go/trellis/bench/internal/figures"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{7}, 7},
		{[]float64{9, 1, 5}, 5},
		{[]float64{9, 1, 5, 7}, 6},
		{[]float64{3, 1000, 1, 2, 2}, 2}, // one that is far off says nothing
	} {
		if got := figures.Median(c.values); got != c.want {
			t.Errorf("Median(%v) = %v, want %v", c.values, got, c.want)
		}
	}
}

func TestMedianLeavesItsArgument(t *testing.T) {
	values := []float64{3, 1, 2}
	figures.Median(values)
	if values[0] != 3 || values[1] != 1 || values[2] != 2 {
		t.Errorf("after median the values are %v, want them as they were: the rounds are compared by position", values)
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{5}, 0},
		{[]float64{0, 0, 0}, 0},
		{[]float64{8, 12, 9, 10, 11}, 0.1},    // the middle half is 9 to 11
		{[]float64{8, 900, 9, 10, 11}, 0.1},   // the same
		{[]float64{10, 20}, 2.5 / 15},         // 12.5 to 17.5
		{[]float64{100, 100, 100, 104}, .005}, // 100 to 101
	} {
		if got := figures.Spread(c.values); !near(got, c.want) {
			t.Errorf("Spread(%v) = %v, want %v", c.values, got, c.want)
		}
	}
}

func TestRatio(t *testing.T) {
	for _, c := range []struct {
		name         string
		values, base []float64
		want         float64
	}{
		{"none", nil, nil, 0},
		{"no base", []float64{1}, nil, 0},
		{"one", []float64{30}, []float64{60}, 0.5},
		{"a machine that gets slower", []float64{1, 2, 4, 8}, []float64{2, 4, 8, 16}, 0.5},
		{"one round gone wrong", []float64{1, 1, 50}, []float64{2, 2, 2}, 0.5},
		{"a last round that is incomplete", []float64{1, 1, 1}, []float64{2, 2}, 0.5},
		{"a base of zero", []float64{1, 1}, []float64{0, 2}, 0.5},
		{"not the ratio of the medians", []float64{1, 3, 9}, []float64{2, 1, 9}, 1}, // that would be 1.5
	} {
		if got := figures.Ratio(c.values, c.base); !near(got, c.want) {
			t.Errorf("%s: figures.Ratio(%v, %v) = %v, want %v", c.name, c.values, c.base, got, c.want)
		}
	}
}

func near(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 }
