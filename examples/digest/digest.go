package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync/atomic"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

// A digester is one run of the program, with the world it runs in, which tests replace.
type digester struct {
	options
	open           func(path string) (io.ReadCloser, error)
	stdout, stderr io.Writer

	files, bytes atomic.Int64 // hashed so far
	unreadable   int
	unfinished   bool // some file was cut short
}

// run prints the digests, and then a line that says why it stopped. The error is nil if
// every file was hashed.
func (d *digester) run(ctx context.Context) error {
	start := time.Now()
	var end time.Time // the zero time is no deadline
	if d.timeout > 0 {
		end = start.Add(d.timeout)
	}
	expired, err := deadline.MoveOnAt(ctx, end, d.print)
	// No task is left from here on, whatever has happened.
	why := "done"
	switch {
	case cancelscope.IsCancellation(ctx, err):
		why = "interrupted"
	case err != nil:
		why = err.Error()
	case expired:
		why = fmt.Sprintf("stopped by the time limit of %v", d.timeout)
		err = errors.New(why)
	case d.unreadable > 0:
		err = fmt.Errorf("%d unreadable", d.unreadable)
		why += ", " + err.Error()
	}
	fmt.Fprintf(d.stderr, "digest: %s: %v in %v\n", why, d, time.Since(start).Round(time.Millisecond))
	return err
}

// print prints the digests in the order of the files: so many are hashed at a time, and
// the results come in order. When ctx is done the loop ends with what has been hashed
// until then.
func (d *digester) print(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		if d.progress > 0 {
			n.Background("progress", d.report) // ends by itself, after everything else
		}
		for f, err := range nursery.MapSeq(ctx, d.jobs, files(d.roots), d.hash) {
			if err != nil {
				return err
			}
			if err := d.printFile(ctx, f); err != nil {
				return err // ends the loop, and what is being hashed for it
			}
		}
		if d.unfinished {
			return context.Cause(ctx)
		}
		return nil
	})
}

// hash is called for every file. That a file cannot be read is its result, and so is that
// the time was up: as an error it would cancel the others, and end the loop before the
// files behind this one that are finished.
func (d *digester) hash(ctx context.Context, f file) (file, error) {
	if f.err != nil {
		return f, nil
	}
	r, err := d.open(f.path)
	if err == nil {
		err = f.hash(ctx, r)
		r.Close()
	}
	f.err = err
	return f, nil
}

func (d *digester) printFile(ctx context.Context, f file) error {
	switch {
	case f.err == nil:
		if _, err := io.WriteString(d.stdout, f.line()); err != nil {
			return err
		}
		d.files.Add(1)
		d.bytes.Add(f.size)
	case cancelscope.IsCancellation(ctx, f.err):
		d.unfinished = true
	default:
		d.unreadable++
		err := f.err
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			err = e.Err // the line has the path already
		}
		fmt.Fprintf(d.stderr, "digest: %q: %v\n", f.path, err)
	}
	return nil
}

// report is the task that says how far the program is.
func (d *digester) report(ctx context.Context) error {
	for deadline.Sleep(ctx, d.progress) == nil {
		fmt.Fprintf(d.stderr, "digest: %v so far\n", d)
	}
	return nil
}

func (d *digester) String() string {
	return fmt.Sprintf("%d files, %d bytes", d.files.Load(), d.bytes.Load())
}

var escaper = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`)

// line returns the line that sha256sum prints: every file is one line, and a name with
// escapes is marked by a backslash before the digest.
func (f file) line() string {
	name, mark := escaper.Replace(f.path), ""
	if name != f.path {
		mark = `\`
	}
	return mark + hex.EncodeToString(f.sum[:]) + "  " + name + "\n"
}
