package debug

import (
	"net/http"
	"net/url"

	"github.com/trellis-go/trellis/tasktree"
)

func init() { http.Handle(pattern(), tasktree.Handler(tasktree.HandlerOptions{})) }

// pattern has a method, which stands for GET and HEAD, because a pattern for all methods panics
// in a program that has one such as "GET /". Under GODEBUG=httpmuxgo121=1 patterns have no
// methods, and the handler refuses others itself.
func pattern() string {
	const path, withMethod = "/debug/tasks", "GET /debug/tasks"
	probe := http.NewServeMux()
	probe.Handle(withMethod, http.NotFoundHandler())
	if _, found := probe.Handler(&http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}}); found == withMethod {
		return withMethod
	}
	return path
}
