package deadtimeout

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

// Analyzer finds limits whose block does not use its context.
var Analyzer = &analysis.Analyzer{
	Name: "deadtimeout",
	Doc: `find limits whose block does not use its context

A time limit cancels a context. Where the context is not used, the limit has no effect.`,
	URL:      "https://pkg.go.dev/github.com/trellis-go/trellis/vet/deadtimeout",
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      run,
}

func run(pass *analysis.Pass) (any, error) {
	in := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector)
	send := report.To(pass)
	for _, b := range api.Blocks(pass, in) {
		if !limits(b.Callee) || b.Nursery != nil || !works(b.Body) {
			continue
		}
		used := false
		for _, own := range b.Own {
			used = used || api.Mentions(pass.TypesInfo, b.Body, own)
		}
		if !used {
			send(analysis.Diagnostic{
				Pos: b.Call.Pos(),
				End: b.Body.Lbrace,
				Message: "the limit of " + b.Callee.Name + " has no effect: " +
					"its block does not use the context that it is given",
			})
		}
	}
	checkAssigned(pass, in, send)
	return nil, nil
}

// limits reports whether c runs a block with a limit, and no other code has its scope.
func limits(c api.Callee) bool {
	switch c.Pkg + "." + c.Name {
	case "deadline.FailAfter", "deadline.FailAt", "deadline.MoveOnAfter", "deadline.MoveOnAt", "deadline.Call":
		return true
	}
	return false
}

// works reports whether the block does anything that can take long.
func works(body *ast.BlockStmt) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr, *ast.ForStmt, *ast.RangeStmt, *ast.SendStmt, *ast.SelectStmt:
			found = true
		case *ast.UnaryExpr:
			found = found || n.Op == token.ARROW
		}
		return !found
	})
	return found
}

// checkAssigned looks at contexts with a limit that are assigned to variables.
func checkAssigned(pass *analysis.Pass, in *inspector.Inspector, send func(analysis.Diagnostic)) {
	for cur := range in.Root().Preorder((*ast.AssignStmt)(nil)) {
		assign := cur.Node().(*ast.AssignStmt)
		if len(assign.Lhs) != 2 || len(assign.Rhs) != 1 {
			continue
		}
		call, ok := ast.Unparen(assign.Rhs[0]).(*ast.CallExpr)
		if !ok || !derives(api.CalleeOf(pass.TypesInfo, call)) {
			continue
		}
		id, ok := assign.Lhs[0].(*ast.Ident)
		if !ok {
			continue
		}
		if id.Name != "_" && usedAfter(pass.TypesInfo, cur, assign, id) || !deferred(pass.TypesInfo, cur, assign) {
			continue
		}
		send(analysis.Diagnostic{
			Pos:     call.Pos(),
			End:     call.End(),
			Message: "the limit has no effect: the context that has it is not used",
		})
	}
}

// deferred reports whether the statement after assign defers a call of the function that
// is assigned, and nothing else calls it: only then the limit is meant for what follows.
func deferred(info *types.Info, cur inspector.Cursor, assign *ast.AssignStmt) bool {
	next, ok := cur.NextSibling()
	if !ok {
		return false
	}
	d, ok := next.Node().(*ast.DeferStmt)
	v := api.Var(info, assign.Lhs[1])
	if !ok || v == nil || api.Var(info, d.Call.Fun) != v {
		return false
	}
	uses := 0
	ast.Inspect(cur.Parent().Node(), func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && info.Uses[id] == types.Object(v) && id.Pos() > assign.End() {
			uses++
		}
		return true
	})
	return uses == 1
}

// derives reports whether c returns a context with a limit, and a function.
func derives(c api.Callee) bool {
	switch c.Pkg + "." + c.Name {
	case "deadline.Limit", "context.WithTimeout", "context.WithDeadline", "context.WithTimeoutCause", "context.WithDeadlineCause":
		return c.Recv == ""
	}
	return false
}

// usedAfter reports whether the variable that id names may be used after the statement:
// behind it, before it in a loop, or in a function literal. A variable that is not local
// to the function counts as used.
func usedAfter(info *types.Info, cur inspector.Cursor, assign *ast.AssignStmt, id *ast.Ident) bool {
	v, _ := info.ObjectOf(id).(*types.Var)
	if v == nil {
		return true
	}
	var typ *ast.FuncType
	var body *ast.BlockStmt
	for outer := range cur.Enclosing((*ast.FuncDecl)(nil), (*ast.FuncLit)(nil)) {
		switch f := outer.Node().(type) {
		case *ast.FuncDecl:
			typ, body = f.Type, f.Body
		case *ast.FuncLit:
			typ, body = f.Type, f.Body
		}
		break
	}
	if body == nil || v.Pos() < typ.Pos() || v.Pos() > body.End() {
		return true
	}
	if typ.Results != nil && typ.Results.Pos() <= v.Pos() && v.Pos() < typ.Results.End() {
		return true // a named result
	}
	from := assign.End()
	for outer := range cur.Enclosing((*ast.ForStmt)(nil), (*ast.RangeStmt)(nil)) {
		if outer.Node().Pos() >= body.Pos() {
			from = body.Pos()
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		if jump, ok := n.(*ast.BranchStmt); ok && jump.Tok == token.GOTO {
			from = body.Pos()
		}
		return true
	})
	used := false
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			used = used || n.End() < assign.Pos() && api.Mentions(info, n.Body, v)
		case *ast.Ident:
			used = used || n.Pos() >= from && n != id && info.Uses[n] == v
		}
		return !used
	})
	return used
}
