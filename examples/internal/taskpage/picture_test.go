package taskpage_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
)

// The pictures in the README and in docs/debugging.md are those that this test takes:
//
//	TRELLIS_PICTURES=../docs go test -count=1 -run TestPicture ./internal/taskpage
//
// Without the variable it takes them of a younger program, and only compares them.
func TestPicture(t *testing.T) {
	dir, age := os.Getenv("TRELLIS_PICTURES"), 1500*time.Millisecond
	if dir != "" {
		age = 21 * time.Second
		if !filepath.IsAbs(dir) {
			dir = filepath.Join("..", "..", dir) // of the module
		}
	}
	p := start(t, "shop")
	export := shop(t, p)
	page := open(t)
	page.Do("size", chromedp.EmulateViewport(1180, 640))
	page.shows("checkout 4711")
	page.Do("age", chromedp.Sleep(age/3))
	export.Cancel(errors.New("the customer closed the page"))
	page.Do("age", chromedp.Sleep(age))
	page.Until(`!document.getElementById("alarm").hidden`)
	page.Click("#alarm button")
	page.press("s")
	page.Until(`document.getElementById("trace")?.textContent.includes("renderPage")`)
	page.press("p")

	var middle [2]uint32
	for i, scheme := range []string{"light", "dark"} {
		page.Scheme(scheme)
		picture, err := png.Decode(bytes.NewReader(page.Picture()))
		if err != nil {
			t.Fatal(err)
		}
		middle[i], _, _, _ = picture.At(600, 600).RGBA()
		if dir != "" {
			writeSmall(t, filepath.Join(dir, "tasks-"+scheme+".png"), picture)
		}
	}
	if middle[0] < 0xd000 || middle[1] > 0x4000 {
		t.Errorf("the brightness of the light page is %#x, and of the dark one %#x", middle[0], middle[1])
	}
}

// shop starts what runs in the picture, and returns the task that is to be canceled.
func shop(t *testing.T, p *program) *nursery.Task[struct{}] {
	wait := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	p.n.Background("metrics", wait)
	p.n.GoNamed("http", func(ctx context.Context) error {
		return nursery.Config{Name: "requests"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for i := range 6 {
				n.GoNamed(fmt.Sprintf("GET /item/%d", 100+37*i), func(ctx context.Context) error {
					return deadline.FailAfter(ctx, 30*time.Minute, wait)
				})
			}
			n.GoNamed("checkout 4711", func(ctx context.Context) error {
				return deadline.FailAfter(ctx, time.Hour, func(ctx context.Context) error {
					return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
						n.GoNamed("reserve", wait)
						n.GoNamed("pay", func(ctx context.Context) error {
							s := cancelscope.Scope{Name: "booking"}
							s.SetShield(true)
							return s.Run(ctx, func(context.Context) error { return wait(ctx) }) //trellisvet:ignore outerctx the shield is to end with the others
						})
						return nil
					})
				})
			})
			return nil
		})
	})
	p.n.GoNamed("import", func(ctx context.Context) error {
		return nursery.ForEach(ctx, 3, []string{"berlin", "oslo", "rome", "turin"}, func(ctx context.Context, _ string) error { return wait(ctx) })
	})
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	return p.n.Task("export 7", func(ctx context.Context) error {
		return nursery.Config{Name: "pages"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("page 1", wait)
			n.GoNamed("page 2", wait)
			n.GoNamed("page 3", func(context.Context) error { return renderPage(release) })
			return nil
		})
	})
}

// renderPage waits for a printer, and does not look at a context.
func renderPage(printed <-chan struct{}) error {
	<-printed
	return nil
}

// writeSmall writes a picture with the 256 colors that are most frequent in it, which is a
// third of the size.
func writeSmall(t *testing.T, name string, picture image.Image) {
	t.Helper()
	counts := make(map[color.Color]int)
	bounds := picture.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[picture.At(x, y)]++
		}
	}
	colors := slices.SortedFunc(maps.Keys(counts), func(a, b color.Color) int {
		return cmp.Or(counts[b]-counts[a], cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	small := image.NewPaletted(bounds, color.Palette(colors[:min(len(colors), 256)]))
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			small.Set(x, y, picture.At(x, y))
		}
	}
	var data bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&data, small); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data.Bytes(), 0o644); err != nil {
		t.Error(err)
	}
}
