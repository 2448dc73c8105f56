package record_test

import (
	"context"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/trellis-go/trellis/internal/record"
)

// lives reports whether the node is among those that live.
func lives(n *record.Node) bool { return slices.Contains(record.All(), n) }

func newTask(parent *record.Node) *record.Node {
	return record.New(record.Task, context.Background(), parent, "task", nil)
}

// A node that is linked late, by a goroutine inside, while it ends is not left behind.
func TestEndWhileLinking(t *testing.T) {
	defer record.Start(nil)()
	n := newTask(nil)
	defer record.WhileLinking(n.End)()
	n.Link()
	if all := record.All(); n.Lives() || len(all) != 0 {
		t.Errorf("the node lives after End: %v, and %d are in the lists, want false and 0", n.Lives(), len(all))
	}
}

// linked returns so many nodes that are in the lists.
func linked(count int) (all []*record.Node) {
	for range count {
		n := newTask(nil)
		n.Link()
		all = append(all, n)
	}
	return all
}

// Nodes that end leave the others in the lists, wherever they stand.
func TestEndsInTheMiddle(t *testing.T) {
	defer record.Start(nil)()
	all := linked(10_000)
	for step := 3; step > 0; step-- {
		want := make(map[*record.Node]bool)
		for i, n := range all {
			if i%step == 0 {
				n.End()
			}
			if n.Lives() {
				want[n] = true
			}
		}
		got := record.All()
		for _, n := range got {
			if !want[n] {
				t.Fatalf("after the end of each of %d nodes, one that has ended is in the lists", step)
			}
		}
		if len(got) != len(want) {
			t.Fatalf("after the end of each of %d nodes, %d are in the lists, want %d", step, len(got), len(want))
		}
	}
}

func TestEndTwice(t *testing.T) {
	defer record.Start(nil)()
	n, other := newTask(nil), newTask(nil)
	n.Link()
	other.Link()
	n.Link() // does nothing
	if !lives(n) || !lives(other) || n.ID() == 0 || n.ID() == other.ID() {
		t.Errorf("after Link the nodes have the IDs %d and %d, and %d live", n.ID(), other.ID(), len(record.All()))
	}
	n.End()
	n.End()
	n.Link()
	if lives(n) || !lives(other) || n.ID() == 0 {
		t.Errorf("after End of one, which has the ID %d, %d nodes live, want the other one", n.ID(), len(record.All()))
	}
	other.End()
	never := newTask(nil)
	never.End()
	never.Link()
	if lives(never) || never.ID() != 0 {
		t.Errorf("a node that ended before Link lives, or has the ID %d", never.ID())
	}
}

