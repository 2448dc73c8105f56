package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/examples/internal/command"
)

// A program is digest with the world it runs in, which tests replace.
type program struct {
	stdout, stderr io.Writer
	open           func(path string) (io.ReadCloser, error)
}

// run executes one command line and returns the exit code. Canceling ctx is
// the interruption: run then returns as soon as its tasks have ended.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	p := &program{stdout: stdout, stderr: stderr, open: openRegular}
	return p.run(ctx, args)
}

func (p *program) run(ctx context.Context, args []string) int {
	o, code, ends := commandLine.Parse(args, p.stdout, p.stderr)
	if ends {
		return code
	}

	start := time.Now()
	screen := newScreen(p.stdout, p.stderr)
	d := newDigester(o, p.open, screen)

	var end time.Time // the zero time is no deadline
	if o.timeout > 0 {
		end = start.Add(o.timeout)
	}
	expired, err := deadline.MoveOnAt(ctx, end, d.run)
	// No task is left from here on, whatever has happened.
	writeErr := screen.close()

	why, code := "done", command.ExitOK
	switch {
	case errors.Is(writeErr, syscall.EPIPE):
		return command.ExitPipe // the reader had enough: nothing to complain about
	case writeErr != nil:
		why, code = writeErr.Error(), command.ExitFailed
	case cancelscope.IsCancellation(ctx, err):
		why, code = fmt.Sprintf("interrupted (%v)", context.Cause(ctx)), command.ExitInterrupted
	case err != nil:
		why, code = err.Error(), command.ExitFailed
	case expired:
		why, code = fmt.Sprintf("stopped by the time limit of %v", o.timeout), exitTimeout
	case len(d.unreadable) > 0:
		code = command.ExitFailed
	}
	p.report(d, why, time.Since(start))
	return code
}

// report lists what could not be read, and ends with the line that says what
// happened.
func (p *program) report(d *digester, why string, took time.Duration) {
	for _, f := range d.unreadable {
		fmt.Fprintf(p.stderr, "digest: %s: %v\n", printable(f.path), cause(f.err))
	}
	also := ""
	if n := len(d.unreadable); n > 0 {
		also = fmt.Sprintf(", %d unreadable", n)
	}
	fmt.Fprintf(p.stderr, "digest: %s: %s, %s in %v%s\n",
		why, plural(d.files, "file"), byteCount(d.bytes), took.Round(time.Millisecond), also)
}
