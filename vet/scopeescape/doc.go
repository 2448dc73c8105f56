// Package scopeescape defines an analyzer that finds nurseries which leave their block.
//
// # Analyzer scopeescape
//
// scopeescape: find nurseries that may be used after their block has ended
//
// A nursery ends when nursery.Run returns, and starting a task panics then. So a nursery
// should not be kept where it outlives the block: in a field, a package variable or a
// variable from outside, in a channel, in a go statement, or in a result. The analyzer
// reports where the body of a nursery does this with its nursery, or passes it to a
// function that does, in this package or another. The functions of Trellis itself, such as
// nursery.Spawn, do not count.
//
// It is off by default: an object that lives inside the block may well keep the nursery.
package scopeescape
