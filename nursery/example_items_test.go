package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/trellis-go/trellis/memchan"
	"github.com/trellis-go/trellis/nursery"
)

// Work through a list, a few at a time, and stop at the first failure.
func ExampleForEach() {
	hosts := []string{"alpha", "beta", "gamma", "delta"}
	var reached atomic.Int64
	err := nursery.ForEach(context.Background(), 2, slices.Values(hosts), func(ctx context.Context, host string) error {
		reached.Add(1)
		return nil // ping the host
	})
	fmt.Println(reached.Load(), err)
	// Output: 4 <nil>
}

// Learn which item failed.
func ExampleForEach_failure() {
	err := nursery.ForEach(context.Background(), 1, slices.Values([]string{"1", "2", "three", "4"}), func(ctx context.Context, text string) error {
		_, err := fmt.Sscan(text, new(int))
		return err
	})
	fmt.Println(err)
	// Output: expected integer
}

// Use results as they come, in whatever order: a slow item holds up nobody. [MapSeq]
// keeps the order.
func ExampleForEach_unordered() {
	send, receive := memchan.Open[int](0)
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			defer send.Close()
			return nursery.ForEach(ctx, 4, strings.FieldsSeq("structured concurrency for Go"), func(ctx context.Context, word string) error {
				return send.Send(ctx, len(word)) // look it up
			})
		})
		defer receive.Close() // if the loop is left early
		sum := 0
		for length, err := range receive.All(ctx) {
			if err != nil {
				return err
			}
			sum += length
		}
		fmt.Println(sum)
		return nil
	})
	fmt.Println(err)
	// Output:
	// 26
	// <nil>
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
	lines := slices.Values([]string{"10", "20", "thirty", "40"})
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

// Ask several servers, and take the first answer.
func ExampleRace() {
	near := func(ctx context.Context) (string, error) { return "near", nil }
	far := func(ctx context.Context) (string, error) {
		<-ctx.Done() // takes long
		return "", ctx.Err()
	}
	broken := func(ctx context.Context) (string, error) { return "", errors.New("connection refused") }
	fmt.Println(nursery.Race(context.Background(), far, broken, near))
	// Output: near <nil>
}

// Get several things of one kind, all or none.
func ExampleAll() {
	name := func(ctx context.Context) (string, error) { return "Ada", nil }
	city := func(ctx context.Context) (string, error) { return "London", nil }
	values, err := nursery.All(context.Background(), name, city)
	fmt.Println(values, err)
	// Output: [Ada London] <nil>
}

// Let a fixed number of workers receive from a channel, until it is closed or one of
// them fails.
func ExampleFromChan() {
	jobs := make(chan int)
	var sum atomic.Int64
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		for range 3 {
			n.Go(func(ctx context.Context) error {
				for job := range nursery.FromChan(ctx, jobs) {
					sum.Add(int64(job))
				}
				return ctx.Err() // nil if the channel was closed
			})
		}
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
