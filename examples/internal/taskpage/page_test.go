package taskpage_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree"
)

// The page can be used with the keyboard alone, and what is folded stays folded while the
// page refreshes itself and tasks come and go.
func TestFold(t *testing.T) {
	p := start(t, "server")
	p.n.GoNamed("requests", func(ctx context.Context) error {
		return nursery.Config{Name: "handlers"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("handler", func(ctx context.Context) error { <-ctx.Done(); return nil })
			return nil
		})
	})
	page := open(t)
	page.shows("handler")
	if role := page.Eval(`document.getElementById("tree").getAttribute("role")`); role != "tree" {
		t.Errorf("the role of the tree is %q", role)
	}
	for _, c := range []struct{ name, attr, want string }{
		{"server", "role", "treeitem"}, {"server", "aria-level", "1"}, {"server", "aria-expanded", "true"},
		{"requests", "aria-level", "2"}, {"handlers", "aria-level", "3"}, {"handler", "aria-expanded", "none"},
		{"handler", "aria-posinset", "1"}, {"handler", "aria-setsize", "1"},
	} {
		if got := page.attr(c.name, c.attr); got != c.want {
			t.Errorf("%s of %s is %q, want %q", c.attr, c.name, got, c.want)
		}
	}

	page.Eval(`document.getElementById("tree").focus(); ""`)
	for _, c := range []struct{ key, at string }{
		{down, "requests"}, {down, "handlers"}, {down, "handler"}, {down, "handler"}, {left, "handlers"}, {left, "handlers"},
	} {
		page.press(c.key)
		if at := page.chosen(); at != c.at {
			t.Fatalf("after %q the current row is %q, want %q", c.key, at, c.at)
		}
	}
	page.hides("handler")
	if got := page.attr("handlers", "aria-expanded"); got != "false" {
		t.Errorf("aria-expanded of what was folded is %s", got)
	}
	visitor := p.task("visitor")
	page.shows("visitor")
	page.refreshed()
	page.hides("handler")
	if at := page.chosen(); at != "handlers" {
		t.Errorf("after refreshing the current row is %q, want handlers", at)
	}
	visitor.Cancel(errors.New("enough"))
	page.hides("visitor")
	page.hides("handler")
	page.press(right)
	page.shows("handler")
	page.press(home)
	if at := page.chosen(); at != "server" {
		t.Errorf("after Home the current row is %q, want server", at)
	}
	page.Click("#fold")
	page.hides("requests")
	page.refreshed()
	page.hides("requests")
	page.Click("#unfold")
	page.shows("handler")
}

// The filter finds names at any depth, shows what is around them, and forgets nothing that
// was folded before.
func TestFilter(t *testing.T) {
	p := start(t, "server")
	p.tasks("reader %d", 0, 20)
	p.n.GoNamed("writer", func(ctx context.Context) error {
		var s cancelscope.Scope
		s.Name = "flush"
		s.SetShield(true)
		return s.Run(context.WithoutCancel(ctx), func(context.Context) error { <-ctx.Done(); return nil })
	})
	page := open(t)
	page.shows("reader 19")
	page.press("/")
	page.Until(`document.activeElement.id === "filter"`)
	page.Eval(`document.getElementById("filter").value = ""`) // the driver types the character all the same
	for _, key := range "reader 1" {
		page.press(string(key))
	}
	page.shows("reader 1")
	page.shows("reader 11")
	page.hides("reader 2")
	page.hides("writer")
	if class := page.attr("server", "class"); !strings.Contains(class, "dim") {
		t.Errorf("what is around the found is of the class %q, want dim", class)
	}
	p.task("reader 111")
	page.shows("reader 111")
	page.press(escape)
	page.shows("reader 2")
	page.Eval(`(s => { s.value = "shielded"; s.dispatchEvent(new Event("input")); return ""; })(document.getElementById("state"))`)
	page.shows("flush")
	page.hides("reader 1")
}

// 5,000 tasks are shown, of which only those on the screen are elements of the page.
func TestManyNodes(t *testing.T) {
	p := start(t, "busy")
	p.tasks("connection %d", 0, 5000)
	page := open(t)
	page.Click("#alike") // they are one row before
	page.shows("connection 0")
	page.Until(`document.getElementById("summary").textContent.startsWith("5,001 nodes")`)
	few := func(when string) {
		t.Helper()
		if n, _ := strconv.Atoi(page.Eval(`String(document.querySelectorAll(".row").length)`)); n == 0 || n > 200 {
			t.Errorf("%s: the page has %d elements for rows, want some, and at most 200", when, n)
		}
	}
	few("at the begin")
	page.Eval(`document.getElementById("tree").focus(); ""`)
	page.press(end)
	page.shows("connection 4999")
	few("at the end")
	if pos := page.attr("connection 4999", "aria-posinset"); pos != "5000" {
		t.Errorf("the position of the last row is %s, want 5000", pos)
	}
	page.refreshed()
	if at := page.chosen(); at != "connection 4999" {
		t.Errorf("after refreshing the current row is %q, want the last", at)
	}
	took := page.Eval(`(() => { const f = document.getElementById("filter"), begin = performance.now(); f.value = "connection 77"; f.dispatchEvent(new Event("input")); return (performance.now() - begin).toFixed(1); })()`)
	t.Logf("filtering 5,001 nodes took %s ms", took)
	page.shows("connection 77")
	page.shows("connection 779")
}

