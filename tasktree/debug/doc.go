// Package debug serves the page of package tasktree at /debug/tasks of the default server,
// as net/http/pprof does with profiles. It is imported for that only:
//
//	import _ "github.com/trellis-go/trellis/tasktree/debug"
//
// A program that serves http.DefaultServeMux then answers requests that come from its own
// machine:
//
//	go http.ListenAndServe("localhost:6060", nil)
//
// The page shows nothing until recording is turned on with tasktree.Record. It cannot be
// reached from other machines, through a proxy or under another name than localhost; a
// program that wants that mounts tasktree.Handler itself, with a function that says which
// requests are allowed. What the page reveals stands there.
//
// The pattern is "GET /debug/tasks", which matches HEAD requests too. A program that registers
// the same pattern panics, as every second registration does.
package debug
