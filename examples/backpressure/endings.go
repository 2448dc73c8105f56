package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// endings notes how long after the cancellation each reader has ended.
type endings struct {
	mu    sync.Mutex // guards what follows
	since time.Time  // when the cancellation came, or was first noticed
	late  []late
}

type late struct {
	reader *reader
	after  time.Duration
}

// watch runs work, and notes when ctx is canceled meanwhile.
func (e *endings) watch(ctx context.Context, work func() error) error {
	defer context.AfterFunc(ctx, e.canceled)()
	return work()
}

func (e *endings) canceled() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.canceledLocked()
}

func (e *endings) canceledLocked() {
	if e.since.IsZero() {
		e.since = time.Now()
	}
}

// add notes that the task of r, whose context is ctx, ends now.
func (e *endings) add(ctx context.Context, r *reader) {
	if ctx.Err() == nil {
		return // by itself
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.canceledLocked() // watch may not have got there yet
	e.late = append(e.late, late{r, time.Since(e.since)})
}

// summary says when the readers ended.
func (e *endings) summary() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.late) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("Canceled, the tasks of the readers ended after\n")
	for _, l := range e.late {
		fmt.Fprintf(&b, "%12s  %-10s %s\n", milliseconds(l.after), l.reader.name, l.reader.pauses())
	}
	return b.String()
}

// pauses says how the reader spends its time, for the summary.
func (r *reader) pauses() string {
	switch {
	case r.then == endStop && r.taken.Load() == r.take:
		return "waits for its context"
	case r.every == 0:
		return "does not pause"
	case r.block:
		return "pauses with time.Sleep"
	}
	return "pauses with deadline.Sleep"
}
