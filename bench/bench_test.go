package bench_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// BenchmarkWork compares libraries, row by row. All figures are for one unit of the
// work: ns/op is for one child where a run has 10,000 of them.
func BenchmarkWork(b *testing.B) { bench(b, rows) }

// BenchmarkGrowth has the same work at sizes that grow up to a million.
func BenchmarkGrowth(b *testing.B) { bench(b, growth) }

func bench(b *testing.B, workloads func(c config) []workload) {
	if *capFlag != 0 {
		fmt.Printf("cap: %d\n", *capFlag) // benchstat shows it above its tables
	}
	for _, w := range workloads(config{cap: *capFlag}) {
		for i := range w.entrants {
			e := w.entrants[(i+*roundFlag)%len(w.entrants)]
			b.Run(w.name+"/lib="+e.lib, func(b *testing.B) { w.bench(b, e) })
		}
	}
}

func (w *workload) bench(b *testing.B, e entrant) {
	m := &meter{running: true}
	run := e.setup(b, m)
	do := func() { // figures of work that was not done mean nothing
		if err := run(); (err != nil) != w.fails {
			b.Fatalf("a run gave %v, want an error: %v", err, w.fails)
		}
	}
	if !w.cold { // pools fill, stacks grow
		do()
	}
	b.ReportAllocs()
	*m = meter{b: b}
	m.start()
	for b.Loop() {
		do()
	}
	m.stop()
	units := float64(b.N) * float64(w.units)
	b.ReportMetric(float64(b.Elapsed())/units, "ns/op")
	b.ReportMetric(float64(m.objects)/units, "allocs/op")
	b.ReportMetric(float64(m.bytes)/units, "B/op")
	if m.cpu > 0 {
		b.ReportMetric(float64(m.cpu)/units, "cpu-ns/op")
	}
	if m.held != 0 {
		b.ReportMetric(m.held/float64(w.units), "held-B/op")
	}
	if m.process != 0 {
		b.ReportMetric(m.process, "process-B")
	}
}

// A meter measures the parts of a run that count. A run begins and ends while its
// meter is running; in between it may stop it. One goroutine at a time may use it.
type meter struct {
	b       *testing.B // nil where nothing is measured
	running bool
	misused bool // started or stopped twice

	// In bytes, 0 if it is not of interest.
	held    float64 // what the work of a run held
	process float64 // what the process held after it

	cpu            time.Duration // of the process
	objects, bytes uint64        // allocated

	startCPU    time.Duration
	startMemory runtime.MemStats
}

func (m *meter) start() {
	m.misused = m.misused || m.running
	m.running = true
	if m.b != nil {
		runtime.ReadMemStats(&m.startMemory)
		m.b.StartTimer()
		m.startCPU = processCPU()
	}
}

func (m *meter) stop() {
	m.misused = m.misused || !m.running
	m.running = false
	if m.b != nil {
		cpu := processCPU()
		m.b.StopTimer()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		m.cpu += cpu - m.startCPU
		m.objects += memory.Mallocs - m.startMemory.Mallocs
		m.bytes += memory.TotalAlloc - m.startMemory.TotalAlloc
	}
}

// inUse returns the memory of objects and stacks when nothing is left that could be
// collected. It is 0 where nothing is measured.
func (m *meter) inUse() float64 {
	if m.b == nil {
		return 0
	}
	runtime.GC()
	runtime.GC() // the first one may only have found what has a finalizer
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return float64(memory.HeapAlloc + memory.StackInuse)
}
