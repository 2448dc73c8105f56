//go:build !unix

package bench_test

import "time"

// processCPU returns 0 where the standard library does not have it; the benchmarks
// then report no such time.
func processCPU() time.Duration { return 0 }
