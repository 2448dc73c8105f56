//go:build unix

package tasktree

import (
	"os"
	"syscall"
)

// signals are those that OnSignal waits for.
var signals = []os.Signal{syscall.SIGUSR1}
