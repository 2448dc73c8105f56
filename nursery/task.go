package nursery

import (
	"context"
	"reflect"
	"runtime"
	"strings"

	"github.com/trellis-go/trellis/internal/record"
)

// A label says which task an error, a panic or a callback is about.
type label struct {
	name string // given by the user, or, for a body or item, made up; "" if there is none
	task any    // its function, which it is named after if there is no name
	kind kind
}

// A kind distinguishes tasks that are treated differently when they end.
type kind uint8

const (
	plainTask      kind = iota // of Go, Spawn or Start
	item                       // an item, or what gives the items
	backgroundTask             // of Background
	body                       // the body of the nursery
)

var bodyLabel = label{name: "body", kind: body}

// madeUp reports whether String returns a name that the user did not give.
func (l label) madeUp() bool { return l.name == "" || l.kind == item || l.kind == body }

// String returns the name, or that of the function without its import path, and without
// the marks of method values and generic functions.
func (l label) String() string {
	if l.name != "" {
		return l.name
	}
	name := runtime.FuncForPC(reflect.ValueOf(l.task).Pointer()).Name()
	name = name[strings.LastIndexByte(name, '/')+1:]
	name = strings.TrimSuffix(name, "-fm")       // a method value
	name = strings.ReplaceAll(name, "[...]", "") // type arguments
	return strings.ReplaceAll(name, "%2e", ".")  // a dot in the last part of an import path
}

// run is the goroutine of a task without a name. It and the next one are written out, and
// make the label only when it is needed: a task that waits keeps their frames, and the
// runtime starts goroutines with more stack once the average is large.
func (n *Nursery) run(task func(ctx context.Context) error) {
	returned := false
	defer n.leave(&returned, "", task)
	if err := task(n.ctx); err != nil {
		n.fail("", task, err)
	}
	returned = true
}

// runNamed is the goroutine of a task with a name.
func (n *Nursery) runNamed(name string, task func(ctx context.Context) error) {
	returned := false
	defer n.leave(&returned, name, task)
	if err := task(n.ctx); err != nil {
		n.fail(name, task, err)
	}
	returned = true
}

// fail takes the error of a task without a handle.
func (n *Nursery) fail(name string, task any, err error) {
	n.endWithError(label{name: name, task: task}, err, nil)
}

// leave is deferred by the goroutine of a task without a handle, so that it can recover
// a panic. returned is false if the task has not returned, or the code that took its error.
func (n *Nursery) leave(returned *bool, name string, task func(ctx context.Context) error) {
	if *returned {
		n.exit(taskShare)
		return
	}
	defer n.exit(taskShare) // also after a callback has exited
	n.endAbnormally(label{name: name, task: task}, recover(), nil)
}

// runFor is the goroutine of a task that stands for another function.
// ctx is the context of the nursery, or the node of the task.
func (n *Nursery) runFor(ctx context.Context, l label, task func(ctx context.Context) error) {
	returned := false
	defer func() {
		if returned {
			n.exitNode(ctx, taskShare)
			return
		}
		defer n.exitNode(ctx, taskShare) // also after a callback has exited
		n.endAbnormally(l, recover(), nil)
	}()
	record.EnterContext(ctx)
	if err := task(ctx); err != nil {
		n.endWithError(l, err, nil)
	}
	returned = true
}
