package workload_test

import (
	"flag"
	"fmt"
	"testing"

	"github.com/trellis-go/trellis/bench/internal/workload"
)

var upTo = flag.Int("cap", 1000, "the greatest `count` of children, items and scopes; 0 is what the compare command measures")

// BenchmarkWork has the workloads as ordinary benchmarks, and less work in each so
// that all of them take seconds. The compare command is the better tool to compare
// with: it takes turns.
func BenchmarkWork(b *testing.B) {
	capped := ""
	if *upTo != 0 {
		capped = fmt.Sprintf("/cap=%d", *upTo)
	}
	for _, w := range workload.All(workload.Config{Cap: *upTo}) {
		for _, e := range w.Entrants {
			b.Run("row="+w.Name+capped+"/lib="+e.Lib, func(b *testing.B) {
				if err := w.Bench(b, e); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}