// What is on the screen stays where it is while tasks come above it.
func TestScroll(t *testing.T) {
	p := start(t, "server")
	p.tasks("old %d", 0, 300)
	page := open(t)
	page.shows("old 0")
	page.Eval(`(s => { s.value = "newest"; s.dispatchEvent(new Event("input")); return ""; })(document.getElementById("order"))`)
	page.Eval(`document.getElementById("tree").scrollTop = 28 * 145 + 9; ""`)
	page.shows("old 150")
	const offset = `String(Math.round([...document.querySelectorAll(".row")].find(r => r.querySelector(".name").textContent === "old 150").getBoundingClientRect().top))`
	before := page.Eval(offset)
	p.tasks("new %d", 0, 70)
	page.Until(`document.getElementById("summary").textContent.startsWith("371 nodes")`)
	if after := page.Eval(offset); after != before {
		t.Errorf("a row has moved from %s to %s while tasks came above it", before, after)
	}
}

// What was canceled and still runs stands at the top of the page, with a way to its stack.
func TestHang(t *testing.T) {
	p := start(t, "server")
	p.tasks("healthy %d", 0, 10)
	release := make(chan struct{})
	defer close(release)
	stuck := p.n.Task("press 7", func(ctx context.Context) error {
		return nursery.Config{Name: "batch"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("reader", func(context.Context) error { return deafRead(release) })
			return nil
		})
	})
	p.n.Go(func(ctx context.Context) error {
		return nursery.ForN(ctx, 1, 1, func(ctx context.Context, _ int) error { <-ctx.Done(); return nil })
	})
	page := open(t)
	page.shows("reader")
	page.shows("ForN") // a nursery without a name
	page.Until(`document.getElementById("text").href.endsWith("?format=text&stacks=1")`)
	stuck.Cancel(errors.New("pressed again"))
	page.Until(`!document.getElementById("alarm").hidden`)
	if text := page.Eval(`document.getElementById("alarm").innerText`); !strings.Contains(text, "reader") || !strings.Contains(text, "pressed again") || strings.Contains(text, "healthy") {
		t.Errorf("the page points at\n%s\nwant reader, and why it was canceled", text)
	}
	// The canceled branch is before all that runs longer.
	if first := page.Eval(`document.querySelectorAll(".row")[0].parentNode && [...document.querySelectorAll(".row")].sort((a, b) => a.offsetTop - b.offsetTop)[1].querySelector(".name").textContent`); first != "press 7" {
		t.Errorf("the first task is %q, want the canceled one", first)
	}
	page.Click("#alarm button")
	page.Until(`!document.getElementById("detail").hidden`)
	if at := page.chosen(); at != "reader" {
		t.Errorf("the alarm leads to %q, want reader", at)
	}
	page.press("s")
	page.Until(`document.getElementById("trace")?.textContent.includes("deafRead")`)
	if text := page.Eval(`document.getElementById("trace").textContent`); !strings.Contains(text, "chan receive") {
		t.Errorf("the stack is\n%s\nwant the state, chan receive", text)
	}
	page.refreshed()
	page.Until(`document.getElementById("trace")?.textContent.includes("deafRead")`) // is kept
	page.press(escape)
	page.Until(`document.getElementById("detail").hidden`)
}

// deafRead looks at no context.
func deafRead(c <-chan struct{}) error {
	<-c
	return nil
}

// Names are text, whatever they contain.
func TestHostileNames(t *testing.T) {
	names := []string{
		`<img src=x onerror="window.hacked=1">`, `</script><script>window.hacked=1</script>`, `"><svg onload=window.hacked=1>`,
		"new\nline\x00\x1b[31mred", "\u202eevil\u2066", `\u003cb\u003e`, "{{.}}${1}'`", "\xff\xfe invalid",
	}
	p := start(t, "<b>server</b>")
	for _, name := range names {
		p.task(name)
	}
	p.task("long " + strings.Repeat("<i>", 1<<18))
	canceled := p.n.Task("canceled", func(ctx context.Context) error { <-ctx.Done(); <-p.ctx.Done(); return nil })
	page := open(t)
	canceled.Cancel(errors.New(`<img src=x onerror="window.hacked=1">`))
	page.shows("<b>server</b>")
	page.shows(names[0])
	page.Until(`!document.getElementById("alarm").hidden`)
	page.Eval(`document.getElementById("tree").focus(); ""`)
	for range names { // the details of each
		page.press(down)
		page.press(enter)
	}
	page.Eval(`(f => { f.value = "<img src=x"; f.dispatchEvent(new Event("input")); return ""; })(document.getElementById("filter"))`)
	page.refreshed()
	if found := page.Eval(`String(window.hacked) + " " + document.querySelectorAll("img, svg, #tree b, #detail i, iframe").length + " " + document.scripts.length`); found != "undefined 0 1" {
		t.Errorf("script ran, elements for names, scripts = %s, want undefined 0 1", found)
	}
	if widest := page.Eval(`String(document.documentElement.scrollWidth <= innerWidth)`); widest != "true" {
		t.Errorf("a long name makes the page wider than the window")
	}
	if raw := page.Eval(`String(/[\u0000-\u0008\u001b\u202e\u2066]/.test(document.body.textContent.replace(document.scripts[0].textContent, "")))`); raw != "false" {
		t.Errorf("the page has control characters of names")
	}
}

