// Package ceiling holds what the entry points of a package allocate against ceilings,
// and fails if one is left out.
//
// The race detector makes allocations of its own, so under it nothing is measured.
package ceiling
