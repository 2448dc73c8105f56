// Package serve runs programs and servers that end in two phases. First they drain: they
// accept nothing new, and finish what has begun. What has not ended after some time is
// canceled.
//
//	func main() {
//		serve.Program{Grace: 20 * time.Second}.Main(func(ctx context.Context, n *nursery.Nursery) error {
//			return serve.HTTP(ctx, &http.Server{Addr: ":8080", Handler: handler})
//		})
//	}
//
// The function given to Main is the body of the program. It gets a nursery, in which it
// starts tasks: goroutines that the program waits for, see package nursery.
//
// A program that uses the context of a signal for its requests cancels them with the
// signal, and so aborts the work that it means to wait for. Here, a signal is a request
// to end, and only code that asks for it ([Draining], [UntilDrain]) sees it. Contexts are
// not done before the work has had its time.
//
// # The phases
//
//  1. Draining. A signal or a call of [Drain] begins it. [Ready] answers 503, the channel
//     of [Draining] is closed, and HTTP responses ask clients to close their connections.
//     New connections are still accepted for as long as [Program.Linger] says, because
//     load balancers need some seconds to notice.
//  2. Closing. Nothing new is accepted: listeners are closed, the accept context of
//     [UntilDrain] is canceled, connections without a request are closed. Work in
//     progress may take as long as [Program.Grace] says. Its contexts are not canceled.
//  3. Canceled. Everything is canceled, and the program waits for its clean-up. A second
//     signal enters this phase at once; so does a failure (see
//     [Program.DrainOnFailure]).
//  4. Ended. The body and all tasks, the background tasks, and the functions given to
//     [Cleanup] have ended. The hook [Program.OnPhase] is called, and [Main] exits.
//
// The end of the work is the same in each phase: when the body and all other tasks have
// ended, background tasks of the nursery (nursery.Background) are canceled; when these
// have ended, the functions given to [Cleanup] are called; and then the program has
// ended. So background tasks outlive the tasks that use them, in a drain as well as after
// a cancellation: a page with metrics is there until the last request has ended. A
// service in such a task must not drain with the others: see [WithoutDrain].
//
// # Which function to use
//
// [Main] and [Program.Main] are for the main function, and [Program.Run] for tests and
// for programs inside others. [HTTP] serves with package net/http, [Conns] serves other
// protocols with a task for each connection, and [Graceful] runs servers that have a
// shutdown of their own. A consumer of a queue uses [UntilDrain]; a stream or a long poll
// waits for [Draining] or [Closing]. [Listeners] returns the sockets that systemd has
// opened.
//
// # Concurrency
//
// All functions may be called by any number of goroutines. When Drain returns, the
// channels of Draining are closed, also in programs inside this one and behind shields.
// What happens before a call of Drain synchronizes before what comes after the receipt
// from the channel of Draining.
//
// Do not rely on
//   - the end of something that drains: it is asked to end, and canceled after Grace;
//   - the order in which several services notice the drain;
//   - log lines being written when the log blocks.
package serve
