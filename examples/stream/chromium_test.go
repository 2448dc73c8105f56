package main_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	stream "github.com/trellis-go/trellis/examples/stream"
)

// browser starts a headless Chromium, and skips the test where there is none.
func browser(t *testing.T) context.Context {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless-shell"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium or Chrome in the PATH: the page is not tested in a browser")
	}
	// The directory for the user's data is a fresh one that chromedp makes. It
	// also removes it, which takes patience: some of Chromium's processes write
	// there for a moment after its end, and t.TempDir would complain.
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which does not work for root
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return ctx
}

// A browserTab is the page in a tab of the browser.
type browserTab struct {
	t   *testing.T
	ctx context.Context
}

func (b *browserTab) open(addr string) {
	b.t.Helper()
	b.do("open the page", chromedp.Navigate("http://"+addr+"/"))
}

func (b *browserTab) click(id string) {
	b.t.Helper()
	b.do("click "+id, chromedp.Click(chromedp.ID(id)))
}

func (b *browserTab) do(what string, step chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, step); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// until waits until an expression is true.
func (b *browserTab) until(expression string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool](expression)); err != nil {
		text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
		b.t.Fatalf("until %s: %v; the page is\n%s", expression, err, text)
	}
}

// connected waits until the page can be used.
func (b *browserTab) connected() {
	b.t.Helper()
	b.until(`document.body.dataset.state == "open"`)
}

// run waits until what is said of a run has a text in it.
func (b *browserTab) run(number, text string) {
	b.t.Helper()
	b.until(`(document.querySelector("#run-` + number + ` h2")?.textContent ?? "").includes("` + text + `")`)
}

// The page itself, clicked at in a real browser.
func TestChromium(t *testing.T) {
	ctx := browser(t)
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
	first := &browserTab{t, ctx}
	first.open(h.addr)
	first.connected()

	// Press again, mid-run, and then three times in quick succession.
	const jobs, hashes = "24", 4
	first.click("run")
	first.run("1", "20 of "+jobs)
	first.click("run")
	first.run("1", "after 20 of 24, replaced by run 2")
	first.run("2", "20 of "+jobs)
	first.click("thrice")
	first.run("2", "replaced by run 3")
	first.run("3", "replaced by run 4")
	first.run("4", "replaced by run 5")
	first.run("5", "20 of "+jobs)
	if n := staying.Load(); n > hashes {
		t.Errorf("%d jobs are at work, want at most the %d of the last run", n, hashes)
	}

	// Refresh: the page comes back as the same client, and its run has gone.
	first.do("reload", chromedp.Reload())
	first.connected()
	for staying.Load() > 0 {
		wait(t, "the jobs of the run before the refresh are canceled", left)
	}
	if n := h.server.Clients(); n != 1 {
		t.Errorf("after the refresh the server remembers %d clients, want 1", n)
	}
	first.click("run")
	first.run("6", "20 of "+jobs)

	// A second tab takes over, and the first one says so.
	secondCtx, cancel := chromedp.NewContext(ctx)
	defer cancel()
	second := &browserTab{t, secondCtx}
	second.open(h.addr)
	second.connected()
	first.until(`document.body.dataset.state == "replaced"`)
	first.until(`document.getElementById("status").textContent.includes("another tab")`)
	first.run("6", "canceled with the connection")
	close(letGo)
	second.click("run")
	second.run("7", "finished: 24 of "+jobs)
	second.click("stop")
	second.run("8", "finished: 0 of 0")

	// And back: pressing in the first one connects it again.
	first.click("run")
	first.run("9", "finished: 24 of "+jobs)
	second.until(`document.body.dataset.state == "replaced"`)

	for _, tab := range []*browserTab{first, second} {
		tab.until(`document.body.dataset.stray === undefined`)
	}
	if err := h.stop(); err != nil {
		t.Errorf("webserver.Run = %v, want nil", err)
	}
	first.until(`document.getElementById("status").textContent == "closed (1001): the server is shutting down"`)
}
