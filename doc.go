// Package trellis is the root of a module for structured concurrency. It has
// no code of its own: see the packages cancelscope, deadline and nursery.
package trellis
