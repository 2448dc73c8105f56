package tasktree

import "io"

// OnSignal writes the tree to w as text each time the process receives SIGUSR1, until stop
// is called, which returns when nothing is written any more. On systems without that
// signal it does nothing.
func OnSignal(w io.Writer) (stop func()) { return func() {} }
