package notended

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"

	"github.com/trellis-go/trellis/vet/internal/api"
	"github.com/trellis-go/trellis/vet/internal/report"
)

// Analyzer finds flat scopes that are not ended, or end with the wrong error.
var Analyzer = &analysis.Analyzer{
	Name: "notended",
	Doc: `find flat scopes that are not ended, or end with the wrong error

The function that deadline.Limit and Scope.Enter return must be deferred, with the address
of a named result.`,
	URL:      "https://pkg.go.dev/github.com/trellis-go/trellis/vet/notended",
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      run,
}

func run(pass *analysis.Pass) (any, error) {
	if !api.Uses(pass.Pkg) {
		return nil, nil
	}
	in := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector)
	send := report.To(pass)
	for cur := range in.Root().Preorder((*ast.CallExpr)(nil)) {
		call := cur.Node().(*ast.CallExpr)
		if callee := api.CalleeOf(pass.TypesInfo, call); !callee.Is("deadline.Limit") && !callee.Is("cancelscope.Scope.Enter") {
			continue
		}
		c := &checker{pass: pass, call: call, report: send}
		for outer := range cur.Enclosing((*ast.FuncDecl)(nil), (*ast.FuncLit)(nil)) {
			switch f := outer.Node().(type) {
			case *ast.FuncDecl:
				c.typ, c.body = f.Type, f.Body
			case *ast.FuncLit:
				c.typ, c.body = f.Type, f.Body
			}
			break
		}
		switch parent := cur.Parent().Node().(type) {
		case *ast.ExprStmt:
			c.reportAt(call, "the scope is never ended: both results of the call are dropped")
		case *ast.AssignStmt:
			if len(parent.Lhs) == 2 && len(parent.Rhs) == 1 && c.body != nil {
				c.check(parent.Lhs[1])
			}
		}
	}
	return nil, nil
}

// A checker looks at one scope.
type checker struct {
	pass   *analysis.Pass
	call   *ast.CallExpr
	typ    *ast.FuncType // of the function that the call is in
	body   *ast.BlockStmt
	report func(analysis.Diagnostic)
}

func (c *checker) reportAt(n ast.Node, message string) {
	c.report(analysis.Diagnostic{Pos: n.Pos(), End: n.End(), Message: message})
}

// check looks at what becomes of the function that was assigned to lhs.
func (c *checker) check(lhs ast.Expr) {
	id, ok := lhs.(*ast.Ident)
	if !ok {
		return // a field: ended elsewhere
	}
	if id.Name == "_" {
		c.reportAt(c.call, "the scope is never ended: its end function is dropped")
		return
	}
	end, _ := c.pass.TypesInfo.ObjectOf(id).(*types.Var)
	if end == nil || end.Pos() < c.body.Pos() || end.Pos() > c.body.End() {
		return
	}
	uses := c.uses(end)
	switch {
	case uses.elsewhere:
	case uses.deferred != nil:
		c.checkArgument(uses.deferred)
	case uses.plain != nil:
		c.reportAt(uses.plain, "the call of "+id.Name+" is not deferred: a panic or a return before it leaves the scope open")
	default:
		c.reportAt(c.call, "the scope is never ended: "+id.Name+" is not called")
	}
}

// uses says how an end function is used.
type uses struct {
	deferred  *ast.CallExpr // the first "defer end(...)"
	plain     *ast.CallExpr // the first "end(...)"
	elsewhere bool          // anything else, or a call in a function literal
}

func (c *checker) uses(end *types.Var) uses {
	var found uses
	info := c.pass.TypesInfo
	calls := make(map[*ast.CallExpr]bool) // deferred or not
	depth := 0
	var visit func(n ast.Node) bool
	visit = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			depth++
			ast.Inspect(n.Body, visit)
			depth--
			return false
		case *ast.DeferStmt:
			calls[n.Call] = true
		case *ast.CallExpr:
			if api.Var(info, n.Fun) != end || depth > 0 {
				break
			}
			switch {
			case calls[n] && found.deferred == nil:
				found.deferred = n
			case !calls[n] && found.plain == nil:
				found.plain = n
			}
			for _, arg := range n.Args {
				ast.Inspect(arg, visit)
			}
			return false
		case *ast.AssignStmt:
			// "_ = end" is no use: it silences the compiler.
			if len(n.Lhs) == 1 && len(n.Rhs) == 1 && api.Var(info, n.Rhs[0]) == end {
				if id, ok := n.Lhs[0].(*ast.Ident); ok && id.Name == "_" {
					return false
				}
			}
		case *ast.Ident:
			if info.Uses[n] == end && !c.assigned(n) {
				found.elsewhere = true
			}
		}
		return true
	}
	ast.Inspect(c.body, visit)
	return found
}

// assigned reports whether id is the left-hand side of the statement of the call.
func (c *checker) assigned(id *ast.Ident) bool {
	return id.Pos() < c.call.Pos() && c.pass.Fset.Position(id.Pos()).Line == c.pass.Fset.Position(c.call.Pos()).Line
}

// checkArgument looks at the argument of a deferred call.
func (c *checker) checkArgument(call *ast.CallExpr) {
	if len(call.Args) != 1 {
		return
	}
	arg := ast.Unparen(call.Args[0])
	if c.pass.TypesInfo.Types[arg].IsNil() {
		c.reportAt(arg, "the end function panics when it gets nil: pass the address of a named result")
		return
	}
	address, ok := arg.(*ast.UnaryExpr)
	if !ok || address.Op != token.AND {
		return
	}
	v := api.Var(c.pass.TypesInfo, address.X)
	if v == nil || v.IsField() || v.Pos() < c.typ.Pos() || v.Pos() > c.body.End() {
		return // a field or a variable from outside, which others read
	}
	if c.isResult(v) || c.readByDefer(v) {
		return
	}
	c.reportAt(arg, v.Name()+" is not a named result of the function: the caller does not get what end writes there")
}

func (c *checker) isResult(v *types.Var) bool {
	if c.typ.Results == nil {
		return false
	}
	for _, field := range c.typ.Results.List {
		for _, name := range field.Names {
			if c.pass.TypesInfo.Defs[name] == v {
				return true
			}
		}
	}
	return false
}

// readByDefer reports whether a deferred function literal mentions v.
func (c *checker) readByDefer(v *types.Var) bool {
	found := false
	ast.Inspect(c.body, func(n ast.Node) bool {
		if d, ok := n.(*ast.DeferStmt); ok {
			if lit, ok := ast.Unparen(d.Call.Fun).(*ast.FuncLit); ok && api.Mentions(c.pass.TypesInfo, lit.Body, v) {
				found = true
			}
		}
		return !found
	})
	return found
}
