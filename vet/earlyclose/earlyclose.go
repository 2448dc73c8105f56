package earlyclose

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

// Analyzer finds resources closed by the body of a nursery while tasks use them.
var Analyzer = &analysis.Analyzer{
	Name: "earlyclose",
	Doc: `find resources closed by the body of a nursery while tasks use them

Deferred calls of the body run when the body returns, while tasks may still run. Close
outside of nursery.Run.`,
	URL:      "https://pkg.go.dev/github.com/trellis-go/trellis/vet/earlyclose",
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      run,
}

func run(pass *analysis.Pass) (any, error) {
	blocks := api.Blocks(pass, pass.ResultOf[inspect.Analyzer].(*inspector.Inspector))
	send := report.To(pass)
	for _, body := range blocks {
		if body.Nursery == nil || body.Body == nil || body.Callee.Name != "Run" {
			continue
		}
		c := &checker{pass: pass, body: body, report: send}
		for _, b := range blocks {
			if b.Of == body.Nursery && b.Callee.Pkg == "nursery" && !startAndWait(b) {
				c.tasks = append(c.tasks, b)
			}
		}
		c.check()
	}
	return nil, nil
}

// startAndWait reports whether the call that starts the task waits for it, in part.
func startAndWait(b *api.Block) bool {
	switch b.Callee.Name {
	case "Start", "StartNamed", "StartTask", "StartBackground":
		return true
	}
	return false
}

// A checker looks at the body of one nursery.
type checker struct {
	pass   *analysis.Pass
	body   *api.Block
	tasks  []*api.Block // started by the body
	report func(analysis.Diagnostic)
}

func (c *checker) check() {
	if len(c.tasks) == 0 {
		return
	}
	var deferred []*ast.DeferStmt
	waits := false
	c.inBody(func(n ast.Node) {
		switch n := n.(type) {
		case *ast.DeferStmt:
			deferred = append(deferred, n)
		case *ast.UnaryExpr:
			waits = waits || n.Op == token.ARROW
		case *ast.SelectStmt, *ast.SendStmt:
			waits = true
		case *ast.RangeStmt:
			if t := c.pass.TypesInfo.TypeOf(n.X); t != nil {
				_, isChan := t.Underlying().(*types.Chan)
				waits = waits || isChan
			}
		case *ast.CallExpr:
			waits = waits || c.mayWait(n)
		}
	})
	if waits {
		return
	}
	for _, d := range deferred {
		c.checkDefer(d.Call)
	}
}

// inBody visits the nodes of the body, without those of function literals and what
// deferred calls consist of.
func (c *checker) inBody(visit func(ast.Node)) {
	ast.Inspect(c.body.Body, func(n ast.Node) bool {
		switch n.(type) {
		case nil, *ast.FuncLit:
			return false
		case *ast.DeferStmt:
			visit(n)
			return false
		}
		visit(n)
		return true
	})
}

// mayWait reports whether the call may wait for something that a task does: it has a
// name that says so, or is given the nursery, a task, or a context and is no call of the
// nursery that starts a task.
func (c *checker) mayWait(call *ast.CallExpr) bool {
	callee := api.CalleeOf(c.pass.TypesInfo, call)
	switch callee.Name {
	case "Wait", "Join", "Sleep", "Result", "Done":
		return true
	}
	for _, task := range c.tasks {
		if task.Call == call {
			return false
		}
	}
	if callee.Recv == "Nursery" && callee.Pkg == "nursery" || callee.Is("nursery.Spawn") {
		return false
	}
	for _, arg := range call.Args {
		t := c.pass.TypesInfo.TypeOf(arg)
		if t == nil {
			continue
		}
		// What opens the resource is given a context as well: its result is kept.
		if api.IsNamed(t, "nursery", "Nursery") || api.IsNamed(t, "nursery", "Task") || api.IsContext(t) && !c.returnsResource(call) {
			return true
		}
	}
	return false
}

// returnsResource reports whether the call returns something with a method Close.
func (c *checker) returnsResource(call *ast.CallExpr) bool {
	t := c.pass.TypesInfo.TypeOf(call)
	if tuple, ok := t.(*types.Tuple); ok && tuple.Len() > 0 {
		t = tuple.At(0).Type()
	}
	if t == nil {
		return false
	}
	obj, _, _ := types.LookupFieldOrMethod(t, true, c.pass.Pkg, "Close")
	_, ok := obj.(*types.Func)
	return ok
}

// checkDefer looks at a deferred call of the body.
func (c *checker) checkDefer(call *ast.CallExpr) {
	info := c.pass.TypesInfo
	if id, ok := ast.Unparen(call.Fun).(*ast.Ident); ok && len(call.Args) == 1 {
		if b, ok := info.Uses[id].(*types.Builtin); ok && b.Name() == "close" {
			if v := api.Var(info, call.Args[0]); v != nil && c.taskSends(v) {
				c.reportAt(call, "the body closes "+v.Name()+" when it returns, while tasks that send on it may run: "+
					"a send on a closed channel panics")
			}
		}
		return
	}
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return
	}
	var v *types.Var
	callee := api.CalleeOf(info, call)
	switch {
	case sel.Sel.Name == "Close" && len(call.Args) == 0:
		v = api.Var(info, sel.X)
	case (callee.Is("os.Remove") || callee.Is("os.RemoveAll")) && len(call.Args) == 1:
		v = api.Var(info, call.Args[0])
	}
	if v == nil || v.Parent() == c.pass.Pkg.Scope() {
		return
	}
	for _, task := range c.tasks {
		if api.Mentions(info, task.Body, v) && !c.knowsClosed(task.Body) {
			c.reportAt(call, callee.Name+" runs when the body returns, while a task that uses "+v.Name()+
				" may run: defer it outside of the nursery")
			return
		}
	}
}

func (c *checker) reportAt(n ast.Node, message string) {
	c.report(analysis.Diagnostic{Pos: n.Pos(), End: n.End(), Message: message})
}

func (c *checker) taskSends(ch *types.Var) bool {
	found := false
	for _, task := range c.tasks {
		ast.Inspect(task.Body, func(n ast.Node) bool {
			if send, ok := n.(*ast.SendStmt); ok && api.Var(c.pass.TypesInfo, send.Chan) == ch {
				found = true
			}
			return !found
		})
	}
	return found
}

// knowsClosed reports whether the task expects that its resource is closed: it mentions
// net.ErrClosed, or the like.
func (c *checker) knowsClosed(body ast.Node) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			switch id.Name {
			case "ErrClosed", "ErrServerClosed", "ErrClosedPipe", "ErrBodyReadAfterClose":
				found = true
			}
		}
		return !found
	})
	return found
}
