// Package memchan provides memory channels: queues that pass values from task to task. In
// contrast to a Go channel, each wait has a context, several tasks can share either side and
// close it independently, and a sender learns when no receiver is left.
//
//	send, receive := memchan.Open[string](10)
//	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
//		n.Go(func(ctx context.Context) error {
//			defer send.Close()
//			return produce(ctx, send) // calls send.Send(ctx, line)
//		})
//		defer receive.Close()
//		for line, err := range receive.All(ctx) {
//			if err != nil {
//				return err
//			}
//			fmt.Println(line)
//		}
//		return nil // the last sender has been closed
//	})
//
// A channel is used through handles. A [Sender] and a [Receiver] come from [Open]; Clone
// makes further handles of the same side. Each is closed on its own. When the last Sender
// is closed, receivers get the values that are left, and then [ErrEndOfChannel]. When the
// last Receiver is closed, senders get [ErrBroken]. A call that waits in a handle ends
// when that handle is closed. So each task can close its own handle with defer, and a
// program needs no extra code to find out which task ends last. Where a receiver may stop
// early, a task that sends returns nil for ErrBroken; otherwise this is a failure of that
// task.
//
// Use a plain Go channel where none of this is needed, or where it has to be combined with
// other channels in a select, which a memory channel does not support.
//
// (The idea comes from the [memory channels] of Trio, a library for Python.)
//
// # Order and loss
//
// Values are received in the order in which they were sent. On each side, calls that wait are
// served in the order of their arrival, and a later call never overtakes them: TryReceive
// cannot take a value that is meant for a waiting Receive, and TrySend cannot take a slot of
// the buffer that is meant for a waiting Send. A call whose context is done, that is, whose
// Done channel is closed, is passed over.
//
// A Send that fails has handed over nothing. The value of a Send that returned nil is received
// exactly once, unless it is still in the buffer when the last receiver is closed; then it is
// discarded, and counted in [Stats]. A call that is canceled, or whose handle is closed, leaves
// nothing in the queue and takes nothing out of it.
//
// A call that fails while its context is done returns the cause of that context, even if there
// is another reason to fail. So if a task is canceled together with its producer, it sees the
// cancellation, and not the end of the channel that the producer causes when it cleans up.
//
// # Concurrency
//
// Guaranteed:
//
//   - All methods of all handles may be called from any number of goroutines.
//   - A Send synchronizes before the return of the Receive that gets its value.
//   - With a capacity of n, the kth Receive synchronizes before the return of Send number k+n.
//   - Closing the last sender synchronizes before the return of a Receive with
//     [ErrEndOfChannel], and closing the last receiver before the return of a Send with
//     [ErrBroken].
//   - The package starts no goroutines. It uses [context.AfterFunc] to end calls that wait
//     under one context.
//   - A call that does not have to wait does not ask its context for a Done channel.
//
// Do not rely on any of the following:
//
//   - that a value has been received when Send returns nil, unless the capacity is 0;
//   - that what Stats returns still holds;
//   - that a handle is closed when it becomes unreachable.
//
// # Tests
//
// In tests with [testing/synctest], a Send or Receive that waits is durably blocked. While a
// call waits in a channel, use the channel, and cancel the context of the call, only from the
// bubble of that call, as with Go channels. Between waits a memory channel may be passed from
// one bubble to another.
//
// [memory channels]: https://trio.readthedocs.io/en/stable/reference-core.html#using-channels-to-pass-values-between-tasks
package memchan
