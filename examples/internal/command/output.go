package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"

	"golang.org/x/term"
)

// Stdout returns the standard output of the process. If it was closed when the process
// began, as in `program >&-`, every Write fails.
func Stdout() io.Writer {
	if stdoutClosed() {
		return closedOutput{}
	}
	return os.Stdout
}

type closedOutput struct{}

func (closedOutput) Write([]byte) (int, error) {
	return 0, &fs.PathError{Op: "write", Path: os.Stdout.Name(), Err: syscall.EBADF}
}

// Lost says why the standard output of a program could not be written, and returns the
// exit code for that. If its reader has gone, as in `program | head`, Lost says
// nothing: the reader had enough.
func Lost(name string, err error, stderr io.Writer) int {
	if errors.Is(err, syscall.EPIPE) {
		return ExitPipe
	}
	fmt.Fprintf(stderr, "%s: %v\n", name, err)
	return ExitFailed
}

// An Output is a standard output that keeps its first error, after which nothing is
// written any more. Its methods may be called by any number of goroutines.
type Output struct {
	io.Writer
	failed func(error)

	mu  sync.Mutex
	err error // guarded by mu
}

// NewOutput returns an Output to w that calls failed with the first error, or nothing
// if failed is nil.
func NewOutput(w io.Writer, failed func(error)) *Output {
	return &Output{Writer: w, failed: failed}
}

// Write writes p, or returns the first error.
func (o *Output) Write(p []byte) (n int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return 0, o.err
	}
	n, o.err = o.Writer.Write(p)
	if o.err != nil && o.failed != nil {
		o.failed(o.err)
	}
	return n, o.err
}

// Err returns the first error.
func (o *Output) Err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// Terminal returns the file behind w if it is a terminal that can move its cursor, and
// nil otherwise.
func Terminal(w io.Writer) *os.File {
	if o, ok := w.(*Output); ok {
		w = o.Writer
	}
	f, ok := w.(*os.File)
	if ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		return f
	}
	return nil
}
