package uncancelable

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

// Analyzer finds waits that do not end when the context is canceled.
var Analyzer = &analysis.Analyzer{
	Name: "uncancelable",
	Doc: `find waits that do not end when the context is canceled

In tasks and blocks: time.Sleep, channel operations without a way out, exec.Command,
http.Get and the like.`,
	URL:      "https://pkg.go.dev/github.com/trellis-go/trellis/vet/uncancelable",
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      run,
}

// calls are the functions that wait, with what to use in their place.
var calls = map[string]string{
	"time.Sleep":          "deadline.Sleep",
	"os/exec.Command":     "exec.CommandContext",
	"net/http.Get":        "a request with the context",
	"net/http.Head":       "a request with the context",
	"net/http.Post":       "a request with the context",
	"net/http.PostForm":   "a request with the context",
	"net.Dial":            "net.Dialer.DialContext",
	"net.DialTimeout":     "net.Dialer.DialContext",
	"sync.WaitGroup.Wait": "a nursery",
}

func run(pass *analysis.Pass) (any, error) {
	in := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector)
	c := &checker{pass: pass, report: report.To(pass), seen: make(map[ast.Node]bool), done: make(map[*types.Var]bool)}
	c.doneVars(in)
	for _, b := range api.Blocks(pass, in) {
		if b.Body != nil && !b.Callee.Is("cancelscope.Cleanup") {
			c.visit(b.Body)
		}
	}
	return nil, nil
}

type checker struct {
	pass   *analysis.Pass
	report func(analysis.Diagnostic)
	seen   map[ast.Node]bool // blocks inside others are visited once
	done   map[*types.Var]bool
}

// doneVars finds the variables that get the channel of a method Done where they are
// declared, and nothing else later.
func (c *checker) doneVars(in *inspector.Inspector) {
	assigned := api.Assigned(c.pass.TypesInfo, in)
	add := func(name, value ast.Expr) {
		if v := api.Var(c.pass.TypesInfo, name); v != nil && !assigned[v] && c.isDone(value) {
			c.done[v] = true
		}
	}
	for n := range in.PreorderSeq((*ast.AssignStmt)(nil), (*ast.ValueSpec)(nil)) {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, rhs := range n.Rhs {
				if len(n.Lhs) == len(n.Rhs) {
					add(n.Lhs[i], rhs)
				}
			}
		case *ast.ValueSpec:
			for i, value := range n.Values {
				if len(n.Names) == len(n.Values) {
					add(n.Names[i], value)
				}
			}
		}
	}
}

// visit looks at the waits in node. What a go statement or a deferred literal does is
// not the task's own wait.
func (c *checker) visit(node ast.Node) {
	ast.Inspect(node, func(n ast.Node) bool {
		if n == nil || c.seen[n] {
			return false
		}
		c.seen[n] = true
		switch n := n.(type) {
		case *ast.GoStmt, *ast.DeferStmt:
			return false
		case *ast.SelectStmt:
			c.selection(n)
			return false
		case *ast.SendStmt:
			c.at(n, "the send does not end when the context is canceled: use a select with ctx.Done()")
		case *ast.UnaryExpr:
			if n.Op == token.ARROW && !c.isDone(n.X) {
				c.at(n, "the receive does not end when the context is canceled: use a select with ctx.Done()")
			}
		case *ast.RangeStmt:
			if t := c.pass.TypesInfo.TypeOf(n.X); t != nil {
				if _, ok := t.Underlying().(*types.Chan); ok {
					c.at(n.X, "the loop over a channel does not end when the context is canceled: use a select with ctx.Done()")
				}
			}
		case *ast.CallExpr:
			callee := api.CalleeOf(c.pass.TypesInfo, n)
			name := callee.Pkg + "." + callee.Name
			if callee.Recv != "" {
				name = callee.Pkg + "." + callee.Recv + "." + callee.Name
			}
			if instead, ok := calls[name]; ok {
				c.at(n, callee.Name+" does not end when the context is canceled: use "+instead)
			}
		}
		return true
	})
}

// selection looks at a select statement: one of its cases must be a way out.
func (c *checker) selection(s *ast.SelectStmt) {
	out := false
	for _, clause := range s.Body.List {
		clause := clause.(*ast.CommClause)
		switch comm := clause.Comm.(type) {
		case nil:
			out = true // default
		case *ast.ExprStmt:
			if u, ok := ast.Unparen(comm.X).(*ast.UnaryExpr); ok && c.isDone(u.X) {
				out = true
			}
		case *ast.AssignStmt:
			if u, ok := ast.Unparen(comm.Rhs[0]).(*ast.UnaryExpr); ok && c.isDone(u.X) {
				out = true
			}
		}
		for _, stmt := range clause.Body {
			c.visit(stmt)
		}
	}
	if !out {
		c.at(s, "the select does not end when the context is canceled: add a case for ctx.Done()")
	}
}

// isDone reports whether the channel is what a method Done returns, or serve.Draining, also
// by way of a variable.
func (c *checker) isDone(ch ast.Expr) bool {
	if v := api.Var(c.pass.TypesInfo, ch); v != nil {
		return c.done[v]
	}
	call, ok := ast.Unparen(ch).(*ast.CallExpr)
	if !ok {
		return false
	}
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	return ok && (sel.Sel.Name == "Done" || sel.Sel.Name == "Draining")
}

func (c *checker) at(n ast.Node, message string) {
	c.report(analysis.Diagnostic{Pos: n.Pos(), End: n.End(), Message: message})
}
