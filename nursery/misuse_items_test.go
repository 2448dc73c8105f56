package nursery_test

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

func TestMisuseOfCombinators(t *testing.T) {
	ctx := t.Context()
	fn := func(context.Context, int) error { return nil }
	fnr := func(context.Context, int) (int, error) { return 0, nil }
	f := func(context.Context) (int, error) { return 0, nil }
	type named func(yield func(int) bool)
	type receive func(context.Context) (int, error)
	calls := []struct {
		call, want string
		f          func()
	}{
		{"ForEach(ctx, 1, nil receive function, fn)", "nursery: ForEach with a nil function for the items: pass ", func() {
			_ = nursery.ForEach[func(context.Context) (int, error)](ctx, 1, nil, fn)
		}},
		{"ForEach(ctx, 1, nil function, fn)", "nursery: ForEach with a nil function for the items: pass ", func() {
			_ = nursery.ForEach[func(func(int) bool)](ctx, 1, nil, fn)
		}},
		{"ForEach(ctx, 1, nil sequence of a named type, fn)", "nursery: ForEach with a nil function for the items: pass ", func() {
			_ = nursery.ForEach[named](ctx, 1, nil, fn)
		}},
		{"ForEach(ctx, 1, nil receive function of a named type, fn)", "nursery: ForEach with a nil function for the items: pass ", func() {
			_ = nursery.ForEach[receive](ctx, 1, nil, fn)
		}},
		{"ForEach(ctx, -7, items, fn)", "nursery: ForEach with a limit of -7: pass ", func() { _ = nursery.ForEach(ctx, -7, upTo(0), fn) }},
		{"ForN(nil, 1, 1, fn)", "nursery: ForN with a nil context: pass ", func() { _ = nursery.ForN(noContext, 1, 1, fn) }},
		{"ForN(ctx, 0, 1, fn)", "nursery: ForN with a limit of 0: pass ", func() { _ = nursery.ForN(ctx, 0, 1, fn) }},
		{"ForN(ctx, 1, 1, nil)", "nursery: ForN with a nil function: ", func() { _ = nursery.ForN(ctx, 1, 1, nil) }},
		{"Race(nil, nil, f)", "nursery: Race with a nil context: pass ", func() { _, _ = nursery.Race(noContext, nil, f) }},
		{"Race(ctx, nil, f, nil)", "nursery: Race with a nil function: ", func() { _, _ = nursery.Race(ctx, nil, f, nil) }},
		{"Race(ctx, nil)", "nursery: Race without functions: ", func() { _, _ = nursery.Race[int](ctx, nil) }},
		{"All(nil, f)", "nursery: All with a nil context: pass ", func() { _, _ = nursery.All(noContext, f) }},
		{"All(ctx, f, nil)", "nursery: All with a nil function: ", func() { _, _ = nursery.All(ctx, f, nil) }},
	}
	for _, e := range []struct {
		name string
		call func(ctx context.Context, limit int, items iter.Seq[int], fn func(context.Context, int) (int, error))
	}{
		{"ForEach", func(ctx context.Context, limit int, items iter.Seq[int], fn func(context.Context, int) (int, error)) {
			each := func(context.Context, int) error { return nil }
			if fn == nil {
				each = nil
			}
			_ = nursery.ForEach(ctx, limit, items, each)
		}},
		{"Map", func(ctx context.Context, limit int, items iter.Seq[int], fn func(context.Context, int) (int, error)) {
			_, _ = nursery.Map(ctx, limit, items, fn)
		}},
		{"MapSeq", func(ctx context.Context, limit int, items iter.Seq[int], fn func(context.Context, int) (int, error)) {
			nursery.MapSeq(ctx, limit, items, fn)
		}},
		{"MapUnordered", func(ctx context.Context, limit int, items iter.Seq[int], fn func(context.Context, int) (int, error)) {
			nursery.MapUnordered(ctx, limit, items, fn)
		}},
	} {
		for _, c := range []struct {
			call, want string
			f          func()
		}{
			{"nil, 1, items, fn", "a nil context: pass ", func() { e.call(noContext, 1, upTo(0), fnr) }},
			{"ctx, 1, nil, fn", "a nil function for the items: pass ", func() { e.call(ctx, 1, nil, fnr) }},
			{"ctx, 1, items, nil", "a nil function: ", func() { e.call(ctx, 1, upTo(0), nil) }},
			{"ctx, 0, items, fn", "a limit of 0: pass how many items may run at a time, 1 or more, or NoLimit", func() { e.call(ctx, 0, upTo(0), fnr) }},
		} {
			c.call, c.want = fmt.Sprintf("%s(%s)", e.name, c.call), "nursery: "+e.name+" with "+c.want
			calls = append(calls, c)
		}
	}
	for _, c := range calls {
		bubbletest.CheckPanics(t, c.call, c.want, c.f)
	}
}
