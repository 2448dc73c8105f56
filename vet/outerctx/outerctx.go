package outerctx

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"

	"github.com/trellis-go/trellis/vet/internal/api"
	"github.com/trellis-go/trellis/vet/internal/report"
)

// Analyzer finds contexts from outside in tasks and blocks.
var Analyzer = &analysis.Analyzer{
	Name: "outerctx",
	Doc: `find contexts from outside in tasks and blocks

A task or block that passes a context from outside to what it calls, although it is given
one, is not canceled with its nursery, or not cut short by its limit.`,
	URL:      "https://pkg.go.dev/github.com/trellis-go/trellis/vet/outerctx",
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      run,
}

func run(pass *analysis.Pass) (any, error) {
	in := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector)
	blocks := api.Blocks(pass, in)
	if len(blocks) == 0 {
		return nil, nil
	}
	assigned := api.Assigned(pass.TypesInfo, in)
	bodies := make(map[*ast.BlockStmt]bool)
	for _, b := range blocks {
		bodies[b.Body] = true
	}
	send := report.To(pass)
	for _, b := range blocks {
		if b.Call == nil || b.Body == nil {
			continue
		}
		outer := api.Lineage(b, blocks)
		maps.DeleteFunc(outer, func(v *types.Var, _ bool) bool { return assigned[v] })
		c := &checker{pass: pass, block: b, bodies: bodies, outer: outer, report: send}
		if len(c.outer) > 0 {
			c.check()
		}
	}
	return nil, nil
}

// A checker looks at one block.
type checker struct {
	pass   *analysis.Pass
	block  *api.Block
	bodies map[*ast.BlockStmt]bool // of all blocks
	outer  map[*types.Var]bool     // what the block should not use
	report func(analysis.Diagnostic)

	usesOwn bool      // the block passes its own context on
	looked  token.Pos // where the block first looks at its own context; 0: nowhere
}

func (c *checker) check() {
	c.survey()
	if c.block.Errgroup() && c.usesOwn {
		return
	}
	c.walk(c.block.Body, nil)
}

// survey finds out how the block uses its own context.
func (c *checker) survey() {
	info := c.pass.TypesInfo
	ast.Inspect(c.block.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			c.usesOwn = c.usesOwn || c.isOwn(n)
		case *ast.CallExpr:
			sel, ok := ast.Unparen(n.Fun).(*ast.SelectorExpr)
			if !ok {
				break
			}
			looks := c.isOwn(sel.X)
			if callee := api.CalleeOf(info, n); callee.Pkg == "context" && len(n.Args) > 0 {
				looks = c.isOwn(n.Args[0]) && (callee.Name == "Cause" || callee.Name == "AfterFunc")
			}
			if looks && c.looked == 0 {
				c.looked = n.Pos()
			}
		}
		return true
	})
}

func (c *checker) isOwn(expr ast.Expr) bool {
	v := api.Var(c.pass.TypesInfo, expr)
	if v == nil {
		return false
	}
	for _, own := range c.block.Own {
		if v == own {
			return true
		}
	}
	return false
}

// walk visits the calls in node. Function literals count where they are arguments,
// because then they are likely to run at once; blocks inside have a checker of their own.
func (c *checker) walk(node ast.Node, results []ast.Expr) {
	ast.Inspect(node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.DeferStmt, *ast.GoStmt:
			return false
		case *ast.FuncLit:
			return false
		case *ast.AssignStmt:
			if len(n.Rhs) == 1 {
				if call, ok := ast.Unparen(n.Rhs[0]).(*ast.CallExpr); ok {
					c.call(call, n.Lhs)
					return false
				}
			}
		case *ast.CallExpr:
			c.call(n, nil)
			return false
		}
		return true
	})
}

// call looks at one call, whose results are assigned to the expressions in results.
func (c *checker) call(call *ast.CallExpr, results []ast.Expr) {
	if lit, ok := ast.Unparen(call.Fun).(*ast.FuncLit); ok {
		c.walk(lit.Body, nil)
	} else {
		c.walk(call.Fun, nil)
	}
	for _, arg := range call.Args {
		if lit, ok := ast.Unparen(arg).(*ast.FuncLit); ok {
			if !c.bodies[lit.Body] {
				c.walk(lit.Body, nil)
			}
			continue
		}
		if v := api.Var(c.pass.TypesInfo, arg); v != nil && c.outer[v] && !c.allowed(call, results) {
			c.reportUse(arg, v)
			continue
		}
		c.walk(arg, nil)
	}
}

