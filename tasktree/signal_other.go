//go:build !unix

package tasktree

import "os"

// signals are those that OnSignal waits for.
var signals []os.Signal
