// Package temporal is the module that brings Trellis to Temporal workflows. It has no code: see its
// packages.
//
//   - [github.com/trellis-go/trellis/temporal/nursery]: tasks in coroutines of a workflow, which a
//     block waits for
//   - [github.com/trellis-go/trellis/temporal/cancelscope]: parts of a workflow that are canceled as a
//     whole, shields, clean-up
//   - [github.com/trellis-go/trellis/temporal/deadline]: time limits
//   - [github.com/trellis-go/trellis/temporal/wait]: waits that end when they are canceled
//   - [github.com/trellis-go/trellis/temporal/call]: activities and child workflows as calls
//   - [github.com/trellis-go/trellis/temporal/failure]: the errors of a nursery, at the client
//   - [github.com/trellis-go/trellis/temporal/activityscope]: activities that can be canceled
//
// The page docs/temporal.md of the repository says how they fit together.
package temporal
