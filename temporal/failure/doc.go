// Package failure carries the errors of nurseries out of workflows and activities.
//
// What a workflow returns crosses the network as a Temporal failure, which is a chain: of
// errors that join others only the text is left. And if a cancellation is anywhere in the
// error, the SDK closes the workflow as canceled and drops the rest. [Encode] makes, of any
// error that a nursery or scope returned, one that crosses: an ApplicationError with the text,
// the type of the first failure, and all errors by the names of their tasks as details. Only an
// error with nothing real in it becomes a CanceledError. [Decode] does the reverse at the
// client, in a parent workflow, or in the workflow that called an activity:
//
//	err = failure.Decode(run.Get(ctx, &result))
//	if hotel := failure.Task(err, "hotel"); hotel != nil {
//		// what the task named "hotel" returned
//	}
//
// A worker that is given [NewInterceptor] encodes what its workflows, updates and activities
// return, so that no function has to remember it:
//
//	worker.New(client, "trips", worker.Options{
//		Interceptors: []interceptor.WorkerInterceptor{failure.NewInterceptor()},
//	})
//
// Errors keep their type as far as the SDK's failures do: an ApplicationError, ActivityError or
// TimeoutError is found again by errors.As, with its details; a TooSlowError is one again; any
// other Go type is found as an ApplicationError whose Type is the name of the Go type. Stack
// traces of failures inside the details are dropped, long texts are cut, and at most a hundred
// errors are kept.
//
// All functions may be called in workflow code and outside, by any number of goroutines.
package failure
