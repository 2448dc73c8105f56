// Package tree names what the packages of this module ask of the context of a
// cancel scope besides being a context. It exists so that package nursery can
// report failed tasks and move started ones, and package deadline can read
// deadlines, without cancelscope exporting to all users what only they may do.
package tree
