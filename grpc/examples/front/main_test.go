package main

import (
	"bytes"
	"context"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What each part of the program prints, in its order.
var want = map[string]string{
	"client": `
client   chair: 12 EUR, 3 in stock, good
client   book: code DeadlineExceeded
client     "page of the book" too slow: limit of 500ms exceeded: a page has 500ms
client   lamp: code NotFound
client     stock
client       north
client         rpc error: code = NotFound desc = no lamps here
client       south
client         rpc error: code = Unavailable desc = closed on Mondays`,
	"front": `
front    rpc error: code = DeadlineExceeded desc = context deadline exceeded: "page of the book" too slow: limit of 500ms exceeded: a page has 500ms
front    lamp: stock: 2 tasks failed:
         	north: rpc error: code = NotFound desc = no lamps here
         	south: rpc error: code = Unavailable desc = closed on Mondays`,
	"reviews": `
reviews  book: client's scope "page of the book" canceled: deadline passed: a page has 500ms
reviews  lamp: client's scope "lamp" canceled: a task failed: stock: 2 tasks failed: north: rpc error: code = NotFound desc = no lamps here south: rpc error: code = Unavailable desc = closed on Mondays`,
}

// The front end has a limit, and so has its call to the back end. Whichever passes first
// chooses the words for the end of the call: these are gRPC's and the back end's.
var sooner = regexp.MustCompile(`(front    rpc error: code = DeadlineExceeded desc = )` +
	`(?:stream terminated by RST_STREAM with error code: CANCEL|scope canceled from outside: context deadline exceeded: client's scope "page of the book" canceled: deadline passed: a page has 500ms)` +
	`(: "page of the book" too slow)`)

func TestFront(t *testing.T) {
	var out bytes.Buffer
	p := serve.Program{Grace: 5 * time.Second, Log: slog.New(slog.DiscardHandler)}
	err := p.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error { return show(ctx, n, &report{w: &out}) })
	if err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
	// On a machine that is very busy a reason may come too late, and so may the deadline that the
	// server has of the call, after which it knows the reason by itself.
	late := out.String()
	for reason := range strings.Lines(want["reviews"] + "\n") {
		name, _, _ := strings.Cut(reason, ":")
		late = strings.ReplaceAll(late, name+": canceled by the client, or the connection is lost\n", reason)
	}
	late = sooner.ReplaceAllString(late, "${1}context deadline exceeded${2}")
	all := strings.Split(strings.TrimSuffix(late, "\n"), "\n")
	var lines []string
	for part, text := range want {
		wanted := strings.Split(text[1:], "\n")
		lines = append(lines, wanted...)
		got := slices.DeleteFunc(slices.Clone(all), func(line string) bool { return !slices.Contains(wanted, line) })
		if !slices.Equal(got, wanted) {
			t.Errorf("%s: lines in another order or missing; got\n%s\nwant%s\nall:\n%s", part, strings.Join(got, "\n"), text, &out)
		}
	}
	for _, line := range all {
		if !slices.Contains(lines, line) {
			t.Errorf("unexpected line %q", line)
		}
	}
}
