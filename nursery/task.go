package nursery

import (
	"context"
	"reflect"
	"runtime"
	"strings"
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
	f := runtime.FuncForPC(reflect.ValueOf(l.task).Pointer())
	if f == nil {
		return "task"
	}
	name := f.Name()
	name = name[strings.LastIndexByte(name, '/')+1:]
	name = strings.TrimSuffix(name, "-fm")       // a method value
	name = strings.ReplaceAll(name, "[...]", "") // type arguments
	return strings.ReplaceAll(name, "%2e", ".")  // a dot in the last part of an import path
}

// run is the goroutine of a task without a name; the name would cost every task the
// memory for it.
func (n *Nursery) run(task func(ctx context.Context) error) { n.runNamed("", task) }

// runNamed is the goroutine of a task.
func (n *Nursery) runNamed(name string, task func(ctx context.Context) error) {
	n.runFor(label{name: name, task: task}, task)
}

// runFor is the goroutine of a task that stands for l.
func (n *Nursery) runFor(l label, task func(ctx context.Context) error) {
	returned := false
	defer func() {
		if returned {
			n.exit(taskShare)
			return
		}
		defer n.exit(taskShare) // also after a callback has exited
		n.endAbnormally(l, recover(), nil)
	}()
	if err := task(n.ctx); err != nil {
		n.endWithError(l, err, nil)
	}
	returned = true
}
