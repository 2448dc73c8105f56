// Command fetch gets several pages at once, with a limit for each, and prints what it got
// and what went wrong, by name.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

func main() {
	site := httptest.NewServer(http.HandlerFunc(serve))
	defer site.Close()

	// Supervise: a page that fails is no reason to give up the others.
	err := nursery.Config{Supervise: true}.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		for _, page := range []string{"/home", "/missing", "/slow"} {
			n.GoNamed(page, func(ctx context.Context) (err error) {
				ctx, end := deadline.Limit(ctx, 500*time.Millisecond)
				defer end(&err)
				return fetch(ctx, site.URL+page)
			})
		}
		return nil
	})
	fmt.Println(strings.ReplaceAll(fmt.Sprint(err), site.URL, "")) // the port differs each time
}

func fetch(ctx context.Context, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	fmt.Println(r.URL.Path, resp.ContentLength, "bytes")
	return nil
}

func serve(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/home":
		fmt.Fprint(w, "<h1>Welcome</h1>")
	case "/slow":
		<-r.Context().Done()
	default:
		http.NotFound(w, r)
	}
}

// Output:
// /home 16 bytes
// 2 tasks failed:
// 	/missing: 404 Not Found
// 	/slow: Get "/slow": too slow: limit of 500ms exceeded
