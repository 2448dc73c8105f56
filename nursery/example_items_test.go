package nursery_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/memchan"
	"github.com/trellis-go/trellis/nursery"
)

// Work through a list, a few at a time, and stop at the first failure.
func ExampleForEach() {
	hosts := []string{"alpha", "beta", "gamma", "delta"}
	var reached atomic.Int64
	err := nursery.ForEach(context.Background(), 2, hosts, func(ctx context.Context, host string) error {
		reached.Add(1)
		return nil // ping the host
	})
	fmt.Println(reached.Load(), err)
	// Output: 4 <nil>
}

// Pass what you have: a slice, a channel, a sequence or a receive function.
func ExampleItems() {
	ctx := context.Background()
	print := func(ctx context.Context, word string) error {
		fmt.Println(word)
		return nil
	}
	channel := make(chan string, 1)
	channel <- "channel"
	close(channel)
	lines := bufio.NewReader(strings.NewReader("receive function\n"))
	next := func(context.Context) (string, error) {
		line, err := lines.ReadString('\n')
		return strings.TrimSpace(line), err // io.EOF in the end
	}
	fmt.Println(errors.Join(
		nursery.ForEach(ctx, 1, []string{"slice"}, print),
		nursery.ForEach(ctx, 1, channel, print),
		nursery.ForEach(ctx, 1, strings.SplitSeq("sequence", ","), print),
		nursery.ForEach(ctx, 1, next, print),
	))
	// Output:
	// slice
	// channel
	// sequence
	// receive function
	// <nil>
}

// Let all items wait for each other, which a limit would not allow.
func ExampleNoLimit() {
	players := []string{"Ada", "Bob", "Cid"}
	var ready sync.WaitGroup
	ready.Add(len(players))
	err := nursery.ForEach(context.Background(), nursery.NoLimit, players, func(ctx context.Context, player string) error {
		ready.Done()
		ready.Wait() // until all are here
		return nil
	})
	fmt.Println(err)
	// Output: <nil>
}

// Learn which item failed.
func ExampleForEach_failure() {
	err := nursery.ForEach(context.Background(), 1, []string{"1", "2", "three", "4"}, func(ctx context.Context, text string) error {
		_, err := fmt.Sscan(text, new(int))
		return err
	})
	fmt.Println(err)
	// Output: expected integer
}

// Turn a list into another one, with several requests on their way at a time.
func ExampleMap() {
	lookUp := func(ctx context.Context, word string) (int, error) { return len(word), nil }
	lengths, err := nursery.Map(context.Background(), 8, strings.FieldsSeq("structured concurrency for Go"), lookUp)
	fmt.Println(lengths, err)
	// Output: [10 11 3 2] <nil>
}

// Keep what comes before the first failure.
func ExampleMap_failure() {
	lines := []string{"10", "20", "thirty", "40"}
	numbers, err := nursery.Map(context.Background(), 4, lines, func(ctx context.Context, line string) (int, error) {
		n := 0
		_, err := fmt.Sscan(line, &n)
		return n, err
	})
	fmt.Println(numbers)
	fmt.Println(err)
	// Output:
	// [10 20]
	// expected integer
}

// Use results as they come, in order, and leave nothing behind when that is enough.
func ExampleMapSeq() {
	numbers := func(yield func(int) bool) {
		for i := 1; yield(i); i++ {
		}
	}
	square := func(ctx context.Context, i int) (int, error) { return i * i, nil }
	for r, err := range nursery.MapSeq(context.Background(), 4, numbers, square) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if r > 50 {
			break // the items that run are canceled, and awaited
		}
		fmt.Print(r, " ")
	}
	fmt.Println()
	// Output: 1 4 9 16 25 36 49
}

