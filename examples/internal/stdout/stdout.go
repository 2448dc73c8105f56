package stdout

import (
	"io"
	"io/fs"
	"os"
	"syscall"
)

// Writer returns os.Stdout. If the standard output was closed when the process began, as in
// `program >&-`, every Write to it fails instead of being lost.
func Writer() io.Writer {
	if closed() {
		return lost{}
	}
	return os.Stdout
}

type lost struct{}

func (lost) Write([]byte) (int, error) {
	return 0, &fs.PathError{Op: "write", Path: os.Stdout.Name(), Err: syscall.EBADF}
}
