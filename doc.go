// Package trellis is the root of a module for structured concurrency; it has no code of
// its own.
//
// Trellis runs goroutines in blocks. A block returns when every goroutine started in it
// has ended; the first failure cancels the rest; the caller gets every error, and none of
// the resulting "context canceled". So a function that is concurrent inside is called
// like any other: when it has returned, it is done.
//
//	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
//		for _, url := range urls {
//			n.GoNamed(url, func(ctx context.Context) error { return fetch(ctx, url) })
//		}
//		return nil
//	})
//
// # Terms
//
// A nursery is the block. A task is a goroutine in it. The function that gets the nursery
// is its body. A scope is a part of a program that is canceled together: each nursery has
// one, and each time limit is one. A shield hides cancellations from outside from a
// scope, so that clean-up works.
//
// # Packages
//
// Package [github.com/trellis-go/trellis/nursery] starts goroutines, waits for all of
// them, and joins their errors. Most programs begin there: with Run for tasks of
// different kinds, ForEach, ForN and Map for many items of one kind, Race for the first
// success and All for all results.
//
// Package [github.com/trellis-go/trellis/deadline] has time limits (FailAfter, MoveOnAfter,
// Call, Limit), waiting that can be interrupted, and connections and listeners that end
// with a context.
//
// Package [github.com/trellis-go/trellis/cancelscope] has the scopes, for work that is
// canceled by hand, shields for clean-up, and functions that separate cancellations
// from failures.
//
// Package [github.com/trellis-go/trellis/memchan] has channels between tasks: each wait
// ends with a context, and both sides can close.
//
// Package [github.com/trellis-go/trellis/serve] has the main function of programs and
// servers that end in two phases: they drain, and what is left is canceled.
//
// Package [github.com/trellis-go/trellis/tasktree] shows what runs in a program, live: all
// nurseries, tasks and scopes, what has been canceled and why, and what a nursery still
// waits for.
//
// Package [github.com/trellis-go/trellis/errgroup] is a drop-in for
// golang.org/x/sync/errgroup, for code that is moved over step by step.
//
// Two modules of their own bring this to other frameworks:
// [github.com/trellis-go/trellis/grpc] has interceptors for gRPC and a server that drains,
// and [github.com/trellis-go/trellis/temporal] has nurseries, scopes and time limits for
// workflows of Temporal.
//
// Functions that are generic, such as nursery.Spawn, are functions and not methods because
// methods cannot have type parameters.
//
// # More
//
// The repository has a tutorial, a cookbook, and pages for users of errgroup, Trio,
// asyncio, AnyIO or Kotlin, in its folder docs. The semantics are those of Trio, with
// the task handles of asyncio; recorded programs of both are part of the tests.
package trellis
