// Package peer puts Trellis and the libraries that it is compared with behind small
// interfaces, so that a workload is written once and is the same work for all of them.
//
// Each library has a file of its own and is used there as its README says. What a
// program does once (write the function that a group runs) is done by Open, ForEach,
// Map and Nest; what the functions that they return do is done for each group, and
// that is what the benchmarks measure.
package peer
