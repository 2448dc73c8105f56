package tasktree_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree"
)

// get asks a handler from this machine.
func get(h http.Handler, query string) *httptest.ResponseRecorder {
	return request(h, "GET", query, "127.0.0.1:4711")
}

func request(h http.Handler, method, query, peer string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://localhost/debug/tasks"+query, nil)
	r.RemoteAddr = peer
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// treeOf returns the tree in a response.
func treeOf(t *testing.T, w *httptest.ResponseRecorder) *tasktree.Tree {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	var tree tasktree.Tree
	if err := json.Unmarshal(w.Body.Bytes(), &tree); err != nil {
		t.Fatalf("the response is no tree: %v\n%s", err, w.Body)
	}
	return &tree
}

// named returns the node with a name, nil if there is none.
func named(tree *tasktree.Tree, name string) *tasktree.Node {
	for _, n := range tree.All() {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// inNursery records, and calls fn while a nursery with that many tasks of the names "task 0"
// and so on runs. They have all begun.
func inNursery(t *testing.T, name string, tasks int, fn func(ctx context.Context, n *nursery.Nursery)) {
	t.Helper()
	defer tasktree.Config{Labels: true}.Record()()
	err := nursery.Config{Name: name}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		release := make(chan struct{})
		defer close(release)
		var begun sync.WaitGroup
		begun.Add(tasks)
		for i := range tasks {
			n.GoNamed(fmt.Sprint("task ", i), func(context.Context) error {
				begun.Done()
				<-release
				return nil
			})
		}
		begun.Wait()
		fn(ctx, n)
		return nil
	})
	if err != nil {
		t.Errorf("the nursery returned %v", err)
	}
}

func TestHandlerPage(t *testing.T) {
	w := get(tasktree.Handler(tasktree.HandlerOptions{}), "")
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Fatalf("the page has status %d and type %q", w.Code, w.Header().Get("Content-Type"))
	}
	page, policy := w.Body.String(), w.Header().Get("Content-Security-Policy")
	for _, tag := range []string{"script", "style"} {
		if n := strings.Count(page, "<"+tag); n != 1 {
			t.Fatalf("the page has %d elements %s, want one", n, tag)
		}
		_, rest, _ := strings.Cut(page, "<"+tag+">")
		content, _, _ := strings.Cut(rest, "</"+tag+">")
		sum := sha256.Sum256([]byte(content))
		if want := tag + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, want) {
			t.Errorf("the policy %q does not allow the %s: no %s", policy, tag, want)
		}
	}
	for _, want := range []string{"default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy %q lacks %s", policy, want)
		}
	}
	for _, bad := range []string{"http://", "https://", "//cdn", "innerHTML", " onclick=", " style=", "javascript:", "eval(", "unsafe-inline"} {
		if strings.Contains(page, bad) || strings.Contains(policy, bad) {
			t.Errorf("the page or its policy has %q", bad)
		}
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestHandlerAccess(t *testing.T) {
	h := tasktree.Handler(tasktree.HandlerOptions{})
	for _, query := range []string{"", "?format=text", "?format=json", "?format=json&stacks=1&force=1"} {
		w := request(h, "GET", query, "10.0.0.7:4711")
		if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "localhost") || strings.Contains(w.Body.String(), "<") {
			t.Errorf("%q from another machine: status %d and %q, want 403 and why", query, w.Code, w.Body)
		}
	}
	asked := 0
	h = tasktree.Handler(tasktree.HandlerOptions{Allow: func(r *http.Request) bool {
		asked++
		return r.RemoteAddr == "10.0.0.7:4711"
	}})
	if w := request(h, "GET", "?format=json", "10.0.0.7:4711"); w.Code != http.StatusOK {
		t.Errorf("an allowed request gets status %d", w.Code)
	}
	if w := get(h, ""); w.Code != http.StatusForbidden {
		t.Errorf("a request from this machine that Allow refuses gets status %d", w.Code)
	}
	if asked != 2 {
		t.Errorf("Allow was called %d times for 2 requests", asked)
	}
}

func TestHandlerMethods(t *testing.T) {
	h := tasktree.Handler(tasktree.HandlerOptions{})
	for method, want := range map[string]int{"GET": 200, "HEAD": 200, "POST": 405, "PUT": 405, "DELETE": 405, "OPTIONS": 405} {
		w := request(h, method, "", "127.0.0.1:4711")
		if w.Code != want || want == 405 && w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: status %d, Allow %q, want status %d", method, w.Code, w.Header().Get("Allow"), want)
		}
	}
}

