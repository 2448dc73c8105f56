package serve_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/trellis-go/trellis/internal/proctest"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

func init() {
	programs["few files"] = fewFiles
}

// fewFiles is an echo server, or an HTTP server, that can open 40 files.
func fewFiles() {
	limit := syscall.Rlimit{Cur: 40, Max: 40}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		panic(err)
	}
	serve.Program{Grace: time.Minute}.Main(func(ctx context.Context, n *nursery.Nursery) error {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		fmt.Println("listening", l.Addr())
		if os.Args[1] == "http" {
			return serve.HTTP(ctx, &http.Server{Handler: http.NotFoundHandler()}, l)
		}
		return serve.Conns(ctx, l, nursery.NoLimit, echo)
	})
}

// When there are no more files, clients wait until others have gone, and a drain works.
func TestNoMoreFiles(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"conns", "http"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			p := proctest.Start(t, "few files", what)
			s := &site{addr: p.Out.Await(t, `^listening (\S+)$`)[1]}
			use := func(c *client) {
				t.Helper()
				if what == "conns" {
					c.wantLine(t, "hello\n")
					return
				}
				c.send(t, get)
				if res, _ := c.answer(t); res.StatusCode != http.StatusNotFound {
					t.Errorf("status %d, want 404", res.StatusCode)
				}
			}
			var clients []*client
			for range 60 {
				clients = append(clients, s.dial(t))
			}
			p.Err.Await(t, "too many open files")
			use(clients[0])
			if what == "conns" {
				if got := p.Err.String(); strings.Count(got, "\n") > 1 {
					t.Errorf("standard error:\n%s\nwant one line for each shortage", got)
				}
			}
			for _, c := range clients[:30] {
				c.Close()
			}
			use(clients[59])
			p.Signal(t, syscall.SIGTERM)
			clients[59].wantEnd(t)
			p.Expect(t, "exit status 0")
		})
	}
}
