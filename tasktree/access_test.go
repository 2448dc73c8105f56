package tasktree_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/trellis-go/trellis/tasktree"
)

func TestLocal(t *testing.T) {
	for _, c := range []struct {
		name, peer, host string
		header, value    string
		want             bool
	}{
		{"loopback", "127.0.0.1:4711", "127.0.0.1:8080", "", "", true},
		{"another loopback address", "127.8.9.1:4711", "127.0.0.1", "", "", true},
		{"IPv6", "[::1]:4711", "[::1]:8080", "", "", true},
		{"IPv6 without a port", "[::1]:4711", "[::1]", "", "", true},
		{"IPv4 in IPv6", "[::ffff:127.0.0.1]:4711", "localhost:8080", "", "", true},
		{"localhost", "127.0.0.1:4711", "LocalHost", "", "", true},
		{"another machine", "10.0.0.7:4711", "localhost", "", "", false},
		{"another machine, IPv6", "[2001:db8::1]:4711", "localhost", "", "", false},
		{"another machine, IPv4 in IPv6", "[::ffff:10.0.0.7]:4711", "localhost", "", "", false},
		{"unspecified", "0.0.0.0:4711", "localhost", "", "", false},
		{"Unix socket", "@", "localhost", "", "", false},
		{"no peer", "", "localhost", "", "", false},
		{"name that resolves here", "127.0.0.1:4711", "evil.example:8080", "", "", false},
		{"name that begins like this machine", "127.0.0.1:4711", "localhost.evil.example", "", "", false},
		{"name that begins like an address", "127.0.0.1:4711", "127.0.0.1.evil.example", "", "", false},
		{"no host", "127.0.0.1:4711", "", "", "", false},
		{"broken host", "127.0.0.1:4711", "[::1", "", "", false},
		{"X-Forwarded-For", "127.0.0.1:4711", "localhost", "X-Forwarded-For", "10.0.0.7", false},
		{"X-Forwarded-Host", "127.0.0.1:4711", "localhost", "x-forwarded-host", "a.example", false},
		{"empty X-Forwarded-For", "127.0.0.1:4711", "localhost", "X-Forwarded-For", "", false},
		{"Forwarded", "127.0.0.1:4711", "localhost", "Forwarded", "for=10.0.0.7", false},
		{"Via", "127.0.0.1:4711", "localhost", "Via", "1.1 proxy", false},
		{"X-Real-IP", "127.0.0.1:4711", "localhost", "X-Real-IP", "10.0.0.7", false},
		{"CF-Connecting-IP", "127.0.0.1:4711", "localhost", "CF-Connecting-IP", "10.0.0.7", false},
		{"True-Client-IP", "127.0.0.1:4711", "localhost", "True-Client-IP", "10.0.0.7", false},
		{"Fly-Client-IP", "127.0.0.1:4711", "localhost", "Fly-Client-IP", "10.0.0.7", false},
		{"own page", "127.0.0.1:4711", "localhost", "Sec-Fetch-Site", "same-origin", true},
		{"typed address", "127.0.0.1:4711", "localhost", "Sec-Fetch-Site", "none", true},
		{"page of another site", "127.0.0.1:4711", "localhost", "Sec-Fetch-Site", "cross-site", false},
		{"page of another port", "127.0.0.1:4711", "localhost", "Sec-Fetch-Site", "same-site", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/debug/tasks", nil)
			r.RemoteAddr, r.Host = c.peer, c.host
			if c.header != "" {
				r.Header.Set(c.header, c.value)
			}
			if got := tasktree.Local(r); got != c.want {
				t.Errorf("Local(peer %q, host %q, %s: %q) = %t, want %t", c.peer, c.host, c.header, c.value, got, c.want)
			}
		})
	}
}

// The user may follow a link on a page of another site, which cannot read the response. It
// cannot stop the program for stacks either, not even where all requests are allowed.
func TestLocalLinks(t *testing.T) {
	local := tasktree.Handler(tasktree.HandlerOptions{})
	open := tasktree.Handler(tasktree.HandlerOptions{Allow: func(*http.Request) bool { return true }})
	for _, c := range []struct {
		name, site, mode, dest, query string
		local, open                   int
	}{
		{"link", "cross-site", "navigate", "document", "", 200, 200},
		{"link of another port", "same-site", "navigate", "document", "?format=json", 200, 200},
		{"link to stacks", "cross-site", "navigate", "document", "?format=json&stacks=1", 403, 403},
		{"stacks of the own page", "same-origin", "cors", "empty", "?format=json&stacks=1", 200, 200},
		{"frame", "cross-site", "navigate", "iframe", "", 403, 200},
		{"fetch", "cross-site", "cors", "empty", "?format=json", 403, 200},
		{"image", "cross-site", "no-cors", "image", "?format=json", 403, 200},
		{"script", "same-site", "no-cors", "script", "?format=json", 403, 200},
	} {
		for _, h := range []struct {
			http.Handler
			want int
		}{{local, c.local}, {open, c.open}} {
			r := httptest.NewRequest("GET", "http://localhost/debug/tasks"+c.query, nil)
			r.RemoteAddr = "127.0.0.1:4711"
			r.Header.Set("Sec-Fetch-Site", c.site)
			r.Header.Set("Sec-Fetch-Mode", c.mode)
			r.Header.Set("Sec-Fetch-Dest", c.dest)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != h.want {
				t.Errorf("%s, everything allowed %t: status %d, want %d", c.name, h.Handler == open, w.Code, h.want)
			}
		}
	}
}
