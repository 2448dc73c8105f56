package figures_test

import (
	"testing"

	"github.com/trellis-go/trellis/bench/internal/figures"
)

func TestFigures(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{figures.Duration(0), "0 ns"},
		{figures.Duration(3.14159), "3.14 ns"},
		{figures.Duration(33.27), "33.3 ns"},
		{figures.Duration(650.4), "650 ns"},
		{figures.Duration(1095), "1.09 µs"},
		{figures.Duration(44_000), "44.0 µs"},
		{figures.Duration(6_700_000), "6.70 ms"},
		{figures.Duration(1_950_000_000), "1.95 s"},
		{figures.Amount(0), "0"},
		{figures.Amount(0.0001), "0"},
		{figures.Amount(3), "3"},
		{figures.Amount(14.999), "15"},
		{figures.Amount(2.53), "2.53"},
		{figures.Amount(240_416.4), "240416"},
		{figures.Percent(0.049), "5%"},
		{figures.Factor(0), ""},
		{figures.Thousands(0), "0"},
		{figures.Thousands(999), "999"},
		{figures.Thousands(1000), "1,000"},
		{figures.Thousands(100_020_003), "100,020,003"},
		{figures.Factor(0.876), "0.88"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
