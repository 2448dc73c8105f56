package main

import (
	"flag"
	"fmt"
	"testing"

	"github.com/trellis-go/trellis/bench/internal/workload"
)

// A sample is one measurement: what one unit of the work costs.
type sample struct {
	Time   float64 `json:"ns"`
	Allocs float64 `json:"allocs"`
	Bytes  float64 `json:"bytes"`
}

// setBenchtime says how long a measurement takes, in the words of go test -benchtime.
func setBenchtime(text string) error {
	testing.Init() // has an effect the first time only
	return flag.Set("test.benchtime", text)
}

// measure leaves the counting to package testing, so that the figures are those of
// go test -bench.
func measure(w *workload.Workload, e workload.Entrant) (sample, error) {
	var err error
	r := testing.Benchmark(func(b *testing.B) { err = w.Bench(b, e) })
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w", e.Lib, err)
	}
	units := float64(r.N) * float64(w.Units)
	return sample{
		Time:   float64(r.T.Nanoseconds()) / units,
		Allocs: float64(r.MemAllocs) / units,
		Bytes:  float64(r.MemBytes) / units,
	}, nil
}
