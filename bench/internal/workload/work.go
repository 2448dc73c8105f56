package workload

import "time"

// nothing is work that leaves only the cost of the task.
func nothing() {}

// spin returns work of about d. It looks at the clock instead of counting, so that it
// takes as long on every machine.
func spin(d time.Duration) func() {
	return func() {
		for start := time.Now(); time.Since(start) < d; {
		}
	}
}

// deep is work that needs about 12 KiB of stack, which a goroutine has to grow to.
func deep() { deeper(10) }

func deeper(levels int) byte {
	var frame [1024]byte
	if levels == 0 {
		return frame[0]
	}
	frame[levels] = deeper(levels - 1)
	return frame[levels/2]
}
