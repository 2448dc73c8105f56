package tasktree_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree"
)

// Serve the page on a port of its own, that only this machine can reach. The same address
// gives text and JSON to scripts.
func ExampleHandler() {
	defer tasktree.Record()()
	mux := http.NewServeMux()
	mux.Handle("GET /debug/tasks", tasktree.Handler(tasktree.HandlerOptions{}))
	server := httptest.NewServer(mux) // http.ListenAndServe("localhost:6060", mux)
	defer server.Close()

	nursery.Config{Name: "server"}.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		response, err := http.Get(server.URL + "/debug/tasks?format=json")
		if err != nil {
			return err
		}
		defer response.Body.Close()
		var tree tasktree.Tree
		if err := json.NewDecoder(response.Body).Decode(&tree); err != nil {
			return err
		}
		for _, n := range tree.Roots {
			fmt.Println(n.Kind, n.Name, n.State)
		}
		return nil
	})
	http.DefaultClient.CloseIdleConnections()
	// Output: nursery server running
}

// Let users with a password see the page from other machines as well. Their names for tasks
// remain hidden.
func ExampleLocal() {
	handler := tasktree.Handler(tasktree.HandlerOptions{
		Allow: func(r *http.Request) bool {
			user, password, _ := r.BasicAuth()
			return tasktree.Local(r) || user == "ops" && password == "correct horse" // compare in constant time
		},
		Redact: func(string) string { return "…" },
	})
	for _, password := range []string{"correct horse", "guess"} {
		r := httptest.NewRequest("GET", "https://shop.example/debug/tasks", nil)
		r.SetBasicAuth("ops", password)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// 200
	// 403
}

// Learn from the log why a program does not end, and which task it waits for.
func ExampleWatch() {
	defer tasktree.Record()()
	err := nursery.Config{Name: "program"}.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		begun, noticed, release := make(chan bool), make(chan bool), make(chan bool)
		n.Background("watch", func(ctx context.Context) error {
			return tasktree.Watch(ctx, tasktree.WatchOptions{
				Canceled: 20 * time.Millisecond, // 10 seconds unless it is set
				Report: func(_ context.Context, s *tasktree.Stall) {
					if !s.Over {
						fmt.Println(s.Kind, s.Node.Name, "waits for", s.Waits[0].Name)
						close(noticed)
					}
				},
			})
		})
		request := n.Task("request", func(ctx context.Context) error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.GoNamed("query", func(context.Context) error { close(begun); <-release; return nil }) // does not look at its context
				return nil
			})
		})
		<-begun
		request.Cancel(nil)
		<-noticed
		close(release)
		return nil
	})
	fmt.Println(err)
	// Output:
	// canceled request waits for query
	// <nil>
}
