package main_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	stream "github.com/trellis-go/trellis/examples/stream"
	"github.com/trellis-go/trellis/tasktree"
)

func TestRequests(t *testing.T) {
	defer tasktree.Record()() // as the program does
	h := loopback(t, stream.Settings{})
	upgrade := func(origin string) http.Header {
		header := http.Header{
			"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
			"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
		}
		if origin != "" {
			header.Set("Origin", origin)
		}
		return header
	}
	for _, test := range []struct {
		path   string
		header http.Header
		status int
		body   string
	}{
		{"/", nil, 200, "<title>stream</title>"},
		{"/nothing", nil, 404, ""},
		{"/debug/tasks", nil, 200, "<title>Tasks</title>"},
		{"/debug/tasks?format=json", nil, 200, `"call":"serve.HTTP"`},
		{"/ws?client=a", nil, 426, "WebSocket"},
		{"/ws", upgrade(""), 400, "client: must be"},
		{"/ws?client=", upgrade(""), 400, "client: must be"},
		{"/ws?client=a%0Ab", upgrade(""), 400, "client: must be"},
		{"/ws?client=a/b", upgrade(""), 400, "client: must be"},
		{"/ws?client=" + strings.Repeat("x", 65), upgrade(""), 400, "client: must be"},
		{"/ws?client=a", upgrade("http://elsewhere.example"), 403, "not authorized"},
	} {
		resp, body := h.get(test.path, test.header)
		if resp.StatusCode != test.status || !strings.Contains(body, test.body) {
			t.Errorf("GET %s: %s, %q; want status %d and %q", test.path, resp.Status, body, test.status, test.body)
		}
	}
	for _, id := range []string{"a", "A-1_z", strings.Repeat("x", 64)} {
		h.tab(id)
	}
}

// A page of another site cannot throw out the tab of a client whose name it
// knows: it is refused before anything happens.
func TestOriginFirst(t *testing.T) {
	h := loopback(t, stream.Settings{Do: newStage().do})
	c := h.tab("a")
	c.arrived()
	_, resp, err := websocket.Dial(t.Context(), "ws://"+h.addr+"/ws?client=a", &websocket.DialOptions{
		HTTPHeader: http.Header{"Origin": {"http://elsewhere.example"}},
	})
	if err == nil || resp == nil || resp.StatusCode != 403 {
		t.Fatalf("Dial from another site = %v, %v; want status 403", resp, err)
	}
	http.DefaultClient.CloseIdleConnections()
	c.press(jobs("x", 1))
	c.expect(started(1, 1), result(1, "x", 1), finished(1, 1))
}

// The page asks for nothing but itself.
func TestPageAlone(t *testing.T) {
	h := loopback(t, stream.Settings{})
	resp, body := h.get("/", nil)
	for _, word := range []string{"http://", "https://", "src=", "@import", "url("} {
		if strings.Contains(body, word) {
			t.Errorf("the page has %q in it", word)
		}
	}
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; ") {
		t.Errorf("Content-Security-Policy %q, want nothing from elsewhere", policy)
	}
}
