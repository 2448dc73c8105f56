package tasktree

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
)

//go:embed page.html
var page []byte

// HandlerOptions are the settings of [Handler]. The zero value serves this machine only.
type HandlerOptions struct {
	// Allow, if not nil, reports whether a request is answered. All others get status 403.
	// Nil means [Local]. Allow is called once for each request, by any number of
	// goroutines.
	Allow func(r *http.Request) bool

	// Redact, if not nil, replaces names and the texts of reasons: see [Options.Redact].
	Redact func(text string) string

	// Max is how many nodes a response has at most, whatever the request asks for. Zero
	// means DefaultMax, and a negative number no limit.
	Max int
}

// Handler returns a handler that shows the tree of the process: a page for browsers, which
// refreshes itself, and the tree as text and JSON. It may be mounted at any path. Package
// tasktree/debug mounts it at /debug/tasks.
//
// What a request gets depends on its query:
//
//	format=text   the tree as text, in lines of 80 columns
//	width=N       in lines of N columns instead, from 40 to 1000
//	format=json   the tree as JSON
//	              the page, without a format
//	max=N         at most N nodes instead of DefaultMax, 1 or more, and at most
//	              HandlerOptions.Max; for text and JSON
//	unfolded=1    each of several identical siblings; for text and JSON
//	id=N          only the node with this ID, and what is inside it; for text and JSON
//	stacks=1      the goroutines of tasks that were recorded with labels. All goroutines
//	              of the process stand still for it, so it is refused with status 503
//	              if there are more than MaxStacks of them,
//	force=1       except with this
//
// A request with another method than GET and HEAD gets status 405; one with another format, or a
// number out of its range, 400; and one for the ID of a node that does not run, 404. Errors
// are one line of text.
//
// Text and JSON show siblings that are alike as one, as [Options] says. The page does so if there
// are more than 2,000 nodes, and otherwise shows each, so that it can be found by its name.
// Its box "group alike" changes that.
//
// The page reveals what names, file names and line numbers, function names, and reasons of
// cancellations say, which may be about users and customers; how much the program does; and
// with stacks what it waits for. It changes nothing in the process, but it costs time:
// stacks stop the process for moments. So only requests from this machine are
// answered unless HandlerOptions.Allow says otherwise: see [Local]. HandlerOptions.Redact
// can remove names and reasons, but not places and functions.
//
// The page is one file, which loads nothing from elsewhere, and its policy forbids the
// browser to.
//
// Any number of goroutines may use the handler. It takes one tree at a time, so that
// many open pages do not slow the program down; a request waits until it is its turn or its
// context is done.
func Handler(o HandlerOptions) http.Handler {
	if o.Allow == nil {
		o.Allow = Local
	}
	if o.Max == 0 {
		o.Max = DefaultMax
	}
	return &handler{options: o, policy: policy(), turn: make(chan struct{}, 1)}
}

type handler struct {
	options HandlerOptions
	policy  string        // the Content-Security-Policy of the page
	turn    chan struct{} // holds one value while a tree is taken; never closed
}

// policy allows the page its own script and style, by their content, and requests to its
// own server, and nothing else.
func policy() string {
	return "default-src 'none'; script-src " + contentHash("script") + "; style-src " + contentHash("style") + "; connect-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}

// contentHash returns the source expression for the one element of the page with this tag.
func contentHash(tag string) string {
	_, rest, _ := bytes.Cut(page, []byte("<"+tag+">"))
	content, _, _ := bytes.Cut(rest, []byte("</"+tag+">"))
	sum := sha256.Sum256(content)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	head.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	if !h.options.Allow(r) {
		http.Error(w, "tasktree: this page is for requests from its own machine, to localhost and without a proxy, unless the program allows others", http.StatusForbidden)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		head.Set("Allow", "GET, HEAD")
		http.Error(w, "tasktree: only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	q, err := h.parse(r.URL.RawQuery)
	if err != nil {
		http.Error(w, "tasktree: "+err.Error(), http.StatusBadRequest)
		return
	}
	if q.stacks && !ownSite(r) {
		http.Error(w, "tasktree: a link on a page of another site cannot ask for stacks, which stop the program for a moment", http.StatusForbidden)
		return
	}
	if q.format == "" {
		head.Set("Content-Type", "text/html; charset=utf-8")
		head.Set("Content-Security-Policy", h.policy)
		w.Write(page)
		return
	}
	h.serveTree(w, r, q)
}

// A query is what a request asks for.
type query struct {
	format   string // "", "text" or "json"
	max      int    // as Options.Max
	width    int
	id       uint64 // of the one node that is asked for, or 0
	unfolded bool
	stacks   bool
	force    bool
}

func (h *handler) parse(raw string) (q query, err error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return q, fmt.Errorf("the query is broken: %w", err)
	}
	switch q.format = values.Get("format"); q.format {
	case "", "text", "json":
	default:
		return q, fmt.Errorf("format must be text or json, not %.20q", q.format)
	}
	number := func(name string, otherwise, smallest, largest int) int {
		text := values.Get(name)
		if text == "" {
			return otherwise
		}
		n, e := strconv.Atoi(text)
		if e != nil || n < smallest || n > largest {
			err = fmt.Errorf("%s must be a number from %d to %d, not %.20q", name, smallest, largest, text)
		}
		return n
	}
	const most = 1 << 30
	q.max = number("max", DefaultMax, 1, most)
	if h.options.Max > 0 {
		q.max = min(q.max, h.options.Max)
	}
	q.width = number("width", 0, leastWidth, 1000)
	q.unfolded = number("unfolded", 0, 0, 1) == 1
	q.stacks = number("stacks", 0, 0, 1) == 1
	q.force = number("force", 0, 0, 1) == 1
	if text := values.Get("id"); text != "" {
		if q.id, _ = strconv.ParseUint(text, 10, 64); q.id == 0 {
			err = fmt.Errorf("id must be that of a node, not %.20q", text)
		}
	}
	return q, err
}

func (h *handler) serveTree(w http.ResponseWriter, r *http.Request, q query) {
	tree, err := h.take(r, q)
	if err != nil {
		http.Error(w, "tasktree: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	if q.id != 0 && len(tree.Roots) == 0 {
		http.Error(w, fmt.Sprintf("tasktree: nothing with the ID %d runs: it has ended, or there has been none", q.id), http.StatusNotFound)
		return
	}
	if q.format == "text" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		tree.WriteText(w, q.width)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	tree.WriteJSON(w)
}

// take takes the tree when it is the request's turn.
func (h *handler) take(r *http.Request, q query) (*Tree, error) {
	select {
	case h.turn <- struct{}{}:
		defer func() { <-h.turn }()
	case <-r.Context().Done():
		return nil, context.Cause(r.Context())
	}
	if n := runtime.NumGoroutine(); q.stacks && !q.force && n > MaxStacks {
		return nil, fmt.Errorf("%d goroutines would stand still while their stacks are copied: add force=1 to the query if they may", n)
	}
	o := Options{Max: q.max, Unfolded: q.unfolded, Redact: h.options.Redact, Stacks: q.stacks, Force: q.force, id: q.id}
	return Take(o), nil
}
