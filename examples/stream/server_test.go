package main_test

import (
	"context"
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
		{"/debug/tasks?format=json", nil, 200, `"name":"webserver"`},
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

func TestCommandLine(t *testing.T) {
	for _, test := range []struct {
		args           string
		code           int
		stdout, stderr string
	}{
		{"-h", 0, "Usage: stream", ""},
		{"-nonsense", 2, "", "flag provided but not defined: -nonsense"},
		{"x", 2, "", `unexpected argument "x"`},
		{"-limit 0", 2, "", "-limit 0: must be at least 1"},
		{"-limit x", 2, "", `invalid value "x" for flag -limit`},
		{"-write-timeout 0s", 2, "", "-write-timeout 0s: must be at least 1ms"},
		{"-write-timeout -1s", 2, "", "-write-timeout -1s: must be at least 1ms"},
		{"-addr nonsense", 1, "", "cannot listen"},
		{"-addr 127.0.0.1:99999", 1, "", "cannot listen"},
	} {
		var stdout, stderr strings.Builder
		code := stream.Run(t.Context(), strings.Fields(test.args), &stdout, &stderr)
		if code != test.code || !strings.Contains(stdout.String(), test.stdout) || !strings.Contains(stderr.String(), test.stderr) ||
			(test.stdout == "") != (stdout.Len() == 0) || (test.stderr == "") != (stderr.Len() == 0) {
			t.Errorf("stream %s: exit code %d, standard output\n%s\nand error\n%swant %d, %q, %q",
				test.args, code, &stdout, &stderr, test.code, test.stdout, test.stderr)
		}
	}
	if got := stream.DefaultLimit(); got != 10 {
		t.Errorf("-limit is %d by default, want 10", got)
	}
}

// An address that is taken is a clear message.
func TestAddressTaken(t *testing.T) {
	h := loopback(t, stream.Settings{})
	var stdout, stderr strings.Builder
	code := stream.Run(t.Context(), []string{"-addr", h.addr}, &stdout, &stderr)
	if code != 1 || !strings.Contains(stderr.String(), "cannot listen") {
		t.Errorf("stream -addr of another server: exit code %d, %q; want 1 and that it cannot listen", code, &stderr)
	}
}

// A server that is stopped before it has begun stops.
func TestStoppedAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr strings.Builder
	if code := stream.Run(ctx, []string{"-addr", "127.0.0.1:0"}, &stdout, &stderr); code != 0 {
		t.Errorf("stream under a canceled context: exit code %d, %s; want 0", code, &stderr)
	}
}
