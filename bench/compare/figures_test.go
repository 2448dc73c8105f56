package main

import "testing"

func TestFigures(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{duration(0), "0 ns"},
		{duration(3.14159), "3.14 ns"},
		{duration(33.27), "33.3 ns"},
		{duration(650.4), "650 ns"},
		{duration(1095), "1.09 µs"},
		{duration(44_000), "44.0 µs"},
		{duration(6_700_000), "6.70 ms"},
		{duration(1_950_000_000), "1.95 s"},
		{amount(0), "0"},
		{amount(0.0001), "0"},
		{amount(3), "3"},
		{amount(14.999), "15"},
		{amount(2.53), "2.53"},
		{amount(240_416.4), "240416"},
		{percent(0.049), "5%"},
		{factor(0), ""},
		{factor(0.876), "0.88"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
