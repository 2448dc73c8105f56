// Package live starts a Temporal server in memory and worker processes, for tests and examples
// that need real ones: processes that can be killed.
package live
