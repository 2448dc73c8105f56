// Package docrun runs the Go code in Markdown pages, so that a page cannot show code that
// does not compile, or output that the code does not print.
//
// Every fenced block that is marked go is executed. It is a whole file, or declarations,
// or the statements of a function; imports are added as needed. What a reader need not
// see stands in HTML comments before the block:
//
//	<!-- go:decls
//	declarations, such as func main for a block that has none
//	-->
//
//	<!-- go:page
//	declarations for this block and all others that follow on the page
//	-->
//
//	<!-- go:before
//	statements before those of the block
//	-->
//
//	<!-- go:after
//	statements after them
//	-->
//
// A comment <!-- go:page FILE --> in one line takes them from a file, whose path is relative
// to the root of the module. Statements become the body of a function that gets a variable ctx and returns an error.
// Tests in a block are run. If the next fenced block is marked text, it must be what the
// program prints; with the mark "text unordered" its lines may come in any order.
package docrun