// Many goroutines link and end nodes while others read the lists.
func TestLists(t *testing.T) {
	defer record.Start(nil)()
	stays := newTask(nil)
	stays.Link()
	defer stays.End()
	var writers, readers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		writers.Go(func() {
			var some []*record.Node
			for i := range 20_000 {
				n := newTask(stays)
				n.Link()
				some = append(some, n)
				if at := i % 7; at < len(some) {
					some[at].End()
					some = slices.Delete(some, at, at+1)
				}
			}
			for _, n := range some {
				n.End()
			}
		})
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				all := record.All()
				if !slices.Contains(all, stays) {
					t.Errorf("a node that lives is not among %d", len(all))
					return
				}
				for _, n := range all {
					n.View()
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
	if left := len(record.All()); left != 1 {
		t.Errorf("%d nodes are left, want 1", left)
	}
}

// A node in no list lives while nodes inside do, also such as are inside others that have
// ended.
func TestPassive(t *testing.T) {
	defer record.Start(nil)()
	outer := record.New(record.Group, context.Background(), nil, "outer", nil)
	outer.Passive()
	group := record.New(record.Group, context.Background(), outer, "group", nil)
	group.Passive()
	between, task := newTask(group), (*record.Node)(nil)
	between.Link()
	task = newTask(between)
	task.Link()
	between.End()
	if all := record.All(); len(all) != 3 || !lives(outer) || !lives(group) || !lives(task) {
		t.Errorf("%d nodes live, want 3: the groups and the task", len(all))
	}
	task.End()
	if all := record.All(); len(all) != 0 {
		t.Errorf("%d nodes live after the task, want none", len(all))
	}
}

// A node is the context that it is made from.
func TestNodesAreContexts(t *testing.T) {
	type key struct{}
	ctx, cancel := context.WithCancelCause(context.WithValue(context.Background(), key{}, "value"))
	n := record.New(record.Task, record.New(record.Task, ctx, nil, "", nil), nil, "", nil)
	if n.Inside() != ctx || record.Unwrap(n) != ctx || record.Unwrap(ctx) != ctx || !record.Is(n) || record.Is(ctx) {
		t.Error("the node does not say that it is the context, and not another node")
	}
	derived := context.WithValue(n, key{}, "other")
	if record.Of(n) != n || record.Of(derived) != n || record.Of(ctx) != nil {
		t.Error("Of does not find the node that is nearest to a context")
	}
	if n.Value(key{}) != "value" || n.Done() != ctx.Done() || n.Err() != nil || n.String() != ctx.(interface{ String() string }).String() {
		t.Errorf("the node has value %v, Err %v and text %q", n.Value(key{}), n.Err(), n)
	}
	below, end := context.WithCancel(n)
	defer end()
	// Many, because goroutines of an earlier test may just be about to end.
	const many = 100
	before := runtime.NumGoroutine()
	for range many {
		_, end := context.WithCancel(n)
		defer end()
	}
	if started := runtime.NumGoroutine() - before; started > many/2 {
		t.Errorf("%d contexts derived from a node have started %d goroutines, want none", many, started)
	}
	cancel(context.DeadlineExceeded)
	if below.Err() == nil || context.Cause(below) != context.DeadlineExceeded || context.Cause(n) != context.DeadlineExceeded {
		t.Errorf("below a canceled node: %v, %v", below.Err(), context.Cause(below))
	}
}

func TestFunctions(t *testing.T) {
	const module = "github.com/trellis-go/trellis/"
	for name, want := range map[string]bool{
		module + "nursery.Run":                       true,
		module + "nursery.(*Nursery).Go":             true,
		module + "nursery.ForEach[...].func1":        true,
		module + "nursery_test.TestX":                false,
		module + "internal/record.New":               true,
		module + "tasktree/tasktest.Check":           true,
		module + "tasktree/tasktester.Check":         false,
		module + "examples/chat.serve":               false,
		"main.main":                                  false,
		"example.com/nursery.Run":                    false,
		"github.com/trellis-go/trellis2/nursery.Run": false,
		"runtime.goexit":                             true,
		"sync.(*Once).doSlow":                        true,
		"synchrony.Do":                               false,
	} {
		if got := record.OwnFunction(name); got != want {
			t.Errorf("OwnFunction(%q) = %v, want %v", name, got, want)
		}
	}
	for name, want := range map[string]string{
		"example.com/a/b%2ec.(*T).M-fm": "b.c.(*T).M", "main.F[...]": "main.F", "main.main.func1": "main.main.func1", "": "",
	} {
		if got := record.ShortFunc(name); got != want {
			t.Errorf("ShortFunc(%q) = %q, want %q", name, got, want)
		}
	}
}

// Where many calls start tasks, each is looked up once: none takes the place of another one.
func TestAddressesAreKnown(t *testing.T) {
	var pcs []uintptr
	base := reflect.ValueOf(record.OwnFunction).Pointer()
	for random := rand.New(rand.NewPCG(1, 2)); len(pcs) < 100; {
		pcs = append(pcs, base+uintptr(random.IntN(1<<22)))
	}
	if n := testing.AllocsPerRun(10, func() {
		for _, pc := range pcs {
			record.IsOurs(pc)
		}
	}); n != 0 {
		t.Errorf("to ask for %d addresses again allocates %v times, want never", len(pcs), n)
	}
	if !record.IsOurs(base + 1) {
		t.Error("an address in this package is not ours")
	}
}

// Lists that have been long give back their memory.
func TestListsShrink(t *testing.T) {
	defer record.Start(nil)()
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	for _, n := range linked(500_000) {
		n.End()
	}
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("after 500,000 nodes the heap has grown by %d bytes, want at most %d", grown, 1<<20)
	}
}
