// Package api recognizes what a program uses of Trellis, and of errgroup: calls of its
// functions, the function literals that these calls run with a context of their own, and
// which context that is derived from.
package api
