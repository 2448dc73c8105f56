package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// An outcome is how an accepted request has ended.
type outcome int

const (
	handled outcome = iota
	failed
	givenUp  // by its client alone
	canceled // at work, with the group
	unbegun  // still in the channel when the group had ended
)

var outcomes = [...]string{"handled", "failed", "given up by the client", "canceled at work", "canceled before they began"}

// A ledger has an entry for every request that was accepted and one for how
// it ended. Any number of goroutines may write to it.
type ledger struct {
	mu       sync.Mutex
	accepted []request
	ended    map[request]outcome
	twice    []request // ended more than once
}

func newLedger() *ledger { return &ledger{ended: make(map[request]outcome)} }

// accept enters that the producer has been told that its request is taken. It
// may have ended already.
func (l *ledger) accept(r request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accepted = append(l.accepted, r)
}

// end enters how a request ended.
func (l *ledger) end(r request, how outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.ended[r]; ok {
		l.twice = append(l.twice, r)
	}
	l.ended[r] = how
}

// count returns how many requests ended in that way.
func (l *ledger) count(how outcome) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, o := range l.ended {
		if o == how {
			n++
		}
	}
	return n
}

// balance returns an error unless every accepted request has ended once, and
// nothing else has.
func (l *ledger) balance() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	lost, unknown := []request{}, maps.Clone(l.ended)
	for _, r := range l.accepted {
		if _, ok := l.ended[r]; !ok {
			lost = append(lost, r)
		}
		delete(unknown, r)
	}
	if len(lost)+len(l.twice)+len(unknown) == 0 {
		return nil
	}
	return fmt.Errorf("requests lost: %v; ended twice: %v; never accepted: %v",
		lost, l.twice, slices.Sorted(maps.Keys(unknown)))
}

// String returns the counts, in the form of the equation that must hold.
func (l *ledger) String() string {
	var terms []string
	for how, name := range outcomes {
		if n := l.count(outcome(how)); n > 0 {
			terms = append(terms, fmt.Sprintf("%d %s", n, name))
		}
	}
	if terms == nil {
		terms = []string{"0"}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("%d accepted = %s", len(l.accepted), strings.Join(terms, " + "))
}
