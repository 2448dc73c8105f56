package nursery

import (
	"errors"
	"io"
	"reflect"
	"strconv"

	"go.temporal.io/sdk/workflow"
)

// Items is what [ForEach] and [Map] take: a slice, a sequence, or a function that receives one
// item at a time and returns io.EOF after the last, such as wait.From of a channel. The order of
// the items must be the same each time the workflow is run: sort what comes from a map.
type Items[T any] interface {
	~[]T | ~func(yield func(T) bool) | ~func(ctx workflow.Context) (T, error)
}

// A source starts the tasks of one item after the other. It asks room whether there may be one
// more, which waits until there may and reports false once the nursery is canceled, and takes no
// item before. It returns the error that kept it from having all items.
type source[T any] func(ctx workflow.Context, room func() bool, start func(item T)) error

// sourceOf returns the source for items.
func sourceOf[S Items[T], T any](call string, items S) source[T] {
	v := reflect.ValueOf(items)
	switch {
	case v.Kind() == reflect.Func && v.IsNil():
		panic("nursery: " + call + " with a nil function for the items: pass an empty slice if there are none")
	case v.Kind() == reflect.Slice:
		return fromSlice(v.Convert(reflect.TypeFor[[]T]()).Interface().([]T))
	case v.Type().NumOut() == 0:
		return fromSeq(v.Convert(reflect.TypeFor[func(func(T) bool)]()).Interface().(func(func(T) bool)))
	}
	return fromFunc(v.Convert(reflect.TypeFor[func(workflow.Context) (T, error)]()).Interface().(func(workflow.Context) (T, error)))
}

func fromSlice[T any](items []T) source[T] {
	return func(_ workflow.Context, room func() bool, start func(T)) error {
		for _, item := range items {
			if !room() {
				break
			}
			start(item)
		}
		return nil
	}
}

func fromSeq[T any](seq func(yield func(T) bool)) source[T] {
	return func(_ workflow.Context, room func() bool, start func(T)) error {
		if !room() {
			return nil
		}
		seq(func(item T) bool {
			start(item)
			return room()
		})
		return nil
	}
}

func fromFunc[T any](receive func(ctx workflow.Context) (T, error)) source[T] {
	return func(ctx workflow.Context, room func() bool, start func(T)) error {
		for room() {
			item, err := receive(ctx)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			start(item)
		}
		return nil
	}
}

// NoLimit is the limit of [ForEach] and its relatives for as many items at a time as there are.
const NoLimit = int(^uint(0) >> 1)

// checkItems panics where an entry point that takes items is misused.
func checkItems(call string, ctx workflow.Context, limit int, noFunction bool) {
	switch {
	case ctx == nil:
		panic("nursery: " + call + " with a nil context: pass the one of the workflow or task")
	case noFunction:
		panic("nursery: " + call + " with a nil function: there is nothing to run")
	case limit < 1:
		panic("nursery: " + call + " with a limit of " + strconv.Itoa(limit) + ": pass how many items may run at a time, 1 or more, or NoLimit")
	}
}
