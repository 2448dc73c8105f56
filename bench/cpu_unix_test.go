//go:build unix

package bench_test

import (
	"syscall"
	"time"
)

// processCPU returns the time for which processors have worked for this process.
func processCPU() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
