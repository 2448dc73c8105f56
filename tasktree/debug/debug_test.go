package debug_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	_ "github.com/trellis-go/trellis/tasktree/debug"
)

// The import alone serves the page to this machine, and to no other.
func TestDefaultServeMux(t *testing.T) {
	for _, c := range []struct {
		peer, path string
		code       int
		want       string
	}{
		{"127.0.0.1:4711", "/debug/tasks", http.StatusOK, "<!doctype html>"},
		{"127.0.0.1:4711", "/debug/tasks?format=json", http.StatusOK, `"version":1`},
		{"10.0.0.7:4711", "/debug/tasks", http.StatusForbidden, "localhost"},
		{"127.0.0.1:4711", "/debug/tasks/more", http.StatusNotFound, "not found"},
	} {
		r := httptest.NewRequest("GET", "http://localhost"+c.path, nil)
		r.RemoteAddr = c.peer
		w := httptest.NewRecorder()
		http.DefaultServeMux.ServeHTTP(w, r)
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s from %s: status %d and %.100q, want %d and %q", c.path, c.peer, w.Code, w.Body, c.code, c.want)
		}
	}
}
