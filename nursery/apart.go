package nursery

import "context"

// In builds with the race detector every item has a goroutine of its own: see
// [worker.apart]. The detector reports two accesses to a variable only if nothing orders
// them, and what one goroutine does is always ordered: two items that both do x++ are
// a data race, but one that stays unseen as long as the same worker runs them. For the
// same reason nothing that the worker does may order the items that it starts one after
// another. hideOrder and showOrder ensure that: between them the detector ignores
// synchronization in the calling goroutine.
//
// With a limit of 1 the items are ordered, as documented, and nothing is hidden.

// apart runs an item in a goroutine of its own, and returns when it has ended. It is
// called in builds with the race detector in place of run.
func (w *worker) apart(index int, ordered bool, run func(ctx context.Context) error) {
	n := w.n
	ended := make(chan struct{})
	n.enter(taskShare)
	go func() {
		defer n.exit(taskShare) // makes what the item did visible to the caller of Run
		defer func() {
			if !ordered {
				hideOrder()
				defer showOrder()
			}
			close(ended)
		}()
		one := worker{n: n, fn: w.fn, item: index}
		defer one.end()
		if err := run(w.ctx); err != nil {
			one.failed(err)
		}
		one.returned = true
	}()
	if !ordered {
		hideOrder()
		defer showOrder()
	}
	<-ended
}
