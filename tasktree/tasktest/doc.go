// Package tasktest shows what still runs when a test hangs, and fails tests that leave
// something running.
//
//	func TestServer(t *testing.T) {
//		ctx := tasktest.Context(t)
//		...
//	}
//
// [Context] gives the test a scope of its own. What is started under that context belongs
// to the test: nurseries, their tasks, scopes and error groups, at any depth and in any
// goroutine. When the test has ended, the scope is canceled, and what has not ended soon
// after fails the test, by name and with the tree. When the test is about to exceed the limit
// of go test -timeout, the tree is printed before the test binary dies.
//
// Package goleak compares all goroutines of the process, so it cannot say to which of
// several parallel tests one belongs. Here a test owns what runs under its context, so tests
// may be parallel. Goroutines that are started with go statements, and run nothing of this
// module, cannot be seen: goleak finds them, at the end of all tests.
//
// [Run] runs a function with a time limit, and fails the test with the names of what holds
// it up.
package tasktest
