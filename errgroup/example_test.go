package errgroup_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/trellis-go/trellis/errgroup"
)

// Look up several words at the same time, and stop at the first that is missing.
func ExampleWithContext() {
	meanings := map[string]string{"pergola": "a walk below climbing plants", "espalier": "a tree trained flat"}
	lookUp := func(ctx context.Context, word string) error {
		if _, ok := meanings[word]; !ok {
			return fmt.Errorf("%s: no entry", word)
		}
		<-ctx.Done() // a slow dictionary
		return ctx.Err()
	}

	g, ctx := errgroup.WithContext(context.Background())
	for _, word := range []string{"pergola", "trelis", "espalier"} {
		g.Go(func() error { return lookUp(ctx, word) })
	}
	fmt.Println(g.Wait())
	fmt.Println(context.Cause(ctx))
	// Output:
	// trelis: no entry
	// trelis: no entry
}

// Compute parts of a result, each task in a place of its own.
func ExampleGroup_Go() {
	words := []string{"arbor", "lattice", "vine"}
	upper := make([]string, len(words))

	var g errgroup.Group
	for i, word := range words {
		g.Go(func() error {
			upper[i] = strings.ToUpper(word)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(upper)
	// Output:
	// [ARBOR LATTICE VINE]
}

// Turn work away while enough of it is in progress.
func ExampleGroup_TryGo() {
	var g errgroup.Group
	g.SetLimit(1)

	release := make(chan struct{})
	work := func() error { <-release; return nil }
	fmt.Println(g.TryGo(work))
	fmt.Println(g.TryGo(work))
	close(release)
	g.Wait()
	fmt.Println(g.TryGo(work))
	g.Wait()
	// Output:
	// true
	// false
	// true
}

// Bound how many tasks run at a time. Go waits for a free place.
func ExampleGroup_SetLimit() {
	var g errgroup.Group
	g.SetLimit(2)
	sums := make([]int, 5)
	for i := range sums {
		g.Go(func() error {
			for k := range i + 1 {
				sums[i] += k
			}
			return nil
		})
	}
	g.Wait()
	fmt.Println(sums)
	// Output:
	// [0 1 3 6 10]
}

// Learn the first error after all tasks have ended.
func ExampleGroup_Wait() {
	var g errgroup.Group
	g.Go(func() error { return nil })
	g.Go(func() error { return errors.New("the lattice is broken") })
	fmt.Println(g.Wait())
	// Output:
	// the lattice is broken
}
