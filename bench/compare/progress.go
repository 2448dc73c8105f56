package main

import (
	"fmt"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// A progress shows on a terminal how far the measuring is. It changes between
// measurements only, and has no goroutine that would run during them.
type progress struct {
	bar *progressbar.ProgressBar // nil if there is no terminal
}

func newProgress(w io.Writer, steps int) *progress {
	if !isTerminal(w) {
		return &progress{}
	}
	return &progress{progressbar.NewOptions(steps,
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

// show says what is measured next. Rounds count from 0.
func (p *progress) show(round, rounds int, work, lib string) {
	if p.bar != nil {
		p.bar.Describe(fmt.Sprintf("round %d/%d %-36s %-11s", round+1, rounds, work, lib))
	}
}

func (p *progress) step() {
	if p.bar != nil {
		p.bar.Add(1)
	}
}

func (p *progress) clear() {
	if p.bar != nil {
		p.bar.Clear()
	}
}
