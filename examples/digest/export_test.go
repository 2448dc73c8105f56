package main

import (
	"context"
	"io"
)

const Window = window

var (
	Main        = main
	Run         = run
	OpenRegular = openRegular
	ByteCount   = byteCount
)

// RunWith is Run with another way to open files.
func RunWith(ctx context.Context, args []string, stdout, stderr io.Writer, open func(path string) (io.ReadCloser, error)) int {
	p := &program{stdout: stdout, stderr: stderr, open: open}
	return p.run(ctx, args)
}
