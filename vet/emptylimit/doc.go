// Package emptylimit defines an analyzer that finds limits which are the number of items.
//
// # Analyzer emptylimit
//
// emptylimit: find limits that are the length of the items
//
// A limit that is the number of items limits nothing, and panics when there are no
// items, because a limit must be at least 1:
//
//	nursery.ForEach(ctx, len(urls), urls, fetch)
//
// What is meant is nursery.NoLimit, which the suggested fix writes.
package emptylimit
