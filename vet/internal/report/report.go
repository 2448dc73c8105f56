package report

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"

	"github.com/trellis-go/trellis/vet/internal/api"
)

const directive = "//trellisvet:ignore"

// A line is one line of one file.
type line struct {
	file string
	n    int
}

// To returns a function that reports diagnostics of the pass as pass.Report does, except
// for those that are dropped. It reports at once the comments for the analyzer of the
// pass that give no reason. The function must not be called concurrently.
func To(pass *analysis.Pass) func(analysis.Diagnostic) {
	library := api.IsLibrary(pass.Pkg.Path())
	generated := make(map[*token.File]bool)
	ignored := make(map[line]bool)
	for _, file := range pass.Files {
		tf := pass.Fset.File(file.FileStart)
		if ast.IsGenerated(file) {
			generated[tf] = true
			continue
		}
		for _, group := range file.Comments {
			for _, c := range group.List {
				readComment(pass, c, ignored)
			}
		}
	}
	return func(d analysis.Diagnostic) {
		if generated[pass.Fset.File(d.Pos)] {
			return
		}
		p := pass.Fset.Position(d.Pos)
		if library && strings.HasSuffix(p.Filename, "_test.go") {
			return
		}
		if !ignored[line{p.Filename, p.Line}] {
			pass.Report(d)
		}
	}
}

// readComment enters the lines that c answers for into ignored.
func readComment(pass *analysis.Pass, c *ast.Comment, ignored map[line]bool) {
	rest, ok := strings.CutPrefix(c.Text, directive)
	if !ok || rest != "" && rest[0] != ' ' && rest[0] != '\t' {
		return
	}
	names, reason := split(rest)
	if !slices.Contains(strings.Split(names, ","), pass.Analyzer.Name) {
		return
	}
	if reason == "" {
		pass.Reportf(c.Pos(), "the comment gives no reason: %s %s REASON", directive, names)
		return
	}
	// The line of the comment, for code in front of it, and the next one, for a comment
	// that is alone.
	p := pass.Fset.Position(c.Pos())
	ignored[line{p.Filename, p.Line}] = true
	if alone(pass, c) {
		ignored[line{p.Filename, p.Line + 1}] = true
	}
}

// split returns the names at the beginning of the text, without the white space that may
// be after a comma, and the reason behind them.
func split(text string) (names, reason string) {
	fields := strings.Fields(text)
	for i, field := range fields {
		names += field
		if !strings.HasSuffix(field, ",") {
			return names, strings.Join(fields[i+1:], " ")
		}
	}
	return names, ""
}

// alone reports whether nothing but white space is in front of c on its line.
func alone(pass *analysis.Pass, c *ast.Comment) bool {
	p := pass.Fset.Position(c.Pos())
	content, err := pass.ReadFile(pass.Fset.File(c.Pos()).Name())
	if err != nil || p.Offset > len(content) {
		return false
	}
	start := p.Offset - (p.Column - 1)
	return start >= 0 && strings.TrimSpace(string(content[start:p.Offset])) == ""
}
