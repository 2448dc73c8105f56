package peer

import "context"

// A Group is what a library offers to start tasks with.
type Group interface {
	Go(t *Task)
}

// A Body starts tasks in a group that has been opened, in the goroutine that opened
// it. Its context is that of the group, if the library shows it there.
type Body func(ctx context.Context, g Group)

// A Library is one way to open a group and to wait for its tasks.
type Library struct {
	Name string

	// Open prepares groups that run body. Each call of run opens one under ctx, calls
	// body, and returns when all tasks have ended. Calls follow each other; release
	// comes after the last one.
	Open func(body Body) (run func(ctx context.Context) error, release func())
}

// A Loop is one way to work off many items, at most limit at a time.
type Loop struct {
	Name string

	// ForEach prepares loops over the numbers from 0 to items-1, as Library.Open does
	// for groups.
	ForEach func(limit, items int, fn func(ctx context.Context, item int) error) (run func(ctx context.Context) error, release func())
}

// A Mapper is a Loop that returns the results, in the order of the items.
type Mapper struct {
	Name string
	Map  func(limit, items int, fn func(ctx context.Context, item int) (int, error)) (run func(ctx context.Context) ([]int, error), release func())
}

// Modules are the modules whose packages take part, Trellis apart.
var Modules = []string{
	"golang.org/x/sync",
	"github.com/sourcegraph/conc",
	"github.com/alitto/pond/v2",
	"github.com/panjf2000/ants/v2",
	"github.com/gammazero/workerpool",
	"github.com/hashicorp/go-multierror",
}

// keep is the release of a library that has nothing to release.
func keep() {}
