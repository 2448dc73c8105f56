package main

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// moment is how long a Write may take before it counts as blocked. Less
	// than that may be the scheduler's doing.
	moment = 50 * time.Millisecond

	// endedRows is how many readers that have ended the board remembers. It
	// bounds the memory of a server that runs for long.
	endedRows = 16
)

// A row is the state of one connection at one moment.
type row struct {
	name     string
	sent     int64
	buffered int64         // sent, but not yet acknowledged; -1 if the reader does not acknowledge
	blocked  time.Duration // how long the Write that is under way has been
	longest  time.Duration // the longest that a Write has ever been
	end      string        // how the connection has ended; empty while it has not
}

// An account is what the server knows of one reader. Its methods may be called
// by any number of goroutines.
type account struct {
	name string

	mu      sync.Mutex // guards what follows
	sent    int64      // messages whose Write has returned
	acked   int64      // the last message that the reader has acknowledged, or 0
	writing time.Time  // when the Write that is under way began; zero if there is none
	longest time.Duration
	end     string
}

// begin notes that a Write begins.
func (a *account) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.writing = time.Now()
}

// done notes that the Write has succeeded.
func (a *account) done() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sent++
	a.longest = max(a.longest, a.blockedLocked())
	a.writing = time.Time{}
}

// ack notes that the reader has taken message number n. A reader may leave out
// some, but not go back, nor acknowledge what it cannot have got.
func (a *account) ack(n int64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	sent := a.sent
	if !a.writing.IsZero() {
		sent++ // it may have got the message before Write returns here
	}
	if n <= a.acked || n > sent {
		return fmt.Errorf("message %d acknowledged, after %d, when %d had been sent", n, a.acked, sent)
	}
	a.acked = n
	return nil
}

// acknowledges reports whether the reader has ever acknowledged a message.
func (a *account) acknowledges() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.acked > 0
}

// blockedLocked returns how long the Write that is under way has been.
func (a *account) blockedLocked() time.Duration {
	if a.writing.IsZero() {
		return 0
	}
	return time.Since(a.writing)
}

// close notes how the connection has ended.
func (a *account) close(end string) row {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.longest = max(a.longest, a.blockedLocked())
	a.writing = time.Time{}
	a.end = end
	return a.rowLocked()
}

func (a *account) row() row {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.rowLocked()
}

func (a *account) rowLocked() row {
	r := row{name: a.name, sent: a.sent, buffered: -1, blocked: a.blockedLocked(), longest: a.longest, end: a.end}
	if a.acked > 0 {
		r.buffered = max(0, a.sent-a.acked)
	}
	return r
}

// A board has the accounts of all readers, in the order in which they came. The
// zero value is an empty board.
type board struct {
	mu       sync.Mutex // guards what follows
	accounts []*account
	opened   int // how many there have ever been
	ended    int // how many of accounts have ended
	gone     int // how many are no longer kept
}

// open adds an account. A reader without a name gets one.
func (b *board) open(name string) *account {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opened++
	if name == "" {
		name = fmt.Sprintf("reader %d", b.opened)
	}
	a := &account{name: name}
	b.accounts = append(b.accounts, a)
	return a
}

// close notes how the connection of a has ended, and returns its last state. If
// there are many that have ended, the board forgets the first of them.
func (b *board) close(a *account, end string) row {
	b.mu.Lock()
	defer b.mu.Unlock()
	last := a.close(end)
	b.ended++
	if b.ended > endedRows {
		first := slices.IndexFunc(b.accounts, func(a *account) bool { return a.row().end != "" })
		b.accounts = slices.Delete(b.accounts, first, first+1)
		b.ended--
		b.gone++
	}
	return last
}

// rows returns the state of the readers, and how many are not among them
// because they ended long ago.
func (b *board) rows() (rows []row, gone int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.accounts {
		rows = append(rows, a.row())
	}
	return rows, b.gone
}
