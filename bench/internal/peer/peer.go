package peer

import "context"

// A Group starts tasks.
type Group interface {
	Go(t *Task)
}

// A Body starts tasks in an open group, in the goroutine that opened it. Its context
// is that of the group, if the library gives it to the body.
type Body func(ctx context.Context, g Group)

// A Library is one way to open a group and to wait for its tasks.
type Library struct {
	Name string

	// Open returns a function that opens a group under ctx, calls body, and returns
	// when all tasks have ended. Its calls must follow each other.
	Open func(body Body) func(ctx context.Context) error
}

// A Loop is one way to call a function for each of many items, at most limit at a time.
type Loop struct {
	Name string

	// ForEach returns a function that does so for the numbers from 0 to items-1.
	ForEach func(limit, items int, fn func(ctx context.Context, item int) error) func(ctx context.Context) error
}

// A Mapper is a Loop that returns the results in the order of the items.
type Mapper struct {
	Name string
	Map  func(limit, items int, fn func(ctx context.Context, item int) (int, error)) func(ctx context.Context) ([]int, error)
}

// The mappers of libraries that have none: each task writes its own element of the
// results, as the documentation of errgroup does.
var (
	ErrgroupMapper = inPlace(ErrgroupLoop)
	RawMapper      = inPlace(RawLoop)
)

func inPlace(l Loop) Mapper {
	return Mapper{l.Name, func(limit, items int, fn func(context.Context, int) (int, error)) func(context.Context) ([]int, error) {
		return func(ctx context.Context) ([]int, error) {
			results := make([]int, items)
			return results, l.ForEach(limit, items, func(ctx context.Context, item int) (err error) {
				results[item], err = fn(ctx, item)
				return err
			})(ctx)
		}
	}}
}

// numbers are the items of a loop over a slice.
func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
