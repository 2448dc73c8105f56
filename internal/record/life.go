package record

import "context"

// Link puts the node into the lists, if recording is on and it is not there, with the nodes
// around it. It does nothing once the node has ended.
//
// What is around a node that is linked is linked too, as far as the node knows it: see Orphan.
func (n *Node) Link() {
	for n != nil && n.life.Load() == made && current.Load() != nil && n.life.CompareAndSwap(made, linking) {
		link(n)
		n = n.parent.Load()
	}
}

// Orphan returns the outermost of the node and those around it that are in no list, if what is
// around that is not known, and otherwise nil. If it began while recording was off and an execution
// trace was being taken, what is around it may have begun before, without a node.
func (n *Node) Orphan() *Node {
	for n != nil && n.life.Load() == made {
		around := n.parent.Load()
		if around == nil {
			return n
		}
		n = around
	}
	return nil
}

// Adopt makes parent, which may be nil, the node around an orphan.
func (n *Node) Adopt(parent *Node) { n.parent.CompareAndSwap(nil, parent) }

// Passive makes the node one that is in no list, and that lives while nodes inside it do.
// It is called before any other code has the node.
func (n *Node) Passive() {
	n.silent = true
	n.id = newID()
	n.life.Store(linked)
}

// Expect says that the next scope that is entered in the node is the one that the node is
// about. It is called before any other code has the node.
func (n *Node) Expect() {
	n.hosts = true
	if n.block == nil {
		n.block = new(block)
	}
}

// Expects reports whether Expect has been called: then the node outlives the scope.
func (n *Node) Expects() bool { return n.hosts }

// Host makes scope the one that the node is about, if it has none, and reports whether it
// had none. It is called by the scope when it is entered.
func (n *Node) Host(scope Reporter) bool { return n.block.scope.set(scope) }

// Hosted returns the scope that the node is about, nil if there is none.
func (n *Node) Hosted() Reporter {
	if n.block == nil {
		return nil
	}
	r, _ := n.block.scope.get()
	return r
}

// Count makes c what the node is asked for how many tasks it has.
func (n *Node) Count(c Counter) { n.block.counter.set(c) }

// Become changes the kind.
func (n *Node) Become(kind Kind) { n.kind.Store(uint32(kind)) }

// Put makes parent the node around this one, which is about a pending start that has moved.
func (n *Node) Put(parent *Node) {
	n.parent.Store(parent)
	n.block.into.Store(nil)
}

// Older reports whether the node began while recording was off.
func (n *Node) Older() bool { return n.start.Load() == 0 }

// Parent returns the node around this one.
func (n *Node) Parent() *Node { return n.parent.Load() }

// Bound says that the node is to move to nursery.
func (n *Node) Bound(nursery *Node) { n.block.into.Store(nursery) }

// BodyEnded notes that the body of a nursery has ended.
func (n *Node) BodyEnded() { n.block.over.Store(now()) }

// Begin notes that a worker runs an item with that index, or does one of the other things
// that have a number. It is called by the worker.
func (n *Node) Begin(item int) {
	n.start.Store(now())
	n.item.Store(int64(item))
}

// End takes the node out of the lists, and ends what Enter began. A second call does
// nothing. It is called by the goroutine that has called Enter, if any.
func (n *Node) End() {
	n.leave()
	for {
		switch life := n.life.Load(); {
		case life == linked && n.life.CompareAndSwap(linked, ended):
			unlink(n)
			return
		case life < linked && n.life.CompareAndSwap(life, dropped):
			return
		case life > linked:
			return
		}
	}
}

// Enter is called by the goroutine of a task before the task runs, or of a nursery
// before its body does. End must be called by the same goroutine.
func (n *Node) Enter() {
	n.enterTrace()
	r := current.Load()
	if r == nil || r.labels == nil {
		return
	}
	n.goid.Store(goroutineID())
	n.enterLabels(r.labels)
}

// EnterContext is Enter if ctx is a node, and does nothing otherwise.
func EnterContext(ctx context.Context) {
	if n, ok := ctx.(*Node); ok {
		n.Enter()
	}
}

// EndContext is End if ctx is a node, and does nothing otherwise.
func EndContext(ctx context.Context) {
	if n, ok := ctx.(*Node); ok {
		n.End()
	}
}
