package serve_test

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
	"github.com/trellis-go/trellis/tasktree"
)

// A request is a task in the tree of package tasktree, with what it starts inside.
func TestRequestsAreRecorded(t *testing.T) { // not parallel: the tree has all programs of the process
	tree := make(chan string, 1)
	s := serveSite(t, serve.Program{Grace: patience, Name: "shop"}, func(w http.ResponseWriter, r *http.Request) {
		err := nursery.Run(r.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("query", func(ctx context.Context) error {
				var b strings.Builder
				err := tasktree.Take(tasktree.Options{}).WriteText(&b, 0)
				tree <- b.String()
				return err
			})
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	c := s.dial(t)
	c.send(t, strings.Replace(get, " / ", " /orders?id=1 ", 1))
	c.answer(t)
	got := <-tree
	rest := got
	for _, want := range []string{"nursery shop", "HTTP on " + s.addr, "GET /orders", "query"} {
		_, after, ok := strings.Cut(rest, want)
		if !ok {
			t.Fatalf("tree:\n%s\nwant %s below what is before it", got, want)
		}
		rest = after
	}
	if strings.Contains(got, "phases") {
		t.Errorf("tree:\n%s\nwant nothing of package serve itself", got)
	}
	serve.Drain(s.ctx, nil)
	s.wantEnd(t, nil)
	if text := tasktree.Take(tasktree.Options{}); strings.Contains(string(names(text.Roots)), "GET /orders") {
		t.Error("the request is in the tree after its end")
	}
}

func names(nodes []*tasktree.Node) []byte {
	var b bytes.Buffer
	for _, n := range nodes {
		b.WriteString(n.Name + "\n")
		b.Write(names(n.Children))
	}
	return b.Bytes()
}

// The files of an upload are removed at the end of the request, as by net/http alone.
func TestUploadsAreRemoved(t *testing.T) {
	t.Parallel()
	path := make(chan string, 1)
	s := serveSite(t, serve.Program{Grace: patience}, func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1); err != nil {
			t.Error(err)
			return
		}
		f, err := r.MultipartForm.File["file"][0].Open()
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		path <- f.(*os.File).Name()
	})
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	part, err := form.CreateFormFile("file", "x")
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(part, strings.Repeat("x", 20<<20)) // too much for memory
	form.Close()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	res, err := client.Post("http://"+s.addr, form.FormDataContentType(), &b)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	serve.Drain(s.ctx, nil)
	s.wantEnd(t, nil)
	if _, err := os.Stat(<-path); !os.IsNotExist(err) {
		t.Errorf("the file of the upload: %v, want none", err)
	}
}

// A handler sees all trailers of a request, as without HTTP, also those that the client has
// not declared in its header.
func TestTrailers(t *testing.T) {
	t.Parallel()
	s := serveSite(t, serve.Program{Grace: patience}, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		io.WriteString(w, r.Trailer.Get("Sum"))
	})
	c := s.dial(t)
	for _, declared := range []string{"", "Trailer: Sum\r\n"} {
		c.send(t, "POST / HTTP/1.1\r\nHost: test\r\n"+declared+"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nSum: 12\r\n\r\n")
		if _, text := c.answer(t); text != "12" {
			t.Errorf("the trailer is %q with the header %q, want 12", text, declared)
		}
	}
	serve.Drain(s.ctx, nil)
	s.wantEnd(t, nil)
}

// Background tasks, which wait for the others, are not named among what a drain waits
// for, unless they are all that is left. Nor is the body, if tasks are there.
func TestNamesLeaveBackgroundOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines record
		err := serve.Program{Grace: time.Minute, Log: lines.logger()}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Background("metrics", func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(5 * time.Second) // after the others
				return nil
			})
			n.GoNamed("job", func(ctx context.Context) error {
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					n.GoNamed("step", func(ctx context.Context) error { return deadline.Sleep(ctx, 4*time.Second) })
					return nil
				})
			})
			serve.Drain(ctx, nil)
			return deadline.Sleep(ctx, 7*time.Second)
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		for _, want := range []string{`since=3s canceled=false reason="drain requested" tasks=1 for="[job > step (3s)]"`, `tasks=1 for="[body (6s)]"`, `tasks=1 for="[metrics (9s)]"`} {
			if !strings.Contains(lines.String(), want) {
				t.Errorf("log:\n%s\nwant %s", &lines, want)
			}
		}
	})
}

// Grace does not limit clean-up, which the log names.
func TestCleanupAfterGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines record
		err := serve.Program{Grace: time.Second, Log: lines.logger()}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			serve.Cleanup(ctx, func(ctx context.Context) error { return deadline.Sleep(ctx, 5*time.Second) })
			serve.Drain(ctx, nil)
			return nil
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		lines.wantLines(t, "level=INFO msg=draining", `level=INFO msg=waiting since=3s canceled=false reason="drain requested" tasks=1 for=[cleanup]`, "level=INFO msg=ended took=5s")
	})
}

// Linger is also waited for if there is no Grace.
func TestLingerWithoutGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		err := serve.Program{Linger: 3 * time.Second, Log: quiet}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			serve.Drain(ctx, nil)
			return deadline.Sleep(ctx, time.Hour)
		})
		if took := time.Since(start); serve.ExitCode(err) != 3 || took != 3*time.Second {
			t.Errorf("Run = %v after %v, want a CutError after 3s", err, took)
		}
	})
}
