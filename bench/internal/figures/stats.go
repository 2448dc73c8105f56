package figures

import "slices"

// Quantile returns the value below which the share q of values lies, between two of
// them if need be, and 0 if there are none.
func Quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	below := int(at)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
}

// Median returns the value in the middle, and 0 if there is none.
func Median(values []float64) float64 { return Quantile(values, 0.5) }

// Spread returns half of the range that the middle half of values lies in, as a share
// of their median. Unlike a standard deviation it does not care how far off the
// farthest are, which on a busy machine says nothing.
func Spread(values []float64) float64 {
	if m := Median(values); m != 0 {
		return (Quantile(values, 0.75) - Quantile(values, 0.25)) / 2 / m
	}
	return 0
}

// Ratio returns the median of the ratios of values to those of base in the same
// rounds, and 0 if they have no round in common. What slows a whole round down does
// not change it, as it would change the ratio of the medians.
func Ratio(values, base []float64) float64 {
	var ratios []float64
	for i := range min(len(values), len(base)) {
		if base[i] > 0 {
			ratios = append(ratios, values[i]/base[i])
		}
	}
	return Median(ratios)
}
