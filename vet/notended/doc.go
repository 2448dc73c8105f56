// Package notended defines an analyzer that finds scopes without blocks that are not
// ended as they must be.
//
// # Analyzer notended
//
// notended: find flat scopes that are not ended, or end with the wrong error
//
// deadline.Limit and the method Enter of a scope return a context and a function, which
// must be deferred with the address of a named result:
//
//	func load(ctx context.Context) (err error) {
//		ctx, end := deadline.Limit(ctx, time.Second)
//		defer end(&err)
//
// The analyzer reports
//
//   - a function that is dropped, or never called, or called without defer;
//   - a deferred call that gets the address of another variable than a named result: what
//     end writes there does not reach the caller;
//   - a deferred call that gets nil, which panics.
//
// It reports nothing if the function is passed on, stored or returned, if it is called
// in a deferred function literal, or if a deferred literal reads the variable.
package notended
