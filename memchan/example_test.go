package memchan_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/memchan"
	"github.com/trellis-go/trellis/nursery"
)

// Hand work to a task that takes its time, and end it when there is no more.
func Example() {
	send, receive := memchan.Open[string](1)
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			defer receive.Close() // if the printer fails, no sender waits for it
			for word, err := range receive.All(ctx) {
				if err != nil {
					return err
				}
				fmt.Println(strings.ToUpper(word))
			}
			fmt.Println("that was all")
			return nil
		})
		defer send.Close()
		for _, word := range []string{"one", "two", "three"} {
			if err := send.Send(ctx, word); err != nil {
				return err
			}
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// ONE
	// TWO
	// THREE
	// that was all
	// <nil>
}

// Choose how far senders may run ahead of receivers.
func ExampleOpen() {
	send, receive := memchan.Open[int](2)
	for v := range 3 {
		fmt.Println(v, send.TrySend(v))
	}
	v, err := receive.TryReceive()
	fmt.Println(v, err)
	// Output:
	// 0 <nil>
	// 1 <nil>
	// 2 operation would block
	// 0 <nil>
}

// Never let a sender wait, where something else bounds what can be under way.
func ExampleOpen_unbounded() {
	send, _ := memchan.Open[string](memchan.Unbounded)
	for range 1000 {
		if err := send.TrySend("event"); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(send.Stats().Buffered)
	// Output: 1000
}

// Give up sending when no value is received in time.
func ExampleSender_Send() {
	send, _ := memchan.Open[string](0)
	err := deadline.FailAfter(context.Background(), time.Millisecond, func(ctx context.Context) error {
		return send.Send(ctx, "hello?")
	})
	fmt.Println(err)
	// Output: too slow: limit of 1ms exceeded
}

// Drop what a slow receiver has no room for, rather than wait for it.
func ExampleSender_TrySend() {
	send, receive := memchan.Open[int](2)
	dropped := 0
	for reading := range 5 {
		if err := send.TrySend(reading); err == memchan.ErrWouldBlock {
			dropped++
		}
	}
	send.Close()
	for reading := range receive.All(context.Background()) {
		fmt.Println(reading)
	}
	fmt.Println(dropped, "dropped")
	// Output:
	// 0
	// 1
	// 3 dropped
}

// Let several producers share a channel, so that the last one to finish ends it.
func ExampleSender_Clone() {
	send, receive := memchan.Open[int](0)
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		for i := range 3 {
			own, err := send.Clone()
			if err != nil {
				return err
			}
			n.Go(func(ctx context.Context) error {
				defer own.Close()
				return own.Send(ctx, 1<<i)
			})
		}
		send.Close() // or the channel would never end
		sum := 0
		for v, err := range receive.All(ctx) {
			if err != nil {
				return err
			}
			sum += v
		}
		fmt.Println(sum)
		return nil
	})
	fmt.Println(err)
	// Output:
	// 7
	// <nil>
}

// Close the channel: receivers get what is still in the buffer, and then the end.
func ExampleSender_Close() {
	send, receive := memchan.Open[string](1)
	fmt.Println(send.TrySend("last words"))
	send.Close()
	fmt.Println(send.TrySend("one more thing"))
	for range 2 {
		v, err := receive.TryReceive()
		fmt.Printf("%q %v\n", v, err)
	}
	// Output:
	// <nil>
	// handle of the channel is closed
	// "last words" <nil>
	// "" end of channel
}

// See how far a consumer is behind.
func ExampleSender_Stats() {
	send, receive := memchan.Open[int](10)
	for v := range 4 {
		_ = send.TrySend(v)
	}
	_, _ = receive.TryReceive()
	stats := send.Stats()
	fmt.Printf("%d of %d, once %d\n", stats.Buffered, stats.Capacity, stats.Peak)
	// Output: 3 of 10, once 4
}

// Wait for one value, and distinguish the end from a failure.
func ExampleReceiver_Receive() {
	send, receive := memchan.Open[string](1)
	_ = send.TrySend("a line")
	send.Close()
	for {
		line, err := receive.Receive(context.Background())
		if err == memchan.ErrEndOfChannel {
			fmt.Println("done")
			return
		}
		if err != nil {
			fmt.Println("failed:", err)
			return
		}
		fmt.Println(line)
	}
	// Output:
	// a line
	// done
}

// Take what is there, and do not wait for more.
func ExampleReceiver_TryReceive() {
	send, receive := memchan.Open[int](10)
	for v := range 3 {
		_ = send.TrySend(v)
	}
	var batch []int
	for {
		v, err := receive.TryReceive()
		if err != nil {
			fmt.Println(batch, err)
			return
		}
		batch = append(batch, v)
	}
	// Output: [0 1 2] operation would block
}

// Read a channel to its end; a cancellation, or a closed handle, comes as an error.
func ExampleReceiver_All() {
	send, receive := memchan.Open[int](3)
	_ = send.TrySend(1)
	_ = send.TrySend(2)
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	for v, err := range receive.All(ctx) {
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Println(v)
		if v == 2 {
			cancel(errors.New("seen enough"))
		}
	}
	// Output:
	// 1
	// 2
	// seen enough
}

// Let several workers take values from one channel; if all of them go, senders hear of
// it and do not wait for ever.
func ExampleReceiver_Clone() {
	send, receive := memchan.Open[int](0)
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		for range 2 {
			own, err := receive.Clone()
			if err != nil {
				return err
			}
			n.Go(func(ctx context.Context) error {
				defer own.Close()
				_, err := own.Receive(ctx) // one is enough for this worker
				return err
			})
		}
		receive.Close()
		for v := range 3 {
			if err := send.Send(ctx, v); err != nil {
				fmt.Println(v, err)
			}
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// 2 every receiver of the channel is closed
	// <nil>
}

// Close the receiving side: senders get an error.
func ExampleReceiver_Close() {
	send, receive := memchan.Open[string](5)
	fmt.Println(send.TrySend("hello"))
	receive.Close()
	fmt.Println(send.TrySend("are you there?"))
	fmt.Println(send.Stats().Discarded, "discarded")
	// Output:
	// <nil>
	// every receiver of the channel is closed
	// 1 discarded
}

// Ask how many producers are left.
func ExampleReceiver_Stats() {
	send, receive := memchan.Open[int](0)
	another, _ := send.Clone()
	fmt.Println(receive.Stats().OpenSenders)
	another.Close()
	send.Close()
	fmt.Println(receive.Stats().OpenSenders)
	// Output:
	// 2
	// 0
}
