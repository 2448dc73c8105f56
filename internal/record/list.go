package record

import (
	"math/rand/v2"
	"sync"
)

// The nodes that live are in lists, one for each shard, so that tasks that start and end
// at the same time do not wait for each other, and a task waits at most for a reader that
// copies one list. Which shard a node is in says nothing about it.
//
// In builds with the race detector, the locks of the lists must not order tasks that have
// nothing to do with each other: races of the program would be hidden by its being
// recorded. So the detector does not see the locks, and not what they guard. What a reader
// reads of a node besides is atomic, or was written before the node's life was stored,
// which the reader loads.

// shards is how many lists there are, a power of two: with a million nodes each has 2,000,
// and a reader that copies one holds its lock for less than half a millisecond.
const shards = 512

type shard struct {
	mu    sync.Mutex
	first *Node  // guarded by mu
	count int    // guarded by mu
	last  uint64 // guarded by mu; the number of the last node
	_     [88]byte
}

var lists [shards]shard

// link puts n into a list, unless it has ended. It is called once for a node.
//
//go:norace
func link(n *Node) {
	at := rand.Uint64() % shards
	s := &lists[at]
	hideOrder()
	s.mu.Lock()
	s.last++
	n.id = s.last*shards + at
	showOrder()
	whileLinking()
	ok := n.life.CompareAndSwap(linking, linked) // under the lock: unlink waits for what follows
	hideOrder()
	if ok {
		n.next = s.first
		if n.next != nil {
			n.next.prev = n
		}
		s.first = n
		s.count++
	}
	s.mu.Unlock()
	showOrder()
}

// whileLinking is called, with the lock of a list held, before a node is put into it. Tests
// replace it.
var whileLinking = func() {}

// newID returns a number for a node that is in no list.
//
//go:norace
func newID() uint64 {
	at := rand.Uint64() % shards
	s := &lists[at]
	hideOrder()
	s.mu.Lock()
	s.last++
	id := s.last*shards + at
	s.mu.Unlock()
	showOrder()
	return id
}

// unlink takes n out of its list.
//
//go:norace
func unlink(n *Node) {
	s := &lists[n.id%shards]
	hideOrder()
	s.mu.Lock()
	if n.prev != nil {
		n.prev.next = n.next
	} else {
		s.first = n.next
	}
	if n.next != nil {
		n.next.prev = n.prev
	}
	n.next, n.prev = nil, nil
	s.count--
	s.mu.Unlock()
	showOrder()
}

// appendTo appends the nodes of the shard to all.
//
//go:norace
func (s *shard) appendTo(all []*Node) []*Node {
	if free := cap(all) - len(all); free < s.size()+64 {
		grown := make([]*Node, len(all), 2*(len(all)+s.size()+64))
		copy(grown, all)
		all = grown
	}
	hideOrder()
	s.mu.Lock()
	for n := s.first; n != nil; n = n.next {
		all = append(all, n)
	}
	s.mu.Unlock()
	showOrder()
	return all
}

//go:norace
func (s *shard) size() int {
	hideOrder()
	s.mu.Lock()
	count := s.count
	s.mu.Unlock()
	showOrder()
	return count
}

// All returns the nodes that live. Nodes that come or go meanwhile may or may not be there.
func All() []*Node {
	var all []*Node
	for i := range lists {
		all = lists[i].appendTo(all)
	}
	live := all[:0]
	for _, n := range all {
		if n.Lives() {
			live = append(live, n)
		}
	}
	clear(all[len(live):])
	return withSilent(live)
}

// withSilent adds the nodes that are in no list.
func withSilent(live []*Node) []*Node {
	seen := make(map[*Node]bool)
	for _, n := range live { // not those that are added: they have been followed upward
		for p := n.parent.Load(); p != nil && (p.silent || !p.Lives()); p = p.parent.Load() {
			if p.silent && !seen[p] {
				seen[p] = true
				live = append(live, p)
			}
		}
	}
	return live
}
