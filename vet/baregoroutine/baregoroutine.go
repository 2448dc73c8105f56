package baregoroutine

import (
	"go/ast"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"

	"github.com/trellis-go/trellis/vet/internal/api"
	"github.com/trellis-go/trellis/vet/internal/report"
)

// Analyzer finds go statements.
var Analyzer = &analysis.Analyzer{
	Name: "baregoroutine",
	Doc: `find go statements

A goroutine that is no task of a nursery may outlive the function that starts it, and its
error is lost.`,
	URL:      "https://pkg.go.dev/github.com/trellis-go/trellis/vet/baregoroutine",
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      run,
}

func run(pass *analysis.Pass) (any, error) {
	in := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector)
	send := report.To(pass)
	for n := range in.PreorderSeq((*ast.GoStmt)(nil), (*ast.CallExpr)(nil)) {
		if strings.HasSuffix(pass.Fset.File(n.Pos()).Name(), "_test.go") {
			continue
		}
		what := "a go statement"
		if call, ok := n.(*ast.CallExpr); ok {
			if !api.CalleeOf(pass.TypesInfo, call).Is("sync.WaitGroup.Go") {
				continue
			}
			what = "WaitGroup.Go"
		}
		send(analysis.Diagnostic{
			Pos:     n.Pos(),
			End:     n.End(),
			Message: what + " starts a goroutine that no nursery waits for: start a task",
		})
	}
	return nil, nil
}
