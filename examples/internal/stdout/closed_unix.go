//go:build unix

package stdout

import (
	"os"

	"golang.org/x/sys/unix"
)

// closed reports whether the standard output was closed when the process began.
//
// The Go runtime opens the null device in its place, for reading and writing, so that
// no other file gets its number. What a program writes would be lost without an error.
// A shell's >/dev/null, and package os/exec, open the null device for writing only. A parent
// that opens it for both, as Python's subprocess.DEVNULL does, cannot be distinguished from the runtime.
func closed() bool {
	flags, err := unix.FcntlInt(os.Stdout.Fd(), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_ACCMODE != unix.O_RDWR {
		return false
	}
	out, err1 := os.Stdout.Stat()
	null, err2 := os.Stat(os.DevNull)
	return err1 == nil && err2 == nil && os.SameFile(out, null)
}
