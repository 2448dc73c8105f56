package nursery

import (
	"context"
	"iter"
	"math"
	"reflect"
	"strconv"
)

// Items are what [ForEach], [Map], [MapSeq] and [MapUnordered] take: a slice, a channel,
// a sequence (such as an [iter.Seq]) or a receive function, of any named type as well.
//
//   - A slice is not copied, and must not change before the call returns. The nil slice
//     has no items.
//   - A channel is received from until it is closed, by one goroutine at a time. A nil
//     channel has no items and no end, as everywhere: the call lasts until it is canceled.
//   - A sequence is pulled as a range statement would, and stopped when no more items are
//     wanted.
//   - A receive function returns the next item each time it is called, and [io.EOF] after
//     the last one: see [ForEach]. The method Receive of a memchan.Receiver is one.
//
// The compiler finds both type parameters by itself: the type of the items is the
// argument's, and T is what fn takes. Where it has to be named because the argument is
// a plain nil, the type of the items comes first: ForEach[[]int](ctx, 2, nil, fn).
type Items[T any] interface {
	~[]T | ~chan T | ~<-chan T | ~func(yield func(T) bool) | ~func(context.Context) (T, error)
}

// NoLimit is a limit for which there are never enough items: all that there are may run
// at a time. It is the same number on all machines.
const NoLimit = math.MaxInt32

// A supply is where items come from, in one of the three ways in which they are taken:
// a slice if both other fields are nil.
type supply[T any] struct {
	list    []T
	receive func(ctx context.Context) (T, error) // also for channels
	over    func() bool                          // reports whether receive has given the last item; nil if only receive knows
	seq     iter.Seq[T]
}

// slice returns the items if they are a slice, and reports whether they are.
func (s supply[T]) slice() ([]T, bool) { return s.list, s.receive == nil && s.seq == nil }

// supplyOf checks the arguments of an entry point that takes items, and returns the
// items.
func supplyOf[S Items[T], T any](call string, ctx context.Context, limit int, items S, noFunction bool) (s supply[T]) {
	checkItems(call, ctx, limit, noFunction)
	// The switch is over a pointer because a pointer to items does not move them to the
	// heap, which items in an interface would be.
	switch items := any(&items).(type) {
	case *[]T:
		s.list = *items
		return s
	case *chan T:
		s.receive = receiveFrom(*items)
		return s
	case *<-chan T:
		s.receive = receiveFrom(*items)
		return s
	case *iter.Seq[T]:
		s.seq = *items
	case *func(yield func(T) bool):
		s.seq = *items
	case *func(ctx context.Context) (T, error):
		s.receive = *items
	default:
		return named[T](call, reflect.ValueOf(items).Elem())
	}
	if s.seq == nil && s.receive == nil {
		panicNilItems(call)
	}
	return s
}

// named is supplyOf for the named types, which a type switch cannot list.
func named[T any](call string, items reflect.Value) (s supply[T]) {
	switch items.Kind() {
	case reflect.Slice:
		s.list = as[[]T](items)
		return s
	case reflect.Chan:
		s.receive = receiveFrom(as[<-chan T](items))
		return s
	}
	switch {
	case items.IsNil():
		panicNilItems(call)
	case items.CanConvert(reflect.TypeFor[iter.Seq[T]]()):
		s.seq = as[iter.Seq[T]](items)
	default:
		s.receive = as[func(ctx context.Context) (T, error)](items)
	}
	return s
}

// as converts v to the type To.
func as[To any](v reflect.Value) To { return v.Convert(reflect.TypeFor[To]()).Interface().(To) }

// checkItems panics where an entry point that takes items is misused.
func checkItems(call string, ctx context.Context, limit int, noFunction bool) {
	switch {
	case ctx == nil:
		panic("nursery: " + call + " with a nil context: pass context.Background() if there is none")
	case noFunction:
		panic("nursery: " + call + " with a nil function: there is nothing to run")
	case limit < 1:
		panic("nursery: " + call + " with a limit of " + strconv.Itoa(limit) + ": pass how many items may run at a time, 1 or more, or NoLimit")
	}
}

func panicNilItems(call string) {
	panic("nursery: " + call + " with a nil function for the items: pass an empty slice if there are none")
}
