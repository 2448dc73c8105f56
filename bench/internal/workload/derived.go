package workload

import (
	"context"
	"time"
)

type key struct{}

// forms are ways to derive a context of the standard library from another context,
// and to give it up again.
var forms = []struct {
	label, title string
	derive       func(ctx context.Context)
}{
	{"WithCancel", "WithCancel", func(ctx context.Context) {
		_, cancel := context.WithCancel(ctx)
		cancel()
	}},
	{"WithValueWithCancel", "WithCancel behind a WithValue", func(ctx context.Context) {
		_, cancel := context.WithCancel(context.WithValue(ctx, key{}, 1))
		cancel()
	}},
	{"WithTimeout", "WithTimeout", func(ctx context.Context) {
		_, cancel := context.WithTimeout(ctx, time.Hour)
		cancel()
	}},
	{"AfterFunc", "AfterFunc", func(ctx context.Context) {
		context.AfterFunc(ctx, func() {})()
	}},
}

// derived: contexts of the standard library below a scope.
func (c Config) derived() []Workload {
	calls := c.count(1000)
	saw := c.seen(nothing)
	var all []Workload
	for _, form := range forms {
		w := Workload{
			Name: "derive/form=" + form.label, Title: "derive " + form.title,
			Unit: "call", Units: calls, Against: "std",
		}
		for _, n := range nesters {
			w.Entrants = append(w.Entrants, Entrant{n.Name, func() (func(Timer) error, func()) {
				return underParent(n.Nest(1, 0, func(ctx context.Context) error {
					for range calls {
						form.derive(ctx)
						saw()
					}
					return nil
				}), nothing)
			}})
		}
		all = append(all, w)
	}
	return all
}
