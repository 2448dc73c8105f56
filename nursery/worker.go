package nursery

import (
	"context"
	"strconv"

	"github.com/trellis-go/trellis/internal/record"
)

// A worker is a goroutine that runs items of a nursery one after another. Nothing is
// deferred for a single item: one that panics or exits ends the worker.
//
// It is used by its own goroutine only.
type worker struct {
	n        *Nursery
	ctx      context.Context            // of the nursery, or the node of the worker
	fn       any                        // the function that the items are given to
	src      interface{ label() label } // what the worker pulls items from, if it does
	item     int                        // the index of the item that runs, or theSource
	returned bool                       // set when the worker ends by itself
}

// theSource stands for an index while the worker pulls.
const theSource = record.Source

// newWorker returns the worker of the calling goroutine. supply is what its source is
// called, if it has one.
func (n *Nursery) newWorker(fn any, supply string) worker {
	return worker{n: n, ctx: n.inWorkerNode(fn, supply), fn: fn}
}

// begin notes which item the worker runs, or that it pulls.
func (w *worker) begin(index int) {
	w.item = index
	if node, ok := w.ctx.(*record.Node); ok {
		node.Begin(index)
	}
}

// rest notes that the worker waits for an item.
func (w *worker) rest() {
	if node, ok := w.ctx.(*record.Node); ok {
		node.Begin(record.Idle)
	}
}

// exit is deferred by the goroutine of the worker, and is the last that it does.
func (w *worker) exit() { w.n.exitNode(w.ctx, taskShare) }

// end is deferred by the goroutine of the worker. It takes the end of the item that ended
// the worker, or of the source, on top of the stack of the panic if there is one.
func (w *worker) end() {
	if !w.returned {
		w.n.endAbnormally(w.label(w.item), recover(), nil)
	}
}

// failed takes the error of the item that runs.
func (w *worker) failed(err error) { w.n.endWithError(w.label(w.item), err, nil) }

// label names the item with that index, or the source.
func (w *worker) label(index int) label {
	if index == theSource {
		return w.src.label()
	}
	return label{"item " + strconv.Itoa(index), w.fn, item}
}

// cutShort records that the nursery was canceled before all its items were run, so that
// it counts as canceled even if no item says so.
func (n *Nursery) cutShort(fn any) { n.endWithError(label{"items", fn, item}, n.ctx.Err(), nil) }
