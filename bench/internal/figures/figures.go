package figures

import (
	"fmt"
	"math"
	"strconv"
)

// Three returns v with three significant digits, as people write it.
func Three(v float64) string {
	if v == 0 || math.Abs(v) >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// Duration returns a time given in nanoseconds with its unit.
func Duration(ns float64) string {
	switch {
	case ns < 1e3:
		return Three(ns) + " ns"
	case ns < 1e6:
		return Three(ns/1e3) + " µs"
	case ns < 1e9:
		return Three(ns/1e6) + " ms"
	}
	return Three(ns/1e9) + " s"
}

// Amount returns a number of things of which a unit may have a fraction.
func Amount(n float64) string {
	if n >= 100 || math.Abs(n-math.Round(n)) < 0.005 {
		return strconv.FormatFloat(n, 'f', 0, 64)
	}
	return strconv.FormatFloat(n, 'f', 2, 64)
}

// Percent returns a share as a percentage.
func Percent(share float64) string { return fmt.Sprintf("%.0f%%", 100*share) }

// Factor returns a ratio; none if there is none.
func Factor(ratio float64) string {
	if ratio == 0 {
		return ""
	}
	return strconv.FormatFloat(ratio, 'f', 2, 64)
}

// Thousands writes 10000 as 10,000.
func Thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", Thousands(n/1000), n%1000)
}
