//go:build unix

package serve

import (
	"os"
	"syscall"
)

// raise ends the process by a signal that has its usual effect again. It returns if the
// signal is one that does not end a process, or is caught elsewhere.
func raise(sig os.Signal) {
	if number, ok := sig.(syscall.Signal); ok {
		_ = syscall.Kill(syscall.Getpid(), number) // the process has the right to signal itself
	}
}
