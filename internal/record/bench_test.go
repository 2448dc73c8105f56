package record_test

import (
	"testing"

	"github.com/trellis-go/trellis/internal/record"
)

// What it takes to copy the lists with a million nodes. A task that starts or ends meanwhile
// waits at most for the copy of one list, of which there are 512.
func BenchmarkAll(b *testing.B) {
	defer record.Start(nil)()
	all := linked(1_000_000)
	for b.Loop() {
		record.All()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/512, "us/list")
	for _, n := range all {
		n.End()
	}
}

func BenchmarkNode(b *testing.B) {
	defer record.Start(nil)()
	b.ReportAllocs()
	for b.Loop() {
		n := newTask(nil)
		n.Link()
		n.End()
	}
}
