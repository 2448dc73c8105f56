// Package errgroup runs functions that return errors in goroutines, and waits for them.
// It has the names, the signatures and the behavior of golang.org/x/sync/errgroup, so
// that a program can move to this module by a change of import paths alone: in place of
// "golang.org/x/sync/errgroup" it imports "github.com/trellis-go/trellis/errgroup".
//
// A [Group] is a set of goroutines that work on parts of one job. [Group.Go] starts a
// goroutine, [Group.Wait] waits for all of them and returns the first error. A group
// that [WithContext] made also has a context, which the first error cancels.
//
// # When to use it
//
// Use it for code that is there already, and for groups that are made in one function
// and waited for in another. In new code prefer package nursery: a group only waits if
// Wait is called, so a return before Wait leaves goroutines behind. A nursery is a block,
// which cannot end early, keeps every error with the name of its task, and leaves out the
// "context canceled" errors that the first failure causes in the others.
//
// # Differences from golang.org/x/sync/errgroup
//
// The tests of golang.org/x/sync/errgroup pass with this package; a test of this package
// runs them. What a program can notice nevertheless:
//
//   - A [Group] here and a Group there are two types. A function that has a parameter of
//     one does not take the other, so both sides have to change their import. An alias
//     would avoid this, but this module requires no other module.
//   - In a stack trace the frame below the function that was passed to Go or TryGo is
//     (*Group).run. There it is (*Group).Go.func1 or (*Group).TryGo.func1. Here every task
//     begins and ends in one place. The line "created by" names Go or TryGo in both.
//   - It needs the version of Go that this module needs.
//
// Everything else is the same, including what one might wish to be otherwise:
//
//   - A panic in a task ends the program at once. The group does not carry it to Wait,
//     where it would arrive late or never, and without the stack that crash reports need.
//   - A task that calls runtime.Goexit counts as one that returned nil.
//   - The context that WithContext returns is done when Wait has returned, also when all
//     tasks succeeded. Its cause is then context.Canceled.
//   - Only the first error is kept. Errors that are the result of the cancellation are not
//     distinguished from other errors: if one of them arrives first, Wait returns it.
//   - SetLimit with a negative number removes the limit, also while tasks run.
//
// # Concurrency
//
// Guaranteed: Go, TryGo and Wait may be called by any number of goroutines, tasks
// included, as long as a group that has no running task is not given its first one by
// one goroutine while another is in Wait. What happens before a call of Go or TryGo
// synchronizes before the first statement of the task that it starts. The end of each
// task synchronizes before the return of Wait. The cancellation of the group's context by
// a failing task is complete before that task counts as ended.
//
// Do not rely on: the order in which tasks start or run; which of two errors at about the
// same time is the first; which of several calls of Go that wait for a limit is next.
package errgroup
