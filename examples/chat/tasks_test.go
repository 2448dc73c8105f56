package main_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	chat "github.com/trellis-go/trellis/examples/chat"
	"github.com/trellis-go/trellis/tasktree"
)

// /debug/tasks shows the clients that have joined, each with its tasks.
func TestTasks(t *testing.T) {
	defer tasktree.Record()() // as the program does
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	s := startTCP(t, chat.Limits{})
	ada := s.join(t, "ada")
	defer ada.close()
	ada.say("hello") // and so has joined

	address := url.URL{Scheme: "http", Host: s.addr, Path: "/debug/tasks", RawQuery: "format=json&unfolded=1"}
	resp, err := http.Get(address.String())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var tree tasktree.Tree
	if err := json.NewDecoder(resp.Body).Decode(&tree); err != nil {
		t.Fatalf("%s: %v", resp.Status, err)
	}
	seen := make(map[string]bool)
	for _, n := range tree.All() {
		seen[n.Name] = true
	}
	for _, name := range []string{"hub", "client", "reader", "writer", "pinger"} {
		if !seen[name] {
			t.Errorf("the tree has no %q:\n%s", name, &tree)
		}
	}
}