// Use results as soon as they come: a slow item delays no other. [MapSeq] keeps the order.
func ExampleMapUnordered() {
	words := []string{"structured", "concurrency", "for", "Go"}
	last := make(chan struct{})
	length := func(ctx context.Context, word string) (string, error) {
		if word == "structured" { // takes long
			<-last
		}
		return word, nil
	}
	given := 0
	for word, err := range nursery.MapUnordered(context.Background(), 2, words, length) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(word)
		if given++; given == 3 {
			close(last)
		}
	}
	// Output:
	// concurrency
	// for
	// Go
	// structured
}

// Let the items write their results where they belong.
func ExampleForN() {
	words := []string{"structured", "concurrency", "for", "Go"}
	lengths := make([]int, len(words))
	err := nursery.ForN(context.Background(), 2, len(words), func(ctx context.Context, i int) (err error) {
		lengths[i] = len(words[i]) // look it up
		return err
	})
	fmt.Println(lengths, err)
	// Output: [10 11 3 2] <nil>
}

// Ask several servers, and take the first answer.
func ExampleRace() {
	near := func(ctx context.Context) (string, error) { return "near", nil }
	far := func(ctx context.Context) (string, error) {
		<-ctx.Done() // takes long
		return "", ctx.Err()
	}
	broken := func(ctx context.Context) (string, error) { return "", errors.New("connection refused") }
	fmt.Println(nursery.Race(context.Background(), nil, far, broken, near))
	// Output: near <nil>
}

// Close a connection that comes when there is one already.
func ExampleRace_discard() {
	dial := func(name string, wait <-chan struct{}) func(context.Context) (string, error) {
		return func(ctx context.Context) (string, error) {
			select {
			case <-wait:
			case <-ctx.Done(): // has the connection all the same
			}
			return name, nil
		}
	}
	at := make(chan struct{})
	close(at)
	hangUp := func(name string) { fmt.Println("close", name) }
	fmt.Println(nursery.Race(context.Background(), hangUp, dial("IPv6", nil), dial("IPv4", at)))
	// Output:
	// close IPv6
	// IPv4 <nil>
}

// Get several things of one kind, all or none.
func ExampleAll() {
	name := func(ctx context.Context) (string, error) { return "Ada", nil }
	city := func(ctx context.Context) (string, error) { return "London", nil }
	values, err := nursery.All(context.Background(), name, city)
	fmt.Println(values, err)
	// Output: [Ada London] <nil>
}

// Work through a channel, with several workers, until it is closed or one of them
// fails.
func ExampleForEach_channel() {
	jobs := make(chan int)
	var sum atomic.Int64
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			return nursery.ForEach(ctx, 3, jobs, func(ctx context.Context, job int) error {
				sum.Add(int64(job))
				return nil
			})
		})
		defer close(jobs)
		for i := range 10 {
			select {
			case jobs <- i:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	fmt.Println(sum.Load(), err)
	// Output: 45 <nil>
}

// Give several workers a limit, and learn that it cut them short: ForEach reports it, even
// if no item looks at the context, and the sender only closes the channel.
func ExampleForEach_limit() {
	err := deadline.FailAfter(context.Background(), 20*time.Millisecond, func(ctx context.Context) error {
		jobs := make(chan int)
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				defer close(jobs)
				<-ctx.Done() // there is always more to come
				return nil
			})
			return nursery.ForEach(ctx, 3, jobs, func(ctx context.Context, job int) error { return nil })
		})
	})
	var slow *deadline.TooSlowError
	fmt.Println(errors.As(err, &slow))
	// Output: true
}

// Work through what is sent in a channel of package memchan.
func ExampleForEach_receive() {
	send, receive := memchan.Open[string](0)
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			defer receive.Close() // the sender then learns that no more is wanted
			return nursery.ForEach(ctx, 1, receive.Receive, func(ctx context.Context, word string) error {
				fmt.Println(word)
				return nil
			})
		})
		defer send.Close()
		for _, word := range []string{"one", "two"} {
			if err := send.Send(ctx, word); err != nil {
				return err
			}
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// one
	// two
	// <nil>
}
