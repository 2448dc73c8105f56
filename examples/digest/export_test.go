package main

import (
	"context"
	"io"
	"os"

	"github.com/trellis-go/trellis/cancelscope"
)

var (
	Main = main
	Open = open
)

// RunWith runs a command line that is right with a way to open files, and returns the exit
// code.
func RunWith(ctx context.Context, args []string, stdout, stderr io.Writer, open func(path string) (io.ReadCloser, error)) int {
	d := &digester{open: open, stdout: stdout, stderr: stderr}
	flags := d.flags()
	flags.Parse(args)
	if err := d.check(flags.Args()); err != nil {
		os.Stderr.WriteString(err.Error())
		return 2
	}
	switch err := d.run(ctx); {
	case err == nil:
		return 0
	case cancelscope.IsCancellation(ctx, err):
		return 130 // as package serve does it
	}
	return 1
}
