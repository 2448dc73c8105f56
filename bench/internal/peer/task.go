package peer

import "context"

// A Task is a function in each of the forms that libraries take. It is made before
// anything is measured, so that no library pays for an adapter around its tasks.
type Task struct {
	context func(ctx context.Context) error // gets the context of the group
	err     func() error
	plain   func()

	ctx context.Context // for err and plain; written by Under before a group starts t
}

// NewTask returns a task that calls f. Where a library gives its tasks no context, f
// gets that of the last call of Under.
func NewTask(f func(ctx context.Context) error) *Task {
	t := &Task{context: f, ctx: context.Background()}
	t.err = func() error { return f(t.ctx) }
	t.plain = func() { f(t.ctx) }
	return t
}

// Under says which context the group has that will start t. It must not be called
// while t runs.
func (t *Task) Under(ctx context.Context) { t.ctx = ctx }

// Work returns a task that needs no context and does not fail.
func Work(f func()) *Task {
	return &Task{
		context: func(context.Context) error { f(); return nil },
		err:     func() error { f(); return nil },
		plain:   f,
	}
}
