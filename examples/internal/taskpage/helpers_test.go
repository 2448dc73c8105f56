package taskpage_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/examples/internal/browsertest"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree"
)

// quote returns s as a string of a script.
func quote(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

// A tab is the page in a browser.
type tab struct{ *browsertest.Tab }

// open serves the tree of this process and opens the page.
func open(t *testing.T) tab {
	t.Helper()
	page, _ := openServer(t)
	return page
}

// openServer also returns the server.
func openServer(t *testing.T) (tab, *httptest.Server) {
	t.Helper()
	return openHandler(t, tasktree.Handler(tasktree.HandlerOptions{}))
}

// openHandler opens the page that a handler serves.
func openHandler(t *testing.T, handler http.Handler) (tab, *httptest.Server) {
	t.Helper()
	page := tab{browsertest.New(t)}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	page.Do("size", chromedp.EmulateViewport(1280, 800))
	page.Open(strings.TrimPrefix(server.URL, "http://"))
	page.Until(`document.getElementById("connection").textContent === "live"`)
	// Counts the trees that the page has got from now on.
	page.Eval(`window.trees = 0;
		const json = Response.prototype.json;
		Response.prototype.json = async function() { const t = await json.call(this); setTimeout(() => trees++); return t; }; ""`)
	return page, server
}

// named is an expression for the rows with a name.
func named(name string) string {
	return `[...document.querySelectorAll(".row")].filter(r => r.querySelector(".name").textContent === ` + quote(name) + `)`
}

// row waits for a row with a name, and returns one of its attributes.
func (p tab) attr(name, attribute string) string {
	p.T.Helper()
	p.Until(named(name) + ".length === 1")
	return p.Eval(named(name) + `[0].getAttribute(` + quote(attribute) + `) ?? "none"`)
}

// shows waits until there is a row with a name.
func (p tab) shows(name string) {
	p.T.Helper()
	p.Until(named(name) + ".length === 1")
}

// hides waits until there is none.
func (p tab) hides(name string) {
	p.T.Helper()
	p.Until(named(name) + ".length === 0")
}

// refreshed waits until the page has shown two more trees, the second of which was asked
// for after the call.
func (p tab) refreshed() {
	p.T.Helper()
	n := p.Eval("String(trees)")
	p.Until("trees >= 2 + " + n)
}

// press presses a key.
func (p tab) press(key string) {
	p.T.Helper()
	p.Keys(key)
}

// chosen returns the name of the row that the keyboard is at.
func (p tab) chosen() string {
	p.T.Helper()
	return p.Eval(`document.getElementById(document.getElementById("tree").getAttribute("aria-activedescendant"))?.querySelector(".name").textContent ?? "none"`)
}

// A program is a nursery that runs until the end of the test, whose tasks the test starts
// and ends.
type program struct {
	n   *nursery.Nursery
	ctx context.Context
}

// start runs a nursery with a name.
func start(t *testing.T, name string) *program {
	t.Helper()
	t.Cleanup(tasktree.Config{Labels: true}.Record())
	ctx, cancel := context.WithCancel(context.Background())
	began, ended := make(chan *program), make(chan error, 1)
	go func() {
		ended <- nursery.Config{Name: name}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			began <- &program{n, ctx}
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	p := <-began
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil && !cancelscope.IsCancellation(ctx, err) {
			t.Errorf("the program ended with %v", err)
		}
	})
	return p
}

// task starts a task that runs until it is ended, or the program is.
func (p *program) task(name string) *nursery.Task[struct{}] {
	return p.n.Task(name, func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	})
}

// tasks starts many.
func (p *program) tasks(format string, from, to int) {
	for i := from; i < to; i++ {
		p.task(fmt.Sprintf(format, i))
	}
}

const (
	up, down, left, right = kb.ArrowUp, kb.ArrowDown, kb.ArrowLeft, kb.ArrowRight
	enter, escape         = kb.Enter, kb.Escape
	home, end             = kb.Home, kb.End
)
