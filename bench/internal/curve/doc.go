// Package curve has what shows how costs grow: each Curve is one piece of work that is
// done with more and more children, scopes, levels or threads. Adding one means adding
// it to All.
package curve
