package emptylimitok

import (
	"context"

	"github.com/trellis-go/trellis/nursery"
)

func fetch(ctx context.Context, url string) error { return nil }
func at(ctx context.Context, i int) error         { return nil }

func all(ctx context.Context, urls, workers []string, n, m int) {
	nursery.ForEach(ctx, nursery.NoLimit, urls, fetch)
	nursery.ForEach(ctx, 8, urls, fetch)
	nursery.ForEach(ctx, len(workers), urls, fetch)
	nursery.ForEach(ctx, max(1, len(urls)/2), urls, fetch)
	nursery.ForN(ctx, m, n, at)
	nursery.ForN(ctx, 3, 3, at)
	nursery.ForN(ctx, len(workers), len(urls), at)
}
