// Package workload has what Trellis is measured by: each Workload is one piece of
// work that several libraries do, with the goal that Trellis has there. Adding one
// means adding it to All and, if it has a goal, to the table in goals.go.
package workload
