package main

import (
	"context"
	"errors"
	"os"

	"github.com/trellis-go/trellis/cancelscope"
)

var (
	errLink    = errors.New("a symbolic link, which is not followed")
	errSpecial = errors.New("neither a regular file nor a directory")
)

// walk calls visit with the path of every regular file below the roots, in
// the order of the names, a directory's files where its name stands; and with
// a path and an error for what cannot be walked. It stops at the first error
// of visit, and when ctx is done, and returns that error or the cause of ctx.
//
// It holds the names of one directory for each level at which it is.
// Directories are not remembered: a root inside another one is walked twice.
func walk(ctx context.Context, roots []string, visit func(path string, err error) error) error {
	for _, root := range roots {
		if err := walkRoot(ctx, root, visit); err != nil {
			return err
		}
	}
	return nil
}

// walkRoot walks a path that was named on the command line: unlike one that
// was found in a directory it must not be skipped without a word.
func walkRoot(ctx context.Context, root string, visit func(string, error) error) error {
	info, err := await(ctx, func() (os.FileInfo, error) { return os.Lstat(root) })
	switch {
	case cancelscope.IsCancellation(ctx, err):
		return err
	case err != nil:
		return visit(root, err)
	case info.IsDir():
		return walkDir(ctx, root, visit)
	case info.Mode().IsRegular():
		return visit(root, nil)
	case info.Mode()&os.ModeSymlink != 0:
		return visit(root, errLink)
	default:
		return visit(root, errSpecial)
	}
}

func walkDir(ctx context.Context, dir string, visit func(string, error) error) error {
	entries, err := await(ctx, func() ([]os.DirEntry, error) { return os.ReadDir(dir) })
	if cancelscope.IsCancellation(ctx, err) {
		return err
	}
	if err != nil {
		if err := visit(dir, err); err != nil {
			return err
		}
	}
	for _, e := range entries { // also after an error: those that could be read
		path := join(dir, e.Name())
		var err error
		switch {
		case e.IsDir():
			err = walkDir(ctx, path, visit)
		case e.Type().IsRegular():
			err = visit(path, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// join is not [path/filepath.Join], which makes "name" of "./name": a file
// called "-" would then be printed as what means standard input elsewhere.
func join(dir, name string) string {
	if os.IsPathSeparator(dir[len(dir)-1]) {
		return dir + name
	}
	return dir + string(os.PathSeparator) + name
}
