package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/trellis-go/trellis/deadline"
)

// A file is what has been found out about one file.
type file struct {
	path string
	sum  [sha256.Size]byte
	size int64
	err  error // why it could not be read; sum and size then mean nothing
}

var errSpecial = errors.New("neither a regular file nor a directory")

// files is the sequence of the regular files below the roots, in the order of the names,
// and of what cannot be read, with the error. Links are not followed.
func files(roots []string) iter.Seq[file] {
	return func(yield func(file) bool) {
		for _, root := range roots {
			more := true
			filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
				switch {
				case err != nil:
					more = yield(file{path: path, err: err})
				case d.Type().IsRegular():
					more = yield(file{path: path})
				case path == root && !d.IsDir():
					more = yield(file{path: path, err: errSpecial}) // it was named, so it is not skipped in silence
				}
				if !more {
					return fs.SkipAll
				}
				return nil
			})
			if !more {
				return
			}
		}
	}
}

// open opens a file that the walk has found.
func open(path string) (io.ReadCloser, error) { return os.Open(path) }

// hash reads r to its end, for the sum and the size of the file. If ctx is done before
// that, the error is the cause of ctx.
func (f *file) hash(ctx context.Context, r io.Reader) error {
	h := sha256.New()
	read := func() (err error) {
		f.size, err = io.Copy(h, contextReader{ctx, r})
		return err
	}
	// A read may wait for ever, as that of /proc/kmsg does. Most files for which that is
	// usual have deadlines, through which it is interrupted.
	if d, ok := r.(interface{ SetDeadline(time.Time) error }); ok {
		if err := deadline.Interrupt(ctx, d, read); err != nil {
			return err
		}
	} else if err := read(); err != nil {
		return err
	}
	h.Sum(f.sum[:0])
	return nil
}

// A contextReader looks at a context before each read: a disk does not know about
// contexts, and a single file may be as large as all the others together.
type contextReader struct {
	ctx context.Context
	io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.Reader.Read(p)
}
