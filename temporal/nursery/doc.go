// Package nursery provides nurseries for workflow code: blocks that start tasks and do not
// end before all of them have. A task is a function that runs in a coroutine of its own.
//
//	err := nursery.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
//		for _, hotel := range hotels {
//			n.GoNamed(hotel, func(ctx workflow.Context) error { return book(ctx, hotel) })
//		}
//		return nil
//	})
//	// No booking runs any more. err has every failure, by name.
//
// The first failure cancels the other tasks. What they then return because of it is recognized
// as cancellation and left out, by the rules of package cancelscope.
//
// The rules are those of github.com/trellis-go/trellis/nursery, which does the same for
// goroutines. The *body* is the function given to Run.
//
//  1. Run returns when the body and every task have ended.
//  2. The body counts as a task.
//  3. The first error cancels the nursery's scope, with a cause that names the task. All real
//     errors are returned, the first failure first, in one [*Error]. Cancellations caused by
//     the nursery itself are never in it.
//  4. Tasks may start tasks as long as anything runs, also after cancellation.
//  5. If the body and all tasks return nil, Run returns nil.
//  6. [Start]: the task belongs to the caller until it calls started, then it moves.
//  7. Task handles: Wait, Cancel.
//  10. Config.Supervise: a failing task does not cancel its siblings.
//  11. A task that returned nil leaves nothing behind.
//
// Rules 8 and 9 of the original, about panics and runtime.Goexit, do not hold here. A panic in
// workflow code is not an outcome of the workflow: the SDK fails the workflow task and tries it
// again, until a worker with corrected code is there. So nothing is canceled and nothing is
// recovered. A worker that lets go of a workflow ends its coroutines by runtime.Goexit; deferred
// functions run then and must neither wait nor give commands.
//
// # Order
//
// Workflow code must do the same things in the same order each time it is run. Coroutines run
// one at a time, in the order in which they were started, and nothing here depends on the order
// of a map. Items from a map must be sorted before they are given to [ForEach] or [Map].
//
// # Concurrency
//
// Everything here belongs to the coroutines of one workflow. Each task must use the context it
// is given: blocking with the context of another coroutine panics.
//
// Guaranteed: a task that fails has canceled its siblings before it counts as ended. Do not rely
// on a task to have begun when Go returns: it begins when the calling coroutine waits.
package nursery
