package curve

import (
	"runtime"
	"slices"
	"time"
)

const (
	parts   = 5                    // the median of so many counts
	partFor = 4 * time.Millisecond // at least, for each of them
)

// timed returns the time that one of the units takes that run consists of. Short runs
// are repeated.
func timed(units int, run func() error) (float64, error) {
	once := func(times int) (time.Duration, error) {
		start := time.Now()
		for range times {
			if err := run(); err != nil {
				return 0, err
			}
		}
		return time.Since(start), nil
	}
	took, err := once(1) // which also makes stacks grow and pools fill
	if err != nil {
		return 0, err
	}
	if took > parts*partFor {
		return float64(took) / float64(units), nil
	}
	times := 1
	var each []float64
	for len(each) < parts {
		took, err := once(times)
		if err != nil {
			return 0, err
		}
		if took < partFor {
			times *= 2
			continue
		}
		each = append(each, float64(took)/float64(times)/float64(units))
	}
	slices.Sort(each)
	return each[parts/2], nil
}

// live returns the memory that objects have, when nothing is left that could be
// collected.
func live() float64 { return float64(stats().HeapAlloc) }

// inUse is live with the stacks of goroutines.
func inUse() float64 {
	m := stats()
	return float64(m.HeapAlloc + m.StackInuse)
}

func stats() runtime.MemStats {
	runtime.GC()
	runtime.GC() // the first one may only have found what has a finalizer
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m
}
