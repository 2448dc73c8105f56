package main_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/trellis-go/trellis/examples/internal/browsertest"
	stream "github.com/trellis-go/trellis/examples/stream"
)

// A browserTab is the page in a tab of the browser.
type browserTab struct{ *browsertest.Tab }

// connected waits until the page can be used. While it is being loaded, the browser may
// forget the question.
func (b browserTab) connected() {
	b.T.Helper()
	var err error
	for range 5 {
		if _, err = chromedp.Run(b.Ctx, chromedp.Poll[bool](`document.body.dataset.state == "open"`)); err == nil {
			return
		}
	}
	b.T.Fatalf("the page is not connected: %v", err)
}

// Click clicks at an element, by its selector.
func (b browserTab) Click(selector string) {
	b.T.Helper()
	b.Do("click "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// run waits until what is said of a run has a text in it.
func (b browserTab) run(number, text string) {
	b.T.Helper()
	b.Until(`(document.querySelector("#run-` + number + ` h2")?.textContent ?? "").includes("` + text + `")`)
}

// The page itself, clicked at in a real browser.
func TestChromium(t *testing.T) {
	// Some jobs of the page's list are done at once; those called "hash" stay
	// until they are canceled, or the test lets them go.
	var staying atomic.Int32
	left := make(chan struct{}, 1000)
	letGo := make(chan struct{})
	h := loopback(t, stream.Settings{Limit: 100, WriteTimeout: 2 * patience, Do: func(ctx context.Context, j stream.Job) (string, error) {
		if !strings.HasPrefix(j.ID, "hash") {
			return "done", nil
		}
		staying.Add(1)
		defer func() {
			staying.Add(-1)
			left <- struct{}{}
		}()
		select {
		case <-letGo:
			return "done", nil
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}})
	first := browserTab{browsertest.New(t)}
	first.Open(h.addr)
	first.connected()

	// Press again, mid-run, and then three times in quick succession.
	const jobs, hashes = "24", 4
	first.Click("#run")
	first.run("1", "20 of "+jobs)
	first.Click("#run")
	first.run("1", "after 20 of 24, replaced by run 2")
	first.run("2", "20 of "+jobs)
	first.Click("#thrice")
	first.run("2", "replaced by run 3")
	first.run("3", "replaced by run 4")
	first.run("4", "replaced by run 5")
	first.run("5", "20 of "+jobs)
	if n := staying.Load(); n > hashes {
		t.Errorf("%d jobs are at work, want at most the %d of the last run", n, hashes)
	}

	// Refresh: the page comes back as the same client, and its run has gone.
	first.Do("reload", chromedp.Reload())
	first.connected()
	for staying.Load() > 0 {
		wait(t, "the jobs of the run before the refresh are canceled", left)
	}
	if n := h.server.Clients(); n != 1 {
		t.Errorf("after the refresh the server remembers %d clients, want 1", n)
	}
	first.Click("#run")
	first.run("6", "20 of "+jobs)

	// A second tab takes over, and the first one says so.
	second := browserTab{first.Another()}
	second.Open(h.addr)
	second.connected()
	first.Until(`document.body.dataset.state == "replaced"`)
	first.Until(`document.getElementById("status").textContent.includes("another tab")`)
	first.run("6", "canceled with the connection")
	close(letGo)
	second.Click("#run")
	second.run("7", "finished: 24 of "+jobs)
	second.Click("#stop")
	second.run("8", "finished: 0 of 0")

	// And back: pressing in the first one connects it again.
	first.Click("#run")
	first.run("9", "finished: 24 of "+jobs)
	second.Until(`document.body.dataset.state == "replaced"`)

	for _, tab := range []browserTab{first, second} {
		tab.Until(`document.body.dataset.stray === undefined`)
	}
	if err := h.stop(); err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
	first.Until(`document.getElementById("status").textContent == "closed (1001): the server is shutting down"`)
}
