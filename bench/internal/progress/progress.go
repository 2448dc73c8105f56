package progress

import (
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// A Bar shows how far the measuring is. It changes between
// measurements only, and has no goroutine that would run during them.
type Bar struct {
	bar *progressbar.ProgressBar // nil if there is no terminal
}

// New returns a Bar for so many steps. If w is no terminal it does nothing.
func New(w io.Writer, steps int) *Bar {
	if !isTerminal(w) {
		return &Bar{}
	}
	return &Bar{progressbar.NewOptions(steps,
		progressbar.OptionSetWriter(w),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetSpinnerChangeInterval(0), // otherwise it has a goroutine
	)}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// Show says what is measured next.
func (p *Bar) Show(what string) {
	if p.bar != nil {
		p.bar.Describe(what)
	}
}

// Step says that one of the steps is done.
func (p *Bar) Step() {
	if p.bar != nil {
		p.bar.Add(1)
	}
}

// Clear takes the bar off the terminal.
func (p *Bar) Clear() {
	if p.bar != nil {
		p.bar.Clear()
	}
}