func TestHandlerQueries(t *testing.T) {
	h := tasktree.Handler(tasktree.HandlerOptions{})
	for query, want := range map[string]string{
		"?format=xml":                                 "format must be text or json",
		"?format=json&max=0":                          "max must be a number from 1",
		"?format=json&max=-1":                         "max must be a number from 1",
		"?format=json&max=many":                       "max must be a number from 1",
		"?format=text&width=39":                       "width must be a number from 40 to 1000",
		"?format=text&width=99999":                    "width must be a number from 40 to 1000",
		"?format=json&stacks=yes":                     "stacks must be a number from 0 to 1",
		"?format=json&unfolded=2":                     "unfolded must be a number from 0 to 1",
		"?format=json&id=x":                           "id must be that of a node",
		"?format=json&id=-1":                          "id must be that of a node",
		"?format=%zz":                                 "the query is broken",
		"?format=" + strings.Repeat("<script>", 1000): "format must be text or json",
	} {
		w := get(h, query)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) || w.Body.Len() > 300 {
			t.Errorf("%.50s: status %d and %.300q, want 400 and %q", query, w.Code, w.Body, want)
		}
		if kind := w.Header().Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") {
			t.Errorf("%.50s: the error is %q, want plain text", query, kind)
		}
	}
}

func TestHandlerFormats(t *testing.T) {
	inNursery(t, "formats", 12, func(context.Context, *nursery.Nursery) {
		h := tasktree.Handler(tasktree.HandlerOptions{})
		w := get(h, "?format=text")
		if kind := w.Header().Get("Content-Type"); kind != "text/plain; charset=utf-8" || !strings.Contains(w.Body.String(), "formats") {
			t.Errorf("text: %q\n%s", kind, w.Body)
		}
		for _, line := range strings.Split(get(h, "?format=text&width=40").Body.String(), "\n") {
			if n := len([]rune(line)); n > 40 {
				t.Errorf("width=40: a line has %d columns: %s", n, line)
			}
		}
		w = get(h, "?format=json")
		if kind := w.Header().Get("Content-Type"); kind != "application/json" {
			t.Errorf("JSON: %q", kind)
		}
		tree := treeOf(t, w)
		n := named(tree, "formats")
		if n == nil || len(n.Children) != 1 || n.Children[0].Same == nil || n.Children[0].Same.Count != 11 {
			t.Fatalf("the tree is\n%s\nwant a nursery with twelve tasks in one node", w.Body)
		}
		if n := named(treeOf(t, get(h, "?format=json&unfolded=1")), "formats"); len(n.Children) != 12 {
			t.Errorf("unfolded=1: the nursery has %d nodes inside, want 12", len(n.Children))
		}
		for _, child := range treeOf(t, get(h, "?format=json&stacks=1&unfolded=1")).Roots[0].Children {
			if g := child.Goroutine; g == nil || g.State == "" || len(g.Stack) == 0 {
				t.Errorf("stacks=1: the goroutine of %s is %+v, want its state and stack", child.Name, g)
			}
		}
	})
}

// A request for one node gets that and what is inside it, also if it is folded away
// elsewhere.
func TestHandlerOneNode(t *testing.T) {
	inNursery(t, "one node", 50, func(context.Context, *nursery.Nursery) {
		h := tasktree.Handler(tasktree.HandlerOptions{})
		all := treeOf(t, get(h, "?format=json&unfolded=1"))
		task, around := named(all, "task 31"), named(all, "one node")
		part := treeOf(t, get(h, fmt.Sprintf("?format=json&stacks=1&id=%d", task.ID)))
		if len(part.Roots) != 1 || part.Roots[0].Name != "task 31" || part.Total != 1 || part.Roots[0].Goroutine == nil {
			t.Errorf("id of a task: %d roots, total %d, want that task with its goroutine", len(part.Roots), part.Total)
		}
		part = treeOf(t, get(h, fmt.Sprintf("?format=json&unfolded=1&max=10&id=%d", around.ID)))
		if n := part.Roots[0]; len(n.Children) == 0 || len(n.Children)+1 > 10 || len(n.Children)+n.Omitted != 50 || part.Total != 51 || !part.Truncated {
			t.Errorf("id of the nursery with max=10: %d inside, %d left out, total %d, truncated %t; want at most 9 and the rest of 50, 51, true",
				len(n.Children), n.Omitted, part.Total, part.Truncated)
		}
		for _, format := range []string{"json", "text"} {
			w := get(h, "?format="+format+"&id=18446744073709551615")
			if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "nothing with the ID 18446744073709551615 runs") {
				t.Errorf("id of no node as %s: status %d and %q, want 404 and why", format, w.Code, w.Body)
			}
		}
	})
}

