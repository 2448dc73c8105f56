package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
)

// timeLeft is the header in which a server is told how long the client is
// going to wait, so that it can do without work that nobody would see.
const timeLeft = "Time-Left"

// An answer is what came back, read to its end.
type answer struct {
	status string
	size   int64
}

func (a answer) String() string { return fmt.Sprintf("%s, %d bytes", a.status, a.size) }

// get makes one request. There is no parameter for a time limit, and none is
// needed: whoever calls it, from however far above, has put the limit into
// ctx, where it ends the request, and where it can be asked for.
//
// If ctx is done before the end of the answer, the error is the cause of ctx,
// in whatever words the transport puts it. A status other than 200 to 299 is
// an error.
func get(ctx context.Context, client *http.Client, url string) (answer, error) {
	a, err := exchange(ctx, client, url)
	if cancelscope.IsCancellation(ctx, err) {
		err = context.Cause(ctx)
	}
	return a, err
}

func exchange(ctx context.Context, client *http.Client, url string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return answer{}, err
	}
	if left, ok := remaining(ctx); ok {
		req.Header.Set(timeLeft, left.String())
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	// To the end, also of an answer that is of no use: the time it takes is
	// part of the request, and the connection is free for the next one.
	size, err := io.Copy(io.Discard, resp.Body)
	if err != nil {
		return answer{}, fmt.Errorf("reading the answer: %w", err)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return answer{}, &statusError{resp.Status}
	}
	return answer{resp.Status, size}, nil
}

// remaining returns how long whatever is done under ctx may take; ok is false if
// no limit is known.
func remaining(ctx context.Context) (d time.Duration, ok bool) {
	t, ok := deadline.Effective(ctx)
	return max(0, time.Until(t)), ok
}

// A statusError is the answer of a server that could not do what it was asked.
type statusError struct{ status string }

func (e *statusError) Error() string { return "answered " + e.status }
