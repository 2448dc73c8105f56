package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/examples/internal/webserver"
	"github.com/trellis-go/trellis/nursery"
)

// get makes one request. There is no parameter for a time limit, and none is
// needed: a caller, direct or indirect, has put the limit into ctx, where it ends
// the request, and where get can look it up.
//
// If ctx is done before the end of the answer, the error is the cause of ctx,
// in whatever words the transport puts it. A status other than 200 is an error.
func get(ctx context.Context, client *http.Client, url string) (text string, err error) {
	defer func() {
		if cancelscope.IsCancellation(ctx, err) {
			err = context.Cause(ctx)
		}
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	// A server that knows how long its client is going to wait can leave out work
	// that would come too late.
	if left, ok := remaining(ctx); ok {
		req.Header.Set("Time-Left", left.String())
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	// To the end, also of an answer that is of no use: the time it takes is
	// part of the request, and the connection is free for the next one.
	size, err := io.Copy(io.Discard, resp.Body)
	if err != nil {
		return "", fmt.Errorf("reading the answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("answered %s", resp.Status)
	}
	return fmt.Sprintf("%s, %d bytes", resp.Status, size), nil
}

// remaining returns how long whatever is done under ctx may take; ok is false
// if no limit is known.
func remaining(ctx context.Context) (d time.Duration, ok bool) {
	t, ok := deadline.Effective(ctx)
	return max(0, time.Until(t)), ok
}

// withServers calls fn while there are two servers, and returns when fn has and
// those that it started have ended.
//
// Their nursery is shielded, and fn has the context outside: at a signal fn
// ends first, and then the servers. Were both canceled at once, a client could
// take what a server says that breaks off for an answer.
func (p *program) withServers(ctx context.Context, fn func() error) error {
	var fnErr error
	err := nursery.Config{Name: "servers", Shield: true}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		defer n.Scope().Cancel(nil)
		for len(p.urls) < 2 {
			l, err := p.listen()
			if err != nil {
				return err
			}
			n.Go(func(ctx context.Context) error { return webserver.Run(ctx, l, http.HandlerFunc(answer)) })
			p.urls = append(p.urls, "http://"+l.Addr().String())
		}
		// Not as an error of this nursery, which has been canceled by then, and
		// would take the cancellation of fn for its own.
		fnErr = fn()
		return nil
	})
	return errors.Join(fnErr, err)
}

// answer does what it is asked for, as in /?after=300ms&status=500.
func answer(w http.ResponseWriter, r *http.Request) {
	http.NewResponseController(w).SetWriteDeadline(time.Time{}) // it takes as long as it takes
	d, _ := time.ParseDuration(r.FormValue("after"))
	if deadline.Sleep(r.Context(), d) != nil {
		return // the client has gone: the answer would not be read
	}
	if r.FormValue("status") == "500" {
		w.WriteHeader(http.StatusInternalServerError)
	}
	fmt.Fprintf(w, "It took me %v.\n", d)
}