// However many nodes there are, a response is bounded.
func TestHandlerBounded(t *testing.T) {
	inNursery(t, "many", 300, func(context.Context, *nursery.Nursery) {
		for _, c := range []struct {
			max   int
			query string
			want  int
		}{{0, "", 301}, {0, "&max=20", 20}, {100, "", 100}, {100, "&max=20", 20}, {100, "&max=1000", 100}, {-1, "&max=200", 200}} {
			h := tasktree.Handler(tasktree.HandlerOptions{Max: c.max})
			nodes := 0
			tree := treeOf(t, get(h, "?format=json&unfolded=1"+c.query))
			for range tree.All() {
				nodes++
			}
			if nodes > c.want || nodes < c.want/2 || tree.Total != 301 {
				t.Errorf("Max %d, %q: %d nodes of %d, want %d of 301", c.max, c.query, nodes, tree.Total, c.want)
			}
		}
	})
}

// Names and reasons that are redacted are in no format.
func TestHandlerRedact(t *testing.T) {
	inNursery(t, "secret nursery", 2, func(ctx context.Context, n *nursery.Nursery) {
		release := make(chan struct{})
		defer close(release)
		begun := make(chan struct{})
		task := n.Task("secret task", func(context.Context) error { close(begun); <-release; return nil })
		<-begun
		task.Cancel(errors.New("secret reason"))
		h := tasktree.Handler(tasktree.HandlerOptions{Redact: func(text string) string {
			return strings.ReplaceAll(text, "secret", "******")
		}})
		for _, query := range []string{"?format=text&width=300", "?format=json", "?format=json&unfolded=1", "?format=json&stacks=1&force=1"} {
			body := get(h, query).Body.String()
			if strings.Contains(body, "secret") || !strings.Contains(body, "****** nursery") || !strings.Contains(body, "****** reason") {
				t.Errorf("%s with redacted names:\n%s", query, body)
			}
		}
	})
}

// Stacks stop the process, so they are refused where that takes long.
func TestHandlerRefusesStacks(t *testing.T) {
	h := tasktree.Handler(tasktree.HandlerOptions{})
	release := make(chan struct{})
	var all sync.WaitGroup
	for range tasktree.MaxStacks {
		all.Go(func() { <-release })
	}
	w := get(h, "?format=json&stacks=1")
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "force=1") {
		t.Errorf("stacks of %d goroutines: status %d and %.200q, want 503 and how to force it", tasktree.MaxStacks, w.Code, w.Body)
	}
	if w := get(h, "?format=json"); w.Code != http.StatusOK {
		t.Errorf("the tree without stacks: status %d, want 200", w.Code)
	}
	if w := get(h, "?format=json&stacks=1&force=1"); w.Code != http.StatusOK {
		t.Errorf("forced: status %d, want 200", w.Code)
	}
	close(release)
	all.Wait()
}

// One tree is taken at a time, and a request whose client has gone does not wait.
func TestHandlerOneAtATime(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	inNursery(t, "turns", 1, func(ctx context.Context, n *nursery.Nursery) {
		h := tasktree.Handler(tasktree.HandlerOptions{Redact: func(text string) string {
			once.Do(func() {
				close(entered)
				<-release
			})
			return text
		}})
		first := make(chan int)
		go func() { first <- get(h, "?format=json").Code }()
		<-entered
		gone, leave := context.WithCancel(ctx)
		leave()
		for range 20 { // a free turn would be taken in half of them
			r := httptest.NewRequestWithContext(gone, "GET", "http://localhost/?format=json", nil)
			r.RemoteAddr = "127.0.0.1:4711"
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != http.StatusServiceUnavailable {
				t.Errorf("a request that is canceled while another one takes a tree: status %d, want 503", w.Code)
				break
			}
		}
		if w := get(h, ""); w.Code != http.StatusOK {
			t.Errorf("the page while a tree is taken: status %d, want 200", w.Code)
		}
		close(release)
		if code := <-first; code != http.StatusOK {
			t.Errorf("the first request: status %d, want 200", code)
		}
	})
}
