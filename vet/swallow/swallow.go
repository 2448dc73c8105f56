package swallow

import (
	"go/ast"
	"go/token"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"

	"github.com/trellis-go/trellis/vet/internal/api"
	"github.com/trellis-go/trellis/vet/internal/report"
)

// Analyzer finds cancellations that become success.
var Analyzer = &analysis.Analyzer{
	Name: "swallow",
	Doc: `find cancellations that become success

A task or block that returns nil when it is canceled counts as one that has done its work.`,
	URL:      "https://pkg.go.dev/github.com/trellis-go/trellis/vet/swallow",
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      run,
}

func run(pass *analysis.Pass) (any, error) {
	c := &checker{pass: pass, report: report.To(pass)}
	for _, b := range api.Blocks(pass, pass.ResultOf[inspect.Analyzer].(*inspector.Inspector)) {
		if b.Body != nil {
			c.visit(b.Body)
		}
	}
	return nil, nil
}

type checker struct {
	pass   *analysis.Pass
	report func(analysis.Diagnostic)
}

// visit looks for statements that run only when something is canceled. Function literals
// are left out: a return in them is not the block's.
func (c *checker) visit(node ast.Node) {
	ast.Inspect(node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CommClause:
			if e, ok := n.Comm.(*ast.ExprStmt); ok && c.receivesDone(e.X) {
				c.returns(n.Body)
			}
		case *ast.BlockStmt:
			for i, s := range n.List {
				if e, ok := s.(*ast.ExprStmt); ok && c.receivesDone(e.X) {
					c.returns(n.List[i+1:])
				}
			}
		case *ast.IfStmt:
			if c.meansCanceled(n.Cond) {
				c.returns(n.Body.List)
			}
		}
		return true
	})
}

// returns reports a return of nil that is the last of the statements.
func (c *checker) returns(list []ast.Stmt) {
	for _, s := range list {
		r, ok := s.(*ast.ReturnStmt)
		if ok && len(r.Results) == 1 && c.pass.TypesInfo.Types[r.Results[0]].IsNil() {
			c.report(analysis.Diagnostic{
				Pos:     r.Pos(),
				End:     r.End(),
				Message: "the cancellation becomes success: return context.Cause(ctx), or the error",
			})
		}
	}
}

// receivesDone reports whether the expression is <-ctx.Done().
func (c *checker) receivesDone(e ast.Expr) bool {
	u, ok := ast.Unparen(e).(*ast.UnaryExpr)
	if !ok || u.Op != token.ARROW {
		return false
	}
	return c.isMethod(u.X, "Done")
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

// meansCanceled reports whether the condition holds only if something is canceled.
func (c *checker) meansCanceled(cond ast.Expr) bool {
	switch e := ast.Unparen(cond).(type) {
	case *ast.BinaryExpr:
		switch e.Op {
		case token.LAND:
			return c.meansCanceled(e.X) || c.meansCanceled(e.Y)
		case token.LOR:
			return c.meansCanceled(e.X) && c.meansCanceled(e.Y)
		case token.NEQ:
			if !c.pass.TypesInfo.Types[e.Y].IsNil() {
				return false
			}
			if c.isMethod(e.X, "Err") {
				return true
			}
			call, ok := ast.Unparen(e.X).(*ast.CallExpr)
			return ok && api.CalleeOf(c.pass.TypesInfo, call).Is("context.Cause")
		case token.EQL:
			return c.isSentinel(e.X) || c.isSentinel(e.Y)
		}
	case *ast.CallExpr:
		return api.CalleeOf(c.pass.TypesInfo, e).Is("errors.Is") && len(e.Args) == 2 && c.isSentinel(e.Args[1])
	}
	return false
}

// isSentinel reports whether the expression is one of the two errors of a context.
func (c *checker) isSentinel(e ast.Expr) bool {
	sel, ok := ast.Unparen(e).(*ast.SelectorExpr)
	if !ok {
		return false
	}
	obj := c.pass.TypesInfo.Uses[sel.Sel]
	return obj != nil && obj.Pkg() != nil && obj.Pkg().Path() == "context" &&
		(obj.Name() == "Canceled" || obj.Name() == "DeadlineExceeded")
}
