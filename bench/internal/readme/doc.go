// Package readme puts what a command has measured into a document, between two markers
// that are comments there:
//
//	<!-- begin compare -->
//	<!-- end compare -->
package readme
