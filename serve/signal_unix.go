//go:build unix

package serve

import (
	"os"
	"syscall"
	"time"
)

// raise ends the process by a signal that has its usual effect again. If that does not end
// it, because the process was started with the signal ignored, as by a script in the
// background, or because the signal is caught elsewhere, it exits with the code that stands
// for the signal.
func raise(sig os.Signal) {
	if number, ok := sig.(syscall.Signal); ok {
		_ = syscall.Kill(syscall.Getpid(), number) // the process has the right to signal itself
		<-time.After(raiseTime)
	}
	os.Exit(ExitCode(&CutError{Signal: sig}))
}

// raiseTime is how long a signal may take to end the process.
const raiseTime = 100 * time.Millisecond
