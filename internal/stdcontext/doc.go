// Package stdcontext runs the tests of the standard library's package context against
// the contexts of cancel scopes.
//
// The tests are read from GOROOT when this package is tested, and compiled with this
// package in the place of package context: its functions have the names and the effects
// of the library's, but there is a scope where the place says so.
//
//	root     context.Background is the context of a scope
//	between  each context is derived from a scope that lies between it and its parent
//	limit    context.Background is a context below deadline.FailAfter
//	starting context.Background is the context of a task in nursery.Start that has not moved
//	started  context.Background is the context of a task that nursery.Start has moved
//
// All tests of x_test.go, afterfunc_test.go and net_test.go run in each place, and a
// test that fails, or is not there any more, fails the test of this package. New ones
// are run as well. These cannot apply, in any place:
//
//   - TestParentFinishesChild, TestChildFinishesFirst, TestCancelRemoves and
//     TestCustomContextGoroutines, which call functions of context_test.go: they look at
//     unexported fields of the library's types. Package cancelscope has tests of its own
//     for what they are about: TestCanceledScopeLeavesTheContextOutside and
//     TestShapesCostNoGoroutine.
//   - TestBackground and TestTODO want to see the text of the library's own contexts.
//
// These cannot apply in the place "between":
//
//   - TestAllocs counts what a derived context allocates; there a scope comes with it.
//   - TestValues compares texts that have those of all parents in them. A scope does not
//     show the text of its parent.
package stdcontext
