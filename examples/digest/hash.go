package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
)

// A file is what has been found out about one file.
type file struct {
	path string
	sum  [sha256.Size]byte
	size int64
	err  error // why it could not be read; sum and size then mean nothing
}

// blockSize is how much is read between two looks at the context.
const blockSize = 64 << 10

// blocks lends out buffers: one for each file that is being read, not one for
// each file of the tree.
var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// hash reads r to its end for the sum and the size of the file, and adds to
// hashed as it goes. If ctx is done before the end, the error is the cause of
// ctx.
func (f *file) hash(ctx context.Context, r io.Reader, hashed *atomic.Int64) error {
	block := blocks.Get().(*[blockSize]byte)
	defer blocks.Put(block)

	h := sha256.New()
	for {
		// A disk does not know about contexts, and a single file may be
		// as large as all the others together.
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, err := r.Read(block[:])
		h.Write(block[:n])
		f.size += int64(n)
		hashed.Add(int64(n))
		if err == io.EOF {
			h.Sum(f.sum[:0])
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// openRegular opens a regular file. The walk has seen that it is one, but
// something else may have taken its place since then: openFlags ensures that
// opening does not wait for the other end of a pipe.
func openRegular(path string) (io.ReadCloser, error) {
	f, err := os.OpenFile(path, openFlags, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("no longer a regular file")
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// cause returns err without the operation and the path, which the report
// writes itself.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
