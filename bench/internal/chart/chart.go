package chart

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"strconv"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Own is the color of Trellis.
var Own color.Color = color.RGBA{R: 0xd5, G: 0x5e, B: 0x00, A: 0xff}

// Faint is for lines that guide the eye.
var Faint color.Color = color.Gray{Y: 0xe2}

// The looks of the others. The colors are told apart also by people who do not see red
// and green.
var (
	colors = []color.Color{
		color.RGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff},
		color.RGBA{R: 0x00, G: 0x9e, B: 0x73, A: 0xff},
		color.RGBA{R: 0xcc, G: 0x79, B: 0xa7, A: 0xff},
		color.RGBA{R: 0xb8, G: 0x86, B: 0x00, A: 0xff},
		color.RGBA{R: 0x56, G: 0xb4, B: 0xe9, A: 0xff},
		color.RGBA{R: 0x66, G: 0x66, B: 0x66, A: 0xff},
		color.RGBA{R: 0x7a, G: 0x3e, B: 0x9d, A: 0xff},
	}
	shapes = []draw.GlyphDrawer{draw.RingGlyph{}, draw.TriangleGlyph{}, draw.SquareGlyph{}, draw.PlusGlyph{}, draw.CrossGlyph{}}
)

// Style returns the look of a library: of Trellis for 0, and of the others.
func Style(i int) draw.GlyphStyle {
	if i == 0 {
		return draw.GlyphStyle{Color: Own, Shape: draw.CircleGlyph{}, Radius: vg.Points(3.5)}
	}
	return draw.GlyphStyle{
		Color:  colors[(i-1)%len(colors)],
		Shape:  shapes[(i-1)%len(shapes)],
		Radius: vg.Points(3),
	}
}

// Text returns the style of a text of so many points.
func Text(size float64, bold bool) draw.TextStyle {
	face := font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(size)}
	if bold {
		face.Weight = xfont.WeightBold
	}
	return draw.TextStyle{Color: color.Black, Font: face, Handler: text.Plain{Fonts: font.DefaultCache}}
}

// New returns a plot without anything in it, in the fonts of this package.
func New() *plot.Plot {
	p := plot.New()
	p.Title.TextStyle = aligned(Text(11, true), p.Title.TextStyle)
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle = aligned(Text(9, false), axis.Label.TextStyle)
		axis.Tick.Label = aligned(Text(9, false), axis.Tick.Label)
		axis.LineStyle.Color = color.Gray{Y: 0x80}
		axis.Tick.LineStyle.Color = color.Gray{Y: 0x80}
	}
	return p
}

// aligned returns style with the alignment of like.
func aligned(style, like draw.TextStyle) draw.TextStyle {
	style.XAlign, style.YAlign, style.Rotation = like.XAlign, like.YAlign, like.Rotation
	return style
}

// Write writes an SVG that draw fills.
func Write(w io.Writer, width, height vg.Length, fill func(c draw.Canvas)) error {
	canvas := vgsvg.New(width, height)
	c := draw.New(canvas)
	c.SetColor(color.White) // pages may be dark
	c.Fill(c.Rectangle.Path())
	fill(c)
	_, err := canvas.WriteTo(w)
	return err
}

// An Entry is one line of a legend.
type Entry struct {
	Name  string
	Style draw.GlyphStyle
}

// Legend draws entries side by side at the top of c, in as many lines as they need,
// and returns what is left of c below them.
func Legend(c draw.Canvas, entries []Entry) draw.Canvas {
	const line, glyph, gap = 14, 9, 12
	style := Text(9, false)
	style.YAlign = draw.YCenter
	x, y := c.Min.X, c.Max.Y-vg.Points(line/2)
	for _, e := range entries {
		width := vg.Points(glyph+gap) + style.Width(e.Name)
		if x > c.Min.X && x+width > c.Max.X {
			x, y = c.Min.X, y-vg.Points(line)
		}
		c.DrawGlyph(e.Style, vg.Point{X: x + vg.Points(glyph/2), Y: y})
		c.FillText(style, vg.Point{X: x + vg.Points(glyph), Y: y}, e.Name)
		x += width
	}
	c.Max.Y = y - vg.Points(line)
	return c
}

// Ticks are at most Most marks on a logarithmic axis: at 1, 2 and 5 times each power of
// ten if that is few enough, otherwise at powers of ten.
type Ticks struct {
	Most   int
	Format func(v float64) string
}

func (t Ticks) Ticks(low, high float64) []plot.Tick {
	ticks := t.at(low, high, 1, 1, 2, 5)
	for step := 1; len(ticks) > t.Most && step < 10; step++ {
		ticks = t.at(low, high, step, 1)
	}
	return ticks
}

// at returns ticks at the digits times each step-th power of ten.
func (t Ticks) at(low, high float64, step int, digits ...int) []plot.Tick {
	var ticks []plot.Tick
	for power := int(math.Floor(math.Log10(low))); math.Pow10(power) <= high; power++ {
		if power%step != 0 {
			continue
		}
		for _, digit := range digits {
			// Parsed, because a product would be a little off.
			v, _ := strconv.ParseFloat(fmt.Sprintf("%de%d", digit, power), 64)
			if low <= v && v <= high {
				ticks = append(ticks, plot.Tick{Value: v, Label: t.Format(v)})
			}
		}
	}
	return ticks
}

// Plain writes a number as it is.
func Plain(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }
