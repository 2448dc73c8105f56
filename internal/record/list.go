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

// shards is how many lists there are, a power of two.
const shards = 512

// A shard has one list. It is a slice, and each node knows its place there, because a reader
// copies a slice of 2,000 nodes, of a million in all, in microseconds. To follow pointers from
// node to node takes a thousand times as long, and with the lock held.
type shard struct {
	mu    sync.Mutex
	nodes []*Node // guarded by mu
	last  uint64  // guarded by mu; the number of the last node
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
		n.at = len(s.nodes)
		s.nodes = append(s.nodes, n)
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

// leastRoom is how many nodes a list has room for, once it has had as many, also if there are
// fewer. A list that was longer gives back memory.
const leastRoom = 64

// unlink takes n out of its list.
//
//go:norace
func unlink(n *Node) {
	s := &lists[n.id%shards]
	hideOrder()
	s.mu.Lock()
	count := len(s.nodes) - 1
	last := s.nodes[count]
	s.nodes[n.at] = last
	last.at = n.at
	s.nodes[count] = nil
	s.nodes = s.nodes[:count]
	if cap(s.nodes) > leastRoom && count < cap(s.nodes)/4 {
		s.nodes = append(make([]*Node, 0, cap(s.nodes)/2), s.nodes...)
	}
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
	all = append(all, s.nodes...)
	s.mu.Unlock()
	showOrder()
	return all
}

//go:norace
func (s *shard) size() int {
	hideOrder()
	s.mu.Lock()
	count := len(s.nodes)
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
