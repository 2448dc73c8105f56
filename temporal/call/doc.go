// Package call runs activities and child workflows as calls: a function with a result, which has
// ended when the call returns, also when it was canceled.
//
//	err := nursery.Run(ctx, func(ctx workflow.Context, n *nursery.Nursery) error {
//		n.GoNamed("flight", func(ctx workflow.Context) error {
//			seat, err := call.Activity[Seat](ctx, BookFlight, trip)
//			…
//		})
//		n.GoNamed("hotel", …)
//		return nil
//	})
//
// The SDK's futures give up an activity when the context is canceled: the workflow continues while
// the activity still books, and does not learn whether it did. The calls of this package wait for
// the end, so a nursery that returns has no activity running, and the code after it knows what to
// undo. A canceled activity learns of it by its next heartbeat: let it run under
// activityscope.Run, which sends them, and give it a HeartbeatTimeout of a few seconds, which
// also says how soon: within 80 % of it. An activity without heartbeats is not interrupted, and
// the call waits for it.
//
// The test environment of the SDK differs: it completes a canceled activity at once, while its
// function still runs, whatever WaitForCancellation says. What depends on the wait is to be tested
// on a server.
//
// Options are those of the context, set with workflow.WithActivityOptions,
// workflow.WithLocalActivityOptions and workflow.WithChildOptions. Errors of nurseries inside an
// activity or child workflow are restored by package failure, if they were encoded by it.
package call
