// Package wait provides waits that end when their context is canceled. The SDK's own do not:
// Future.Get, Channel.Receive, Channel.Send and Selector.Select continue to wait in a canceled
// workflow.Context. [Get], [Receive], [Send] and [Selector] take their places.
//
// Each function returns the cause of ctx (see cancelscope.Cause) when ctx is canceled, also if
// that happened before the call. [Get] and [Until] look for the result first: a future that is
// ready and a condition that holds are returned whatever ctx says. [Receive], [Send] and
// [Selector.Select] look at ctx first. If a result and a cancellation come in one workflow task
// while the function waits, the one that came first counts.
//
// For an activity or a child workflow use package call, which waits until a canceled one has
// ended; [Get] would leave it running.
package wait
