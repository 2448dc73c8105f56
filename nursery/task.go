package nursery

import (
	"context"
	"reflect"
	"runtime"
	"strings"
)

// A who says which task something is about.
type who struct {
	name string // given by the user, or, for a body or item, made up; "" if there is none
	task any    // its function, which it is named after if there is no name
	kind kind
}

// A kind tells tasks apart that are treated differently when they end.
type kind uint8

const (
	plainTask      kind = iota // of Go, Spawn or Start
	item                       // an item, or what gives the items
	backgroundTask             // of Background
	body                       // the body of the nursery
)

var bodyWho = who{name: "body", kind: body}

// madeUp reports whether String returns a name that the user did not give.
func (w who) madeUp() bool { return w.name == "" || w.kind == item || w.kind == body }

// String returns the name, or that of the function without its import path, and without
// the marks of method values and generic functions.
func (w who) String() string {
	if w.name != "" {
		return w.name
	}
	f := runtime.FuncForPC(reflect.ValueOf(w.task).Pointer())
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
	n.runFor(who{name: name, task: task}, task)
}

// runFor is the goroutine of a task that stands for w.
func (n *Nursery) runFor(w who, task func(ctx context.Context) error) {
	returned := false
	defer func() {
		if returned {
			n.exit(taskShare)
			return
		}
		defer n.exit(taskShare) // also after a callback has exited
		n.endAbnormally(w, recover(), nil)
	}()
	if err := task(n.ctx); err != nil {
		n.endWithError(w, err, nil)
	}
	returned = true
}