// allowed reports whether the call may be given a context from outside.
func (c *checker) allowed(call *ast.CallExpr, results []ast.Expr) bool {
	if c.looked != 0 && call.Pos() > c.looked {
		return true
	}
	callee := api.CalleeOf(c.pass.TypesInfo, call)
	if c.usesOwn && (c.outlives(results) || c.chosen(call, callee)) {
		return true
	}
	switch {
	case callee.Pkg == "context":
		return !strings.HasPrefix(callee.Name, "WithCancel") && !strings.HasPrefix(callee.Name, "WithDeadline") &&
			!strings.HasPrefix(callee.Name, "WithTimeout")
	case callee.Pkg == "log/slog", strings.HasSuffix(callee.Name, "FromContext"), strings.HasSuffix(callee.Name, "FromCtx"):
		return true
	case callee.Pkg == "cancelscope":
		// Split, AsCancellation and the like judge errors by the state of a context.
		return callee.Name != "Run" && callee.Name != "Enter" && callee.Name != "Shield" && callee.Name != "Cleanup"
	case callee.Pkg == "nursery" && strings.HasPrefix(callee.Name, "Start"):
		return true // the context of a wait: the task gets that of its nursery
	case callee.Pkg == "serve":
		return callee.Name == "Drain" || callee.Name == "Draining" || callee.Name == "Ready"
	}
	return false
}

// chosen reports whether the author of a block that uses its own context as well may have
// chosen the other one: the call gets both, opens a block, or cannot fail, or the block is
// that of a limit, a shield or a scope, which the call may be meant to be exempt from.
func (c *checker) chosen(call *ast.CallExpr, callee api.Callee) bool {
	if !c.block.Task() && c.block.Callee.Pkg != "nursery" || callee.Ours() && callee.Name != "Sleep" {
		return true
	}
	for _, arg := range call.Args {
		if c.isOwn(arg) {
			return true
		}
	}
	if callee.Pkg == "context" {
		return false // what it derives is for work that can fail
	}
	t := c.pass.TypesInfo.TypeOf(call)
	if tuple, ok := t.(*types.Tuple); ok && tuple.Len() > 0 {
		t = tuple.At(tuple.Len() - 1).Type()
	}
	return t == nil || !types.Identical(t, types.Universe.Lookup("error").Type())
}

// outlives reports whether something else than an error is assigned to a variable from
// outside of the block.
func (c *checker) outlives(results []ast.Expr) bool {
	for _, result := range results {
		if id, ok := result.(*ast.Ident); ok && id.Name == "_" {
			continue
		}
		t := c.pass.TypesInfo.TypeOf(result)
		if t == nil || types.Identical(t, types.Universe.Lookup("error").Type()) {
			continue
		}
		v := api.Var(c.pass.TypesInfo, result)
		if v == nil || v.Pos() < c.block.Body.Pos() || v.Pos() > c.block.Body.End() {
			return true
		}
	}
	return false
}

func (c *checker) reportUse(arg ast.Expr, v *types.Var) {
	what := "block"
	if c.block.Task() {
		what = "task"
	}
	own := "the context that it is given"
	var fixes []analysis.SuggestedFix
	if len(c.block.Own) > 0 {
		own = c.block.Own[0].Name()
		if scope := c.pass.Pkg.Scope().Innermost(arg.Pos()); scope != nil {
			if _, seen := scope.LookupParent(own, arg.Pos()); seen == c.block.Own[0] {
				fixes = []analysis.SuggestedFix{{
					Message:   "Use " + own,
					TextEdits: []analysis.TextEdit{{Pos: arg.Pos(), End: arg.End(), NewText: []byte(own)}},
				}}
			}
		}
	}
	c.report(analysis.Diagnostic{
		Pos: arg.Pos(),
		End: arg.End(),
		Message: "the " + what + " uses the outer context " + v.Name() + " in place of " + own +
			", and so continues when that is canceled",
		SuggestedFixes: fixes,
	})
}
