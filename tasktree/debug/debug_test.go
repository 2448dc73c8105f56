package debug_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	_ "github.com/trellis-go/trellis/tasktree/debug"
)

// A program may have patterns with methods that match the page as well, such as "GET /".
func TestPatternsOfTheProgram(t *testing.T) {
	_, ours := http.DefaultServeMux.Handler(httptest.NewRequest("GET", "/debug/tasks", nil))
	for _, pattern := range []string{"GET /", "POST /", "/", "/debug/", "GET /debug/{page}", "POST /debug/tasks"} {
		func() {
			defer func() {
				if v := recover(); v != nil {
					t.Errorf("a program with the pattern %q panics: %v", pattern, v)
				}
			}()
			mux := http.NewServeMux()
			mux.Handle(ours, http.NotFoundHandler())
			mux.Handle(pattern, http.NotFoundHandler())
		}()
	}
}

// Where patterns have no methods, the page is served as well.
func TestOldPatterns(t *testing.T) {
	command := exec.Command(os.Args[0], "-test.run=^TestDefaultServeMux$", "-test.v")
	command.Env = append(os.Environ(), "GODEBUG=httpmuxgo121=1")
	if out, err := command.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestDefaultServeMux") {
		t.Errorf("under GODEBUG=httpmuxgo121=1: %v\n%s", err, out)
	}
}

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
