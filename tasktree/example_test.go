package tasktree_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree"
)

// See what a nursery waits for.
func Example() {
	defer tasktree.Record()()
	nursery.Config{Name: "serve"}.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		for range 1000 {
			n.GoNamed("connection", func(ctx context.Context) error { <-ctx.Done(); return nil })
		}
		for depth, node := range tasktree.Take(tasktree.Options{}).All() {
			fmt.Print(strings.Repeat("  ", depth), node.Kind, " ", node.Name)
			if node.Same != nil {
				fmt.Print(", and ", node.Same.Count, " more")
			}
			fmt.Println()
		}
		n.Scope().Cancel(nil)
		return nil
	})
	// Output:
	// nursery serve
	//   task connection, and 999 more
}

// Turn recording on for as long as main runs.
func ExampleRecord() {
	defer tasktree.Record()()
	nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		tree := tasktree.Take(tasktree.Options{})
		fmt.Println(!tree.RecordingSince.IsZero(), tree.Total)
		return nil
	})
	// Output: true 1
}

// Learn what each task waits for, at the price of some microseconds a task.
func ExampleConfig_Record() {
	defer tasktree.Config{Labels: true}.Record()()
	nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		stuck := make(chan bool)
		ready := make(chan bool)
		n.GoNamed("stuck", func(context.Context) error {
			close(ready)
			<-stuck
			return nil
		})
		<-ready
		node := tasktree.Take(tasktree.Options{Stacks: true}).Roots[0].Children[0]
		function, _, _ := strings.Cut(node.Goroutine.Stack[0], " ")
		fmt.Println(node.Name, "is in", function)
		close(stuck)
		return nil
	})
	// Output: stuck is in tasktree_test.ExampleConfig_Record.func1.1
}

// See in a panic what else runs: all other tasks have been canceled, and the one that
// panics has not ended.
func ExampleTake_panic() {
	defer tasktree.Record()()
	defer func() { recover() }()
	nursery.Config{
		OnPanic: func(*nursery.PanicError) {
			for _, node := range tasktree.Take(tasktree.Options{}).All() { // or WriteText to os.Stderr
				fmt.Println(node.Kind, node.Name, node.State)
			}
		},
	}.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.GoNamed("bad", func(context.Context) error { panic("bug") })
		return nil
	})
	// Output:
	// nursery  canceled
	// task bad canceled
}

// Look only at what is inside the present task.
func ExampleTake() {
	defer tasktree.Record()()
	nursery.Config{Name: "outer"}.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.GoNamed("job", func(ctx context.Context) error {
			return nursery.Config{Name: "inner"}.Run(ctx, func(context.Context, *nursery.Nursery) error {
				tree := tasktree.Take(tasktree.Options{Within: ctx})
				fmt.Println(tree.Roots[0].Name, "has", tree.Roots[0].Children[0].Name)
				return nil
			})
		})
		return nil
	})
	// Output: job has inner
}

// Find the tasks that have been canceled and still run.
func ExampleTree_All() {
	defer tasktree.Record()()
	nursery.Config{Name: "pool"}.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		looked := make(chan bool)
		n.GoNamed("deaf", func(context.Context) error {
			<-looked // and not ctx.Done()
			return nil
		})
		n.Scope().Cancel(nil)
		for _, node := range tasktree.Take(tasktree.Options{}).All() {
			if node.Kind == tasktree.KindTask && node.Canceled != nil {
				fmt.Println(node.Name, "has been canceled", node.Canceled.Text)
			}
		}
		close(looked)
		return nil
	})
	// Output: deaf has been canceled by a call in "pool"
}

// Name whatever runs, also what the program has given no name.
func ExampleNode_Title() {
	defer tasktree.Record()()
	nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		for _, node := range tasktree.Take(tasktree.Options{}).All() {
			fmt.Printf("%s %q\n", node.Kind, node.Title())
		}
		return nil
	})
	// Output: nursery "nursery"
}

// saved is a tree that another process has written as JSON.
const saved = `{"version":1,"taken":"2026-11-26T12:00:00Z","recordingSince":"2026-11-26T11:00:00Z","goroutines":5,"total":3,"roots":[
	{"id":1,"kind":"nursery","name":"serve","since":"2026-11-26T11:00:00Z","state":"running","running":2,"place":"chat/main.go:31","children":[
		{"id":2,"kind":"task","name":"connection","since":"2026-11-26T11:59:00Z","state":"running","place":"chat/server.go:77","same":{"count":1}}]}]}`

// Read a tree that another process has written.
func ExampleTree_WriteText() {
	var tree tasktree.Tree
	if err := json.Unmarshal([]byte(saved), &tree); err != nil {
		fmt.Println(err)
		return
	}
	tree.WriteText(os.Stdout, 60)
	// Output:
	// tasktree: 3 nodes, 5 goroutines, recording for 1h00m
	// nursery serve, 1h00m, 2 tasks                chat/main.go:31
	// └─ task connection × 2, 1m00s              chat/server.go:77
}

// Save what runs, for other programs.
func ExampleTree_WriteJSON() {
	tree := &tasktree.Tree{Version: tasktree.Version, Roots: []*tasktree.Node{{ID: 1, Kind: tasktree.KindTask, Name: "job", State: tasktree.StateRunning}}}
	if err := tree.WriteJSON(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output: {"version":1,"taken":"0001-01-01T00:00:00Z","goroutines":0,"total":0,"roots":[{"id":1,"kind":"task","name":"job","state":"running"}]}
}

// Have the tree in a log.
func ExampleTree_String() {
	fmt.Print(tasktree.Take(tasktree.Options{}))
	// Output: tasktree: recording is off
}

// See what runs when the process receives SIGUSR1.
func ExampleOnSignal() {
	defer tasktree.Record()()
	defer tasktree.OnSignal(os.Stderr)()
	nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return nil }) // kill -USR1 shows what runs here
		return nil
	})
	// Output:
}
