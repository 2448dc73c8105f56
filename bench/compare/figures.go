package main

import (
	"fmt"
	"math"
	"strconv"
)

// three returns v with three significant digits, as people write it.
func three(v float64) string {
	if v == 0 || math.Abs(v) >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// duration returns a time given in nanoseconds with its unit.
func duration(ns float64) string {
	switch {
	case ns < 1e3:
		return three(ns) + " ns"
	case ns < 1e6:
		return three(ns/1e3) + " µs"
	case ns < 1e9:
		return three(ns/1e6) + " ms"
	}
	return three(ns/1e9) + " s"
}

// amount returns a number of things of which a unit may have a fraction.
func amount(n float64) string {
	if n >= 100 || math.Abs(n-math.Round(n)) < 0.005 {
		return strconv.FormatFloat(n, 'f', 0, 64)
	}
	return strconv.FormatFloat(n, 'f', 2, 64)
}

func percent(share float64) string { return fmt.Sprintf("%.0f%%", 100*share) }

// factor returns a ratio; none if there is none.
func factor(ratio float64) string {
	if ratio == 0 {
		return ""
	}
	return strconv.FormatFloat(ratio, 'f', 2, 64)
}
