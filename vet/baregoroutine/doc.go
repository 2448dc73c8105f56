// Package baregoroutine defines an analyzer that finds goroutines which no nursery waits
// for.
//
// # Analyzer baregoroutine
//
// baregoroutine: find go statements
//
// A go statement starts a goroutine that may outlive the function, whose error is lost,
// and whose panic ends the program. A task of a nursery has a function that waits for it.
// The analyzer reports every go statement, and calls of sync.WaitGroup.Go, outside of
// tests. It is off by default, because a go statement is often meant.
package baregoroutine
