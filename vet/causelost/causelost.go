package causelost

import (
	"go/ast"
	"go/constant"
	"go/token"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"

	"github.com/trellis-go/trellis/vet/internal/api"
	"github.com/trellis-go/trellis/vet/internal/report"
)

// Analyzer finds errors that hide a cancellation.
var Analyzer = &analysis.Analyzer{
	Name: "causelost",
	Doc: `find errors that hide a cancellation

An error that only has the text of a cancellation counts as a failure. Wrap it with %w.`,
	URL:      "https://pkg.go.dev/github.com/trellis-go/trellis/vet/causelost",
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      run,
}

func run(pass *analysis.Pass) (any, error) {
	c := &checker{pass: pass, report: report.To(pass), seen: make(map[ast.Node]bool)}
	for _, b := range api.Blocks(pass, pass.ResultOf[inspect.Analyzer].(*inspector.Inspector)) {
		if b.Body != nil && !b.Errgroup() {
			c.visit(b.Body)
		}
	}
	return nil, nil
}

type checker struct {
	pass   *analysis.Pass
	report func(analysis.Diagnostic)
	seen   map[ast.Node]bool // blocks inside others are visited once
}

func (c *checker) visit(node ast.Node) {
	ast.Inspect(node, func(n ast.Node) bool {
		if n == nil || c.seen[n] {
			return false
		}
		c.seen[n] = true
		switch n := n.(type) {
		case *ast.CallExpr:
			c.call(n)
		case *ast.CommClause:
			c.clause(n)
		}
		return true
	})
}

// call looks at the making of an error from the error of a context.
func (c *checker) call(call *ast.CallExpr) {
	callee := api.CalleeOf(c.pass.TypesInfo, call)
	if !callee.Is("fmt.Errorf") && !callee.Is("errors.New") {
		return
	}
	for i, arg := range call.Args {
		switch {
		case c.isContextError(arg) && i > 0 && !c.wraps(call):
			c.at(call, "the error only has the text of the cancellation: use %w")
		case callee.Name == "New" && c.isText(arg):
			c.at(call, "the error only has the text of the cancellation: use fmt.Errorf and %w")
		}
	}
}

// clause looks at a case <-ctx.Done() of a select.
func (c *checker) clause(clause *ast.CommClause) {
	e, ok := clause.Comm.(*ast.ExprStmt)
	if !ok {
		return
	}
	u, ok := ast.Unparen(e.X).(*ast.UnaryExpr)
	if !ok || u.Op != token.ARROW || !c.isMethod(u.X, "Done") {
		return
	}
	for _, s := range clause.Body {
		r, ok := s.(*ast.ReturnStmt)
		if !ok || len(r.Results) == 0 {
			continue
		}
		call, ok := ast.Unparen(r.Results[len(r.Results)-1]).(*ast.CallExpr)
		if !ok || c.mentionsContextError(call) {
			continue // reported as a call, or right
		}
		callee := api.CalleeOf(c.pass.TypesInfo, call)
		if callee.Is("errors.New") || callee.Is("fmt.Errorf") && !c.wraps(call) {
			c.at(call, "the error does not say that the context is done: wrap context.Cause(ctx) with %w")
		}
	}
}

// wraps reports whether the call of fmt.Errorf wraps an error, or may do so.
func (c *checker) wraps(call *ast.CallExpr) bool {
	format := c.pass.TypesInfo.Types[call.Args[0]].Value
	return format == nil || format.Kind() != constant.String || strings.Contains(constant.StringVal(format), "%w")
}

// isContextError reports whether the expression is ctx.Err() or context.Cause(ctx).
func (c *checker) isContextError(e ast.Expr) bool {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	return ok && (c.isMethod(call, "Err") || api.CalleeOf(c.pass.TypesInfo, call).Is("context.Cause"))
}

// isText reports whether the expression is the text of a context's error.
func (c *checker) isText(e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return !found
		}
		sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
		if ok && sel.Sel.Name == "Error" && c.isContextError(sel.X) {
			found = true
		}
		return !found
	})
	return found
}

func (c *checker) mentionsContextError(node ast.Node) bool {
	found := false
	ast.Inspect(node, func(n ast.Node) bool {
		if e, ok := n.(ast.Expr); ok && c.isContextError(e) {
			found = true
		}
		return !found
	})
	return found
}

// isMethod reports whether the expression calls the method of a context.
func (c *checker) isMethod(e ast.Expr, name string) bool {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return false
	}
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	return ok && sel.Sel.Name == name && api.IsContext(c.pass.TypesInfo.TypeOf(sel.X))
}

func (c *checker) at(n ast.Node, message string) {
	c.report(analysis.Diagnostic{Pos: n.Pos(), End: n.End(), Message: message})
}
