package vet

import (
	"golang.org/x/tools/go/analysis"

	"github.com/trellis-go/trellis/vet/baregoroutine"
	"github.com/trellis-go/trellis/vet/causelost"
	"github.com/trellis-go/trellis/vet/cleanupctx"
	"github.com/trellis-go/trellis/vet/deadtimeout"
	"github.com/trellis-go/trellis/vet/earlyclose"
	"github.com/trellis-go/trellis/vet/emptylimit"
	"github.com/trellis-go/trellis/vet/migrate"
	"github.com/trellis-go/trellis/vet/notended"
	"github.com/trellis-go/trellis/vet/notready"
	"github.com/trellis-go/trellis/vet/outerctx"
	"github.com/trellis-go/trellis/vet/scopeescape"
	"github.com/trellis-go/trellis/vet/swallow"
	"github.com/trellis-go/trellis/vet/uncancelable"
)

// Default returns the analyzers that are on by default: what they report is wrong.
func Default() []*analysis.Analyzer {
	return []*analysis.Analyzer{
		cleanupctx.Analyzer,
		deadtimeout.Analyzer,
		earlyclose.Analyzer,
		emptylimit.Analyzer,
		notended.Analyzer,
		outerctx.Analyzer,
	}
}

// Optional returns the analyzers that are off by default: what they report may be meant.
func Optional() []*analysis.Analyzer {
	return []*analysis.Analyzer{
		baregoroutine.Analyzer,
		causelost.Analyzer,
		notready.Analyzer,
		scopeescape.Analyzer,
		swallow.Analyzer,
		uncancelable.Analyzer,
	}
}

// Migrate returns the analyzer that moves programs from errgroup to Trellis.
func Migrate() *analysis.Analyzer { return migrate.Analyzer }

// All returns all analyzers.
func All() []*analysis.Analyzer {
	return append(append(Default(), Optional()...), Migrate())
}
