// Package peer puts Trellis and what it is measured against behind one small
// interface, so that a workload is written once and is the same work for all of them.
//
// Each library has a file of its own and is used there as its README says. Whatever
// a user would do once in a program (make a pool, write the function that the group
// runs) is done by Open, ForEach and Map; what they return is done for each group,
// and that is what gets measured.
package peer
