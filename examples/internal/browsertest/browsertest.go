package browsertest

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/trellis-go/trellis/internal/proctest"
)

// A Tab is a tab of a browser that ends with the test.
type Tab struct {
	T   *testing.T
	Ctx context.Context // for package chromedp
}

// New starts a headless Chromium, and skips the test where there is none. Each has its own
// cookies.
func New(t *testing.T) *Tab {
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
	ctx, cancel := context.WithTimeout(t.Context(), 2*proctest.Patience)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return &Tab{t, ctx}
}

// Another returns another tab of the same browser.
func (b *Tab) Another() *Tab {
	ctx, cancel := chromedp.NewContext(b.Ctx)
	b.T.Cleanup(cancel)
	return &Tab{b.T, ctx}
}

// Open opens the page of the server at an address.
func (b *Tab) Open(addr string) {
	b.T.Helper()
	b.Do("open the page", chromedp.Navigate("http://"+addr+"/"))
}

// Click clicks at an element, by its selector.
func (b *Tab) Click(selector string) {
	b.T.Helper()
	b.Do("click "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// Do takes a step, which must succeed.
func (b *Tab) Do(what string, step chromedp.Action[chromedp.Void]) {
	b.T.Helper()
	if err := chromedp.Do(b.Ctx, step); err != nil {
		b.T.Fatalf("%s: %v", what, err)
	}
}

// Until waits until an expression is true.
func (b *Tab) Until(expression string) {
	b.T.Helper()
	if _, err := chromedp.Run(b.Ctx, chromedp.Poll[bool](expression)); err != nil {
		b.T.Fatalf("until %s: %v; the page is\n%s", expression, err, b.Text())
	}
}

// Eval evaluates an expression to a string.
func (b *Tab) Eval(expression string) string {
	b.T.Helper()
	text, err := chromedp.Run(b.Ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		b.T.Fatalf("%s: %v", expression, err)
	}
	return text
}

// Text returns what the page says.
func (b *Tab) Text() string {
	b.T.Helper()
	return b.Eval("document.body.innerText")
}

// Keys presses keys, one after another, as package chromedp/kb names them.
func (b *Tab) Keys(keys string) {
	b.T.Helper()
	b.Do("press "+strconv.Quote(keys), chromedp.KeyEvent(keys))
}

// Scheme makes the page light or dark.
func (b *Tab) Scheme(scheme string) {
	b.T.Helper()
	params := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(b.Ctx, emulation.SetEmulatedMedia, params); err != nil {
		b.T.Fatalf("scheme %s: %v", scheme, err)
	}
}

// Picture returns the window as a PNG file.
func (b *Tab) Picture() []byte {
	b.T.Helper()
	png, err := chromedp.Run(b.Ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.T.Fatalf("picture: %v", err)
	}
	return png
}
