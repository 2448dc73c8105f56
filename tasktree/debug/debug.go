package debug

import (
	"net/http"

	"github.com/trellis-go/trellis/tasktree"
)

func init() {
	// Without a method in the pattern, which GODEBUG=httpmuxgo121=1 would take literally.
	// The handler refuses others itself.
	http.Handle("/debug/tasks", tasktree.Handler(tasktree.HandlerOptions{}))
}
