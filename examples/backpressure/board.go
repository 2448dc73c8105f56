package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/trellis-go/trellis/deadline"
)

// An account is what the server knows of one reader. Its methods may be called
// by any number of goroutines.
type account struct {
	name string

	mu    sync.Mutex // guards what follows
	sent  int64      // messages whose Write has returned
	since time.Time  // when the Write of the next one began
	acked int64      // the last message that the reader has acknowledged, or 0
}

// begin notes that the Write of message n begins, and those before have returned.
func (a *account) begin(n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sent, a.since = n-1, time.Now()
}

// ack notes that the reader has taken message n. A reader may leave out some,
// but not go back, nor acknowledge what it cannot have got: it may well have got
// a message whose Write is still to return.
func (a *account) ack(n int64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n <= a.acked || n > a.sent+1 {
		return fmt.Errorf("message %d acknowledged, after %d, with %d sent", n, a.acked, a.sent)
	}
	a.acked = n
	return nil
}

// A row is an account at one moment, as a row of the table.
type row struct {
	name     string
	sent     int64
	buffered int64         // sent, but not yet acknowledged; -1 if the reader has never acknowledged any
	blocked  time.Duration // how long the Write that is under way has been
}

func (a *account) row() row {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := row{a.name, a.sent, -1, time.Since(a.since)}
	if a.acked > 0 {
		r.buffered = max(0, a.sent-a.acked)
	}
	return r
}

// A board has the accounts of all readers that are connected. The zero value is
// an empty board.
type board struct {
	mu       sync.Mutex // guards what follows
	accounts []*account
}

func (b *board) open(name string) *account {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := &account{name: name, since: time.Now()}
	b.accounts = append(b.accounts, a)
	return a
}

func (b *board) close(a *account) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.accounts = slices.DeleteFunc(b.accounts, func(other *account) bool { return other == a })
}

// rows returns the state of all readers, in the order of their names.
func (b *board) rows() []row {
	b.mu.Lock()
	defer b.mu.Unlock()
	var rows []row
	for _, a := range b.accounts {
		rows = append(rows, a.row())
	}
	slices.SortStableFunc(rows, func(x, y row) int { return cmp.Compare(x.name, y.name) })
	return rows
}

// show shows a line for each reader once a second, until ctx is done, which is how it is
// meant to end, or the output fails.
func (b *board) show(ctx context.Context, w io.Writer) error {
	for start := time.Now(); deadline.Sleep(ctx, time.Second) == nil; {
		for _, r := range b.rows() {
			buffered := "?"
			if r.buffered >= 0 {
				buffered = fmt.Sprint(r.buffered)
			}
			if _, err := fmt.Fprintf(w, "%5.1fs  %-15s  sent %7d  buffered %4s  blocked for %4.1fs\n",
				time.Since(start).Seconds(), r.name, r.sent, buffered, r.blocked.Seconds()); err != nil {
				return err
			}
		}
	}
	return nil
}
