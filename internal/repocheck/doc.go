// Package repocheck checks the rules that this repository has given itself: which
// package may import which, that every entry point has an Example, that the exported API
// is the listed one, and so on. The test of the root package calls it.
//
// Each rule is a function from a repository to a list of complaints, so that the rules
// themselves are tested with doctored repositories.
package repocheck
