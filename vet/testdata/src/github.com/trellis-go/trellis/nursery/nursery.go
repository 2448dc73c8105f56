// Package nursery has the declarations of the real one, for the tests of analyzers.
package nursery

import (
	"context"
	"iter"

	"github.com/trellis-go/trellis/cancelscope"
)

const NoLimit = 1<<31 - 1

type Nursery struct{ scope cancelscope.Scope }

type Config struct {
	Name      string
	Supervise bool
}

type Task[T any] struct {
	n     *Nursery
	value T
}

func (t *Task[T]) Wait(ctx context.Context) (T, error) { return t.value, nil }
func (t *Task[T]) Join() (T, error)                    { return t.value, nil }
func (t *Task[T]) Cancel(reason error)                 {}

func Run(ctx context.Context, body func(ctx context.Context, n *Nursery) error) error { return nil }

func (c Config) Run(ctx context.Context, body func(ctx context.Context, n *Nursery) error) error {
	return nil
}

func First(err error) error { return err }

func (n *Nursery) Scope() *cancelscope.Scope                                           { return &n.scope }
func (n *Nursery) Running() int                                                        { return 0 }
func (n *Nursery) Go(f func(ctx context.Context) error)                                {}
func (n *Nursery) GoNamed(name string, f func(ctx context.Context) error)              {}
func (n *Nursery) TryGo(name string, f func(ctx context.Context) error) bool           { return true }
func (n *Nursery) Task(name string, f func(ctx context.Context) error) *Task[struct{}] { return nil }
func (n *Nursery) Background(name string, f func(ctx context.Context) error) *Task[struct{}] {
	return nil
}

func Spawn[T any](n *Nursery, name string, f func(ctx context.Context) (T, error)) *Task[T] {
	return &Task[T]{n: n}
}

func Start[T any](ctx context.Context, n *Nursery, name string, f func(ctx context.Context, started func(T)) error) (T, error) {
	var zero T
	return zero, nil
}

type Items[T any] interface {
	~[]T | ~chan T | ~<-chan T | ~func(yield func(T) bool) | ~func(context.Context) (T, error)
}

func ForEach[S Items[T], T any](ctx context.Context, limit int, items S, fn func(ctx context.Context, item T) error) error {
	return nil
}

func ForN(ctx context.Context, limit, n int, fn func(ctx context.Context, i int) error) error {
	return nil
}

func Map[S Items[T], T, R any](ctx context.Context, limit int, items S, fn func(ctx context.Context, item T) (R, error)) ([]R, error) {
	return nil, nil
}

func MapSeq[S Items[T], T, R any](ctx context.Context, limit int, items S, fn func(ctx context.Context, item T) (R, error)) iter.Seq2[R, error] {
	return nil
}

func Race[T any](ctx context.Context, discard func(T), fns ...func(ctx context.Context) (T, error)) (T, error) {
	var zero T
	return zero, nil
}

func All(ctx context.Context, fns ...func(ctx context.Context) error) error { return nil }
