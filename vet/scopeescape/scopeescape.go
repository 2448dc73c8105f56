package scopeescape

import (
	"fmt"
	"go/ast"
	"go/types"
	"slices"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/types/typeutil"

	"github.com/trellis-go/trellis/vet/internal/api"
	"github.com/trellis-go/trellis/vet/internal/report"
)

// Analyzer finds nurseries that may be used after their block has ended.
var Analyzer = &analysis.Analyzer{
	Name: "scopeescape",
	Doc: `find nurseries that may be used after their block has ended

A nursery that is stored, sent, returned or used in a go statement may outlive its block.`,
	URL:       "https://pkg.go.dev/github.com/trellis-go/trellis/vet/scopeescape",
	Requires:  []*analysis.Analyzer{inspect.Analyzer},
	FactTypes: []analysis.Fact{new(escapes)},
	Run:       run,
}

// escapes is the fact that a function lets some of its parameters escape.
type escapes struct {
	Params []int // in ascending order
}

func (*escapes) AFact() {}

func (e *escapes) String() string { return fmt.Sprintf("escapes%v", e.Params) }

func run(pass *analysis.Pass) (any, error) {
	if !api.Uses(pass.Pkg) {
		return nil, nil
	}
	in := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector)
	c := &checker{pass: pass}
	c.facts(in)
	send := report.To(pass)
	for _, b := range api.Blocks(pass, in) {
		if b.Nursery == nil || b.Call == nil {
			continue
		}
		for _, e := range c.escapes(b.Body, b.Nursery) {
			send(analysis.Diagnostic{
				Pos:     e.at.Pos(),
				End:     e.at.End(),
				Message: "the nursery " + b.Nursery.Name() + " " + e.how + ", and may be used after its block has ended",
			})
		}
	}
	return nil, nil
}

type checker struct{ pass *analysis.Pass }

// facts finds the functions of the package that let a nursery escape. Functions that call
// each other need several rounds. The packages of Trellis have none: what keeps the
// nursery there, such as the handle of a task, knows when it has ended.
func (c *checker) facts(in *inspector.Inspector) {
	if api.IsLibrary(c.pass.Pkg.Path()) {
		return
	}
	for changed := true; changed; {
		changed = false
		for n := range in.PreorderSeq((*ast.FuncDecl)(nil)) {
			decl := n.(*ast.FuncDecl)
			f, ok := c.pass.TypesInfo.Defs[decl.Name].(*types.Func)
			if !ok || decl.Body == nil {
				continue
			}
			var found escapes
			for i := range f.Signature().Params().Len() {
				v := f.Signature().Params().At(i)
				if api.IsNamed(v.Type(), "nursery", "Nursery") && len(c.escapes(decl.Body, v)) > 0 {
					found.Params = append(found.Params, i)
				}
			}
			var known escapes
			c.pass.ImportObjectFact(f, &known)
			if len(found.Params) > len(known.Params) {
				c.pass.ExportObjectFact(f, &found)
				changed = true
			}
		}
	}
}

// An escape is a place where a nursery leaves its block.
type escape struct {
	at  ast.Node
	how string
}

// escapes returns the places in body where n leaves it.
func (c *checker) escapes(body *ast.BlockStmt, n *types.Var) []escape {
	info := c.pass.TypesInfo
	var found []escape
	inside := func(v *types.Var) bool { return v != nil && body.Pos() <= v.Pos() && v.Pos() < body.End() }
	depth := 0 // of function literals: a return in one is not the body's
	var visit func(node ast.Node) bool
	visit = func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.FuncLit:
			depth++
			ast.Inspect(node.Body, visit)
			depth--
			return false
		case *ast.AssignStmt:
			for i, rhs := range node.Rhs {
				if i < len(node.Lhs) && c.is(rhs, n) && !inside(rootVar(info, node.Lhs[i])) {
					found = append(found, escape{node, "is stored outside"})
				}
			}
		case *ast.SendStmt:
			if c.is(node.Value, n) {
				found = append(found, escape{node, "is sent on a channel"})
			}
		case *ast.ReturnStmt:
			if depth == 0 && slices.ContainsFunc(node.Results, func(e ast.Expr) bool { return c.is(e, n) }) {
				found = append(found, escape{node, "is returned"})
			}
		case *ast.GoStmt:
			if api.Mentions(info, node.Call, n) {
				found = append(found, escape{node, "is used by a goroutine that it does not wait for"})
			}
			return false
		case *ast.CallExpr:
			if f, ok := typeutil.Callee(info, node).(*types.Func); ok {
				var fact escapes
				if c.pass.ImportObjectFact(f.Origin(), &fact) {
					for _, i := range fact.Params {
						if i < len(node.Args) && c.is(node.Args[i], n) {
							found = append(found, escape{node, "is passed to " + f.Name() + ", which keeps it"})
						}
					}
				}
			}
		}
		return true
	}
	ast.Inspect(body, visit)
	return found
}

// is reports whether the expression is n, or has n in a composite literal.
func (c *checker) is(e ast.Expr, n *types.Var) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return api.Var(c.pass.TypesInfo, e) == n
	case *ast.UnaryExpr:
		return c.is(e.X, n)
	case *ast.KeyValueExpr:
		return c.is(e.Value, n)
	case *ast.CompositeLit:
		return slices.ContainsFunc(e.Elts, func(elt ast.Expr) bool { return c.is(elt, n) })
	case *ast.CallExpr:
		if id, ok := ast.Unparen(e.Fun).(*ast.Ident); ok && id.Name == "append" {
			return slices.ContainsFunc(e.Args, func(arg ast.Expr) bool { return c.is(arg, n) })
		}
	}
	return false
}

// rootVar returns the variable that an assignable expression is a part of.
func rootVar(info *types.Info, e ast.Expr) *types.Var {
	for {
		switch x := ast.Unparen(e).(type) {
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		default:
			return api.Var(info, e)
		}
	}
}
