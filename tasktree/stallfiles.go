package tasktree

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"
)

// write writes the files about a stall, if there are to be any.
func (w *watcher) write(s *Stall) {
	if w.o.Dir == "" || w.files >= w.o.Files {
		return
	}
	w.files++
	base := fmt.Sprintf("stall-%s-%d", s.Noticed.UTC().Format("20060102T150405.000"), s.Node.ID)
	add := func(ending string, content func(io.Writer) error) {
		name := filepath.Join(w.o.Dir, base+ending)
		if err := writeFile(name, content); err != nil {
			s.FilesErr = errors.Join(s.FilesErr, err)
			return
		}
		s.Files = append(s.Files, name)
	}
	// What Flight holds is overwritten soon, so it is first.
	if flight := w.o.Flight; flight != nil {
		add(".trace", func(f io.Writer) error {
			_, err := flight.WriteTo(f)
			return err
		})
	}
	add(".goroutine.pb.gz", func(f io.Writer) error { return pprof.Lookup("goroutine").WriteTo(f, 0) })
	add(".tree.txt", func(f io.Writer) error { return s.Tree.WriteText(f, 120) })
}

// writeFile writes a file that only the user of the process may read, because names and
// stacks may be confidential. A file that cannot be completed is removed.
func writeFile(name string, content func(io.Writer) error) (err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			os.Remove(name)
			err = fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
	}()
	return content(f)
}
