package debug

import (
	"net/http"

	"github.com/trellis-go/trellis/tasktree"
)

func init() {
	http.Handle("GET /debug/tasks", tasktree.Handler(tasktree.HandlerOptions{}))
}
