package emptylimitok

import (
	"context"

	"github.com/trellis-go/trellis/nursery"
)

// Another function that is called len.
func other(ctx context.Context, urls []string) {
	len := func([]string) int { return 3 }
	nursery.ForEach(ctx, len(urls), urls, fetch)
}
