package main

import (
	"context"
	"io"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

// window is how many files may be between the walk and the printing. It bounds
// the memory, whatever the size of the tree, and leaves room to continue with the
// files behind a large one, which holds up the order.
const window = 1024

// A digester hashes the files below some roots and prints them in order.
type digester struct {
	roots  []string
	open   func(path string) (io.ReadCloser, error)
	slots  *semaphore.Weighted // one for each file that is being read
	screen *screen

	// Written by print, to be read after run has returned.
	files      int64
	bytes      int64
	unreadable []file
}

func newDigester(o options, open func(string) (io.ReadCloser, error), screen *screen) *digester {
	return &digester{
		roots:  o.roots,
		open:   open,
		slots:  semaphore.NewWeighted(int64(o.jobs)),
		screen: screen,
	}
}

// run is the whole program as one nursery: a task that walks the trees, one
// for each file that is being read, and one that keeps the screen fresh. The
// nursery's body prints what they find. Run returns when all of them have
// ended; if ctx was canceled before they were through, the error is that
// cancellation.
func (d *digester) run(ctx context.Context) error {
	return nursery.Config{Name: "digest"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		queue := make(chan *nursery.Task[file], window) // closed by the walk
		n.GoNamed("walk", func(ctx context.Context) error {
			defer close(queue)
			return d.walk(ctx, n, queue)
		})

		// The screen task has no end of its own: a scope around it ends it
		// when everything is printed.
		var fresh cancelscope.Scope
		defer fresh.Cancel(nil)
		n.GoNamed("screen", func(ctx context.Context) error {
			return fresh.Run(ctx, d.screen.keepFresh)
		})

		d.print(queue)
		return nil
	})
}

// walk starts a task for every file, and puts it into the queue for the
// printing. Two things hold it back: the slots, which bound the tasks that run,
// and the queue, which bounds the results that are not printed yet.
func (d *digester) walk(ctx context.Context, n *nursery.Nursery, queue chan<- *nursery.Task[file]) error {
	return walk(ctx, d.roots, func(path string, err error) error {
		// Acquired before the task is started, not inside it, so that the
		// files are begun in order. This cannot deadlock, because no task
		// starts others while it holds a slot.
		if err := d.slots.Acquire(ctx, 1); err != nil {
			return err
		}
		task := nursery.Spawn(n, path, func(ctx context.Context) (file, error) {
			defer d.slots.Release(1)
			if err != nil {
				return file{path: path, err: err}, nil
			}
			return d.hash(ctx, path)
		})
		select {
		case queue <- task:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
}

// hash is the task of one file. That the file cannot be read is part of its
// result: as an error of the task it would cancel all the others.
func (d *digester) hash(ctx context.Context, path string) (file, error) {
	f, err := await(ctx, func() (f file, err error) {
		r, err := d.open(path)
		if err != nil {
			return f, err
		}
		defer r.Close()
		read := func() error { return f.hash(ctx, r, &d.screen.hashed) }
		// A read may wait for ever, as that of /proc/kmsg does. Most files for
		// which that is usual have deadlines, through which it is interrupted.
		if limited, ok := r.(interface{ SetDeadline(time.Time) error }); ok {
			err = deadline.Interrupt(ctx, limited, read)
		} else {
			err = read()
		}
		return f, err
	})
	if cancelscope.IsCancellation(ctx, err) {
		return file{}, err
	}
	f.path, f.err = path, err
	return f, nil
}

// print prints the files in the order of the queue. A cancellation does not
// stop it directly: it ends the walk, which closes the queue, and every task in
// the queue. So the files that were finished by then are still printed.
func (d *digester) print(queue <-chan *nursery.Task[file]) {
	for task := range queue {
		<-task.Done()
		f, err := task.Result()
		switch {
		case err != nil: // canceled half way: the nursery has the error
		case f.err != nil:
			d.unreadable = append(d.unreadable, f)
		default:
			d.files++
			d.bytes += f.size
			d.screen.add(f.line())
		}
	}
}
