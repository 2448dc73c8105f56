package nursery

// What keeps a nursery open is counted in one word, Nursery.shares, which has four
// fields: the number of ordinary tasks and pending Starts, a bit for the body, a bit
// that says that the nursery is open, and the number of background tasks.
//
// Invariant: without openBit the nursery is closed for good, and a share that is added
// then is taken back and counts nowhere. A count of zero does not mean closed: a
// goroutine outside the nursery may call TryGo between the last decrement and the
// CompareAndSwap that takes openBit away. Then the swap fails, and that goroutine's task
// closes the nursery later.
const (
	taskShare       = 1
	bodyBit         = 1 << 31
	openBit         = 1 << 32
	backgroundShare = 1 << 33

	taskMask = bodyBit - 1 // up to 2,147,483,647 tasks; as many background tasks
)

// enter adds a share, and reports whether the nursery was open. The count must not order
// the caller behind all tasks that have ended: see apart.go.
func (n *Nursery) enter(share int64) bool {
	hideOrder()
	shares := n.shares.Add(share)
	showOrder()
	if shares&openBit == 0 {
		n.shares.Add(-share)
		return false
	}
	return true
}

// exit takes a share away.
func (n *Nursery) exit(share int64) {
	left := n.shares.Add(-share)
	switch {
	case left == openBit:
		if n.shares.CompareAndSwap(openBit, 0) {
			n.parked.Done()
		}
	case left&(taskMask|bodyBit) == 0:
		n.cancelBackground() // only background tasks are left
	}
}

// wait takes the share of the body away and returns when the nursery has closed. It may
// be called again after that.
func (n *Nursery) wait() {
	if n.shares.CompareAndSwap(openBit+bodyBit, 0) {
		return
	}
	if n.shares.Load()&bodyBit == 0 {
		return // a second call
	}
	n.parked.Add(1)
	left := n.shares.Add(-bodyBit)
	switch {
	case left == openBit:
		if n.shares.CompareAndSwap(openBit, 0) {
			return // no task has called parked.Done, and none will
		}
	case left&taskMask == 0:
		n.cancelBackground()
	}
	n.parked.Wait()
}

// Running returns how many tasks of the nursery have not ended yet, counting background
// tasks and tasks that are being started by [Start], and not counting the body.
func (n *Nursery) Running() int {
	shares := n.shares.Load()
	if shares&openBit == 0 {
		return 0
	}
	return int(shares&taskMask + shares/backgroundShare)
}