// The policy of the page forbids what an attacker would need, should a name ever become
// more than text.
func TestPolicy(t *testing.T) {
	start(t, "server")
	page := open(t)
	page.shows("server")
	page.Eval(`window.violated = []; document.addEventListener("securitypolicyviolation", e => violated.push(e.effectiveDirective)); ""`)
	for _, c := range []struct{ what, script, directive string }{
		{"inline script", `const s = document.createElement("script"); s.append("window.hacked = 1"); document.body.append(s);`, ""}, // by the rule for scripts or that for markup
		{"handler", `const b = document.createElement("b"); b.setAttribute("onclick", "window.hacked = 1"); document.body.append(b); b.click();`, ""},
		{"image", `const i = new Image(); i.src = "https://example.com/x.png"; document.body.append(i);`, "img-src"},
		{"request elsewhere", `fetch("https://example.com/").catch(() => 0);`, "connect-src"},
		{"markup", `document.body.innerHTML = "<b>x</b>";`, "require-trusted-types-for"},
	} {
		page.Eval(`violated.length = 0; try { ` + c.script + ` } catch {} ""`)
		page.Until(`violated.some(v => v.includes(` + quote(c.directive) + `))`)
	}
	if hacked := page.Eval(`String(window.hacked)`); hacked != "undefined" {
		t.Errorf("a script ran that the policy forbids")
	}
}

// Stacks stop the program, so the page asks before it does that to many goroutines.
func TestStacksOfMany(t *testing.T) {
	p := start(t, "server")
	release := make(chan struct{})
	p.n.GoNamed("reader", func(context.Context) error { return deafRead(release) })
	page := open(t)
	page.shows("reader")
	var others sync.WaitGroup
	for range tasktree.MaxStacks {
		others.Go(func() { <-release })
	}
	defer others.Wait()
	defer close(release)
	page.Until(`document.getElementById("text").href.endsWith("?format=text")`)
	page.Eval(`document.getElementById("tree").focus(); ""`)
	page.press(down)
	page.press("s")
	page.Until(`!document.getElementById("force").hidden && document.getElementById("note").textContent.includes("goroutines would stand still")`)
	page.Click("#force")
	page.Until(`document.getElementById("trace").textContent.includes("deafRead")`)
	page.Until(`document.getElementById("force").hidden`)
}

// A program that has ended leaves its last tree on the page, and a message.
func TestProgramGone(t *testing.T) {
	start(t, "server")
	page, server := openServer(t)
	page.shows("server")
	server.CloseClientConnections()
	server.Close()
	page.Until(`document.getElementById("connection").textContent === "the program does not answer"`)
	page.shows("server")
}

// What does not know since when it is canceled, as an error group, counts from when the page saw it
// first, and not as long as it has run.
func TestCanceledAtAnUnknownTime(t *testing.T) {
	const tree = `{"version":1,"taken":"2026-11-26T12:00:00Z","recordingSince":"2026-11-26T11:00:00Z","goroutines":2,"total":1,"roots":[
		{"id":1,"kind":"group","name":"fetch","since":"2026-11-26T11:00:00Z","running":1,`
	var canceled atomic.Bool
	handler := tasktree.Handler(tasktree.HandlerOptions{})
	page, _ := openHandler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.RawQuery == "":
			handler.ServeHTTP(w, r)
		case canceled.Load():
			io.WriteString(w, tree+`"state":"canceled","canceled":{"kind":"task","reason":"refused","text":"because a task failed: refused"}}]}`)
		default:
			io.WriteString(w, tree+`"state":"running"}]}`)
		}
	}))
	page.shows("fetch")
	canceled.Store(true)
	page.refreshed()
	if text := page.Eval(named("fetch") + `[0].querySelector(".state").textContent`); !strings.HasPrefix(text, "canceled at an unknown time: because a task failed: refused") {
		t.Errorf("the state is %q, want that the time is unknown", text)
	}
	if class := page.attr("fetch", "class"); strings.TrimSpace(class) != "row" {
		t.Errorf("the row has the class %q, want none of those of what was canceled long ago", class)
	}
}
