package emptylimit

import (
	"context"

	"github.com/trellis-go/trellis/nursery"
)

type job struct{ urls []string }

func fetch(ctx context.Context, url string) error         { return nil }
func get(ctx context.Context, url string) (string, error) { return "", nil }
func at(ctx context.Context, i int) error                 { return nil }

func all(ctx context.Context, j job, urls []string, n int) {
	nursery.ForEach(ctx, len(urls), urls, fetch)          // want `the limit is the number of items, so it limits nothing, and ForEach panics when there are none: use nursery.NoLimit`
	nursery.ForEach(ctx, len(j.urls), j.urls, fetch)      // want `the limit is the number of items`
	nursery.Map(ctx, len(urls), urls, get)                // want `the limit is the number of items, so it limits nothing, and Map panics`
	for range nursery.MapSeq(ctx, len(urls), urls, get) { // want `the limit is the number of items`
	}
	nursery.ForN(ctx, len(urls), len(urls), at)                    // want `the limit is the number of items, so it limits nothing, and ForN panics`
	nursery.ForN(ctx, n, n, at)                                    // want `the limit is the number of items`
	nursery.ForEach[[]string, string](ctx, len(urls), urls, fetch) // want `the limit is the number of items`
}
