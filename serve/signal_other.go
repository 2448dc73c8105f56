//go:build !unix

package serve

import "os"

// raise ends the process with the exit code that stands for a signal, since a process
// cannot send itself one here.
func raise(sig os.Signal) { os.Exit(ExitCode(&CutError{Signal: sig})) }
