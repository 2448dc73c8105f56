package emptylimit

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"

	"github.com/trellis-go/trellis/vet/internal/api"
	"github.com/trellis-go/trellis/vet/internal/report"
)

// Analyzer finds limits that are the length of the items.
var Analyzer = &analysis.Analyzer{
	Name: "emptylimit",
	Doc: `find limits that are the length of the items

A limit that is the number of items limits nothing, and panics when there are no items.
Use nursery.NoLimit.`,
	URL:      "https://pkg.go.dev/github.com/trellis-go/trellis/vet/emptylimit",
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      run,
}

func run(pass *analysis.Pass) (any, error) {
	if !api.Uses(pass.Pkg) {
		return nil, nil
	}
	send := report.To(pass)
	in := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector)
	for n := range in.PreorderSeq((*ast.CallExpr)(nil)) {
		call := n.(*ast.CallExpr)
		callee := api.CalleeOf(pass.TypesInfo, call)
		if callee.Pkg != "nursery" || callee.Recv != "" || len(call.Args) != 4 {
			continue
		}
		limit, items := call.Args[1], call.Args[2]
		switch callee.Name {
		case "ForEach", "Map", "MapSeq", "MapUnordered":
			if !same(pass.TypesInfo, lengthOf(pass.TypesInfo, limit), items) {
				continue
			}
		case "ForN":
			if !same(pass.TypesInfo, limit, items) &&
				!same(pass.TypesInfo, lengthOf(pass.TypesInfo, limit), lengthOf(pass.TypesInfo, items)) {
				continue
			}
		default:
			continue
		}
		d := analysis.Diagnostic{
			Pos: limit.Pos(),
			End: limit.End(),
			Message: "the limit is the number of items, so it limits nothing, and " + callee.Name +
				" panics when there are none: use nursery.NoLimit",
		}
		if pkg := qualifier(call.Fun); pkg != "" {
			d.SuggestedFixes = []analysis.SuggestedFix{{
				Message:   "Use " + pkg + ".NoLimit",
				TextEdits: []analysis.TextEdit{{Pos: limit.Pos(), End: limit.End(), NewText: []byte(pkg + ".NoLimit")}},
			}}
		}
		send(d)
	}
	return nil, nil
}

// qualifier returns the name that the file has for the package of the function.
func qualifier(fun ast.Expr) string {
	switch f := ast.Unparen(fun).(type) {
	case *ast.IndexExpr:
		return qualifier(f.X)
	case *ast.IndexListExpr:
		return qualifier(f.X)
	case *ast.SelectorExpr:
		if id, ok := f.X.(*ast.Ident); ok {
			return id.Name
		}
	}
	return ""
}

// lengthOf returns x where expr is len(x), and nil elsewhere.
func lengthOf(info *types.Info, expr ast.Expr) ast.Expr {
	call, ok := ast.Unparen(expr).(*ast.CallExpr)
	if !ok || len(call.Args) != 1 {
		return nil
	}
	id, ok := ast.Unparen(call.Fun).(*ast.Ident)
	if !ok {
		return nil
	}
	if b, ok := info.Uses[id].(*types.Builtin); !ok || b.Name() != "len" {
		return nil
	}
	return call.Args[0]
}

// same reports whether both expressions are the same variable, or the same field of it.
func same(info *types.Info, a, b ast.Expr) bool {
	if a == nil || b == nil {
		return false
	}
	a, b = ast.Unparen(a), ast.Unparen(b)
	if sa, ok := a.(*ast.SelectorExpr); ok {
		sb, ok := b.(*ast.SelectorExpr)
		return ok && info.ObjectOf(sa.Sel) == info.ObjectOf(sb.Sel) && same(info, sa.X, sb.X)
	}
	v := api.Var(info, a)
	return v != nil && v == api.Var(info, b)
}
