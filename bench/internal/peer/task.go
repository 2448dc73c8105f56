package peer

import "context"

// A Task is a task in each of the forms that libraries take. It is made outside of
// what is measured, so that no library pays for an adapter around its tasks.
type Task struct {
	context func(ctx context.Context) error // gets the context of the group
	err     func() error
	plain   func()
}

// NewTask returns a task for the group whose context is ctx.
func NewTask(ctx context.Context, f func(ctx context.Context) error) *Task {
	return &Task{
		context: f,
		err:     func() error { return f(ctx) },
		plain:   func() { f(ctx) },
	}
}

// Work returns a task that needs no context and does not fail.
func Work(f func()) *Task {
	return &Task{
		context: func(context.Context) error { f(); return nil },
		err:     func() error { f(); return nil },
		plain:   f,
	}
}
