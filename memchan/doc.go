// Package memchan provides memory channels: queues between tasks with a context for
// each wait, handles that are closed from either side, and statistics. They are those
// of Python's Trio, open_memory_channel.
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
// What a channel of Go leaves to each program is done here: a send and a receive that
// end with the cause of their context; several senders of whom the last one to finish
// closes, by [Sender.Clone] and [Sender.Close]; receivers that go away and leave no
// sender hanging, but an [ErrBroken]; a handle that is closed under somebody who waits
// in it. A plain channel is enough where none of that can happen, and it can be
// combined with others in a select, which a memory channel cannot.
//
// # Order and loss
//
// Values are received in the order in which they were sent. On both sides those who
// wait are served in the order in which they came, and nobody who comes later
// overtakes them: neither the value that a waiting Receive gets nor the slot in the
// buffer that a waiting Send gets can be had by a TryReceive or TrySend. Whoever has
// been canceled, that is, whose Done channel is closed, is passed over.
//
// A Send that fails has handed over nothing. A value of a Send that returned nil is
// received once, or is in the buffer when the last receiver is closed: then it is
// discarded, and counted in [Stats]. A wait that is canceled or closed leaves nothing
// behind in the queue and takes nothing with it.
//
// A call that fails under a context which is done fails with the cause of that context,
// whatever else is the matter with the channel. So a task that is canceled together
// with its producer sees the cancellation, and never the end that the producer leaves
// behind when it cleans up.
//
// # Concurrency
//
// Guaranteed: all methods of all handles may be called by any number of goroutines. A
// Send synchronizes before the return of the Receive that gets its value. Where there
// is a limit of n, the kth Receive synchronizes before the return of Send number k+n.
// Closing the last sender synchronizes before the return of a Receive with
// [ErrEndOfChannel], and closing the last receiver before that of a Send with
// [ErrBroken]. No goroutine is started, except by context.AfterFunc, with which the waits
// of many under one context are ended. A call that does not have to wait does not even
// ask its context for a Done channel.
//
// Not to be assumed: that a Send which returned nil has been seen by a receiver, except
// with a capacity of 0; that Stats still holds when it has returned; that a handle is
// closed because nobody refers to it any more.
//
// In tests with testing/synctest, a Send or Receive that waits is durably blocked.
// Those who use a channel while somebody waits in it, or cancel the context of the wait,
// must be in the same bubble as the one who waits, as with channels of Go. A channel that
// nobody waits in can be passed on from one bubble to the next.
package memchan
