package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/trellis-go/trellis/deadline"
)

var errStatus = errors.New("the server answered")

// get makes one request. There is no parameter for a time limit, and none is needed: a
// caller, direct or indirect, has put the limit into ctx, where it ends the request. A
// status other than 200 is an error that wraps errStatus.
func get(ctx context.Context, client *http.Client, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	// To the end, also of an answer that is of no use: the time it takes is part of the
	// request, and the connection is free for the next one.
	size, err := io.Copy(io.Discard, resp.Body)
	if err != nil {
		return "", fmt.Errorf("reading the answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%w %s", errStatus, resp.Status)
	}
	return fmt.Sprintf("%s, %d bytes", resp.Status, size), nil
}

// answer does what it is asked for, as in /?after=300ms&status=500.
func answer(w http.ResponseWriter, r *http.Request) {
	d, _ := time.ParseDuration(r.FormValue("after"))
	if deadline.Sleep(r.Context(), d) != nil {
		return // the client has gone: the answer would not be read
	}
	if r.FormValue("status") == "500" {
		w.WriteHeader(http.StatusInternalServerError)
	}
	fmt.Fprintf(w, "It took me %v.\n", d)
}
