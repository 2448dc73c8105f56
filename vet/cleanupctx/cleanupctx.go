package cleanupctx

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/types/typeutil"

	"github.com/trellis-go/trellis/vet/internal/api"
	"github.com/trellis-go/trellis/vet/internal/report"
)

// Analyzer finds deferred clean-up with the context of the task.
var Analyzer = &analysis.Analyzer{
	Name: "cleanupctx",
	Doc: `find deferred clean-up with the context of the task

A deferred call with the context of a canceled task or block fails at once. Use
cancelscope.Cleanup, which gives it a context that is not canceled.`,
	URL:      "https://pkg.go.dev/github.com/trellis-go/trellis/vet/cleanupctx",
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      run,
}

// verbs begin the names of functions that give back what something else has taken.
var verbs = []string{
	"abort", "cleanup", "close", "delete", "deregister", "disconnect", "logout", "release", "remove", "revoke",
	"rollback", "shutdown", "terminate", "unlock", "unregister", "unsubscribe",
}

func run(pass *analysis.Pass) (any, error) {
	in := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector)
	blocks := api.Blocks(pass, in)
	send := report.To(pass)
	seen := make(map[*ast.DeferStmt]bool)
	for _, b := range blocks {
		if b.Call == nil || len(b.Own) != 1 || b.Callee.Is("cancelscope.Shield") || b.Callee.Is("cancelscope.Cleanup") {
			continue // what is shielded is canceled by its limit only
		}
		c := &checker{pass: pass, report: send}
		c.body(b.Body, b.Own[0], b.Body.Pos(), seen)
	}
	if api.Uses(pass.Pkg) {
		c := &checker{pass: pass, report: send}
		c.flatScopes(in, seen)
	}
	return nil, nil
}

// body looks at the deferred calls of a function after from, whose context is own.
func (c *checker) body(body *ast.BlockStmt, own *types.Var, from token.Pos, seen map[*ast.DeferStmt]bool) {
	changed := false
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false // has a block of its own, or runs at another time
		case *ast.AssignStmt:
			changed = changed || n.Pos() > from && c.replaces(n, own)
		case *ast.DeferStmt:
			if n.Pos() > from && !seen[n] && !changed {
				seen[n] = true
				c.check(n, own)
			}
			return false
		}
		return true
	})
}

// flatScopes looks at functions that have a scope without a block: what is deferred after
// its beginning runs before its end.
func (c *checker) flatScopes(in *inspector.Inspector, seen map[*ast.DeferStmt]bool) {
	for cur := range in.Root().Preorder((*ast.AssignStmt)(nil)) {
		assign := cur.Node().(*ast.AssignStmt)
		if len(assign.Lhs) != 2 || len(assign.Rhs) != 1 {
			continue
		}
		call, ok := ast.Unparen(assign.Rhs[0]).(*ast.CallExpr)
		if !ok {
			continue
		}
		if callee := api.CalleeOf(c.pass.TypesInfo, call); !callee.Is("deadline.Limit") && !callee.Is("cancelscope.Scope.Enter") {
			continue
		}
		own := api.Var(c.pass.TypesInfo, assign.Lhs[0])
		if own == nil {
			continue
		}
		for outer := range cur.Enclosing((*ast.FuncDecl)(nil), (*ast.FuncLit)(nil)) {
			switch f := outer.Node().(type) {
			case *ast.FuncDecl:
				c.body(f.Body, own, assign.End(), seen)
			case *ast.FuncLit:
				c.body(f.Body, own, assign.End(), seen)
			}
			break
		}
	}
}

type checker struct {
	pass   *analysis.Pass
	report func(analysis.Diagnostic)
}

// check looks at a deferred call in a block with the context own.
func (c *checker) check(d *ast.DeferStmt, own *types.Var) {
	lit, ok := ast.Unparen(d.Call.Fun).(*ast.FuncLit)
	if !ok {
		c.call(d.Call, []*types.Var{own})
		return
	}
	contexts := []*types.Var{own}
	ast.Inspect(lit.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.AssignStmt:
			if v := c.derived(n, contexts); v != nil {
				contexts = append(contexts, v)
			} else if v := api.Var(c.pass.TypesInfo, n.Lhs[0]); v != nil {
				contexts = slices.DeleteFunc(contexts, func(other *types.Var) bool { return other == v })
			}
		case *ast.CallExpr:
			c.call(n, contexts)
		}
		return true
	})
}

// replaces reports whether the statement assigns a context to own that is not derived from
// it, or not canceled with it.
func (c *checker) replaces(assign *ast.AssignStmt, own *types.Var) bool {
	return slices.ContainsFunc(assign.Lhs, func(lhs ast.Expr) bool { return api.Var(c.pass.TypesInfo, lhs) == own }) &&
		c.derived(assign, []*types.Var{own}) == nil
}

// derived returns the context that the statement derives from one of the contexts, so
// that it is canceled with it, and nil for other statements.
func (c *checker) derived(assign *ast.AssignStmt, contexts []*types.Var) *types.Var {
	if len(assign.Rhs) != 1 {
		return nil
	}
	call, ok := ast.Unparen(assign.Rhs[0]).(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return nil
	}
	callee := api.CalleeOf(c.pass.TypesInfo, call)
	if callee.Pkg != "context" || !strings.HasPrefix(callee.Name, "With") || callee.Name == "WithoutCancel" {
		return nil
	}
	if !slices.Contains(contexts, api.Var(c.pass.TypesInfo, call.Args[0])) {
		return nil
	}
	return api.Var(c.pass.TypesInfo, assign.Lhs[0])
}

// call reports the call if it cleans up with one of the contexts.
func (c *checker) call(call *ast.CallExpr, contexts []*types.Var) {
	if len(call.Args) == 0 {
		return
	}
	v := api.Var(c.pass.TypesInfo, call.Args[0])
	if v == nil || !slices.Contains(contexts, v) {
		return
	}
	f, ok := typeutil.Callee(c.pass.TypesInfo, call).(*types.Func)
	if !ok || api.CalleeOf(c.pass.TypesInfo, call).Ours() || !cleansUp(f) {
		return
	}
	c.report(analysis.Diagnostic{
		Pos: call.Pos(),
		End: call.End(),
		Message: f.Name() + " is deferred with " + v.Name() + ", which is canceled by then if the block was: " +
			"use cancelscope.Cleanup",
	})
}

// cleansUp reports whether f can fail, and has a name that says that it gives something
// back.
func cleansUp(f *types.Func) bool {
	results := f.Signature().Results()
	if results.Len() == 0 || !types.Identical(results.At(results.Len()-1).Type(), types.Universe.Lookup("error").Type()) {
		return false
	}
	name := strings.ToLower(f.Name())
	return slices.ContainsFunc(verbs, func(verb string) bool { return strings.HasPrefix(name, verb) })
}
