package migrate

import (
	"go/ast"
	"go/types"

	"github.com/trellis-go/trellis/vet/internal/api"
)

// inBody reports whether every function literal on the stack runs as a part of the group:
// it is a task of the group, so that a task starts another task, or the code in front of
// Wait calls it and nothing keeps it. The variables of the latter go into u, to be
// checked when all mentions of the group are known.
func (m *migration) inBody(stack []ast.Node, g *group, u *use) bool {
	for i, node := range stack {
		lit, ok := node.(*ast.FuncLit)
		if !ok || m.isTask(stack, i, g) || m.calledOnly(stack, i) {
			continue
		}
		v := m.localFunc(lit, stack[i-1])
		if v == nil || v.Pos() < g.made.Pos() || v.Pos() > g.fun.End() {
			return false
		}
		if !u.isLocal(v) {
			u.locals = append(u.locals, v)
		}
	}
	return true
}

func (u *use) isLocal(v *types.Var) bool {
	for _, other := range u.locals {
		if v == other {
			return true
		}
	}
	return false
}

// isTask reports whether the literal stack[i] is the argument of the group's Go.
func (m *migration) isTask(stack []ast.Node, i int, g *group) bool {
	call, ok := stack[i-1].(*ast.CallExpr)
	if !ok || len(call.Args) != 1 || call.Args[0] != stack[i] {
		return false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "Go" && api.Var(m.pass.TypesInfo, sel.X) == g.v
}

// calledOnly reports whether the literal stack[i] is called where it stands, or is passed
// to a function that calls it and returns.
func (m *migration) calledOnly(stack []ast.Node, i int) bool {
	call, ok := stack[i-1].(*ast.CallExpr)
	if !ok || i < 2 {
		return false
	}
	switch stack[i-2].(type) {
	case *ast.GoStmt, *ast.DeferStmt:
		return false
	}
	if call.Fun == stack[i] {
		return true
	}
	c := api.CalleeOf(m.pass.TypesInfo, call)
	return c.Is("path/filepath.Walk") || c.Is("path/filepath.WalkDir") || c.Is("io/fs.WalkDir") || c.Is("go/ast.Inspect")
}

// localFunc returns the variable that the parent of the literal gives it to, or nil.
func (m *migration) localFunc(lit *ast.FuncLit, parent ast.Node) *types.Var {
	switch p := parent.(type) {
	case *ast.AssignStmt:
		for i, rhs := range p.Rhs {
			if rhs == ast.Expr(lit) && len(p.Lhs) == len(p.Rhs) {
				if _, ok := p.Lhs[i].(*ast.Ident); ok {
					return api.Var(m.pass.TypesInfo, p.Lhs[i])
				}
			}
		}
	case *ast.ValueSpec:
		for i, value := range p.Values {
			if value == ast.Expr(lit) && len(p.Names) == len(p.Values) {
				return api.Var(m.pass.TypesInfo, p.Names[i])
			}
		}
	}
	return nil
}

// localCalls finds a use of the local functions that start tasks which is no call in front
// of Wait.
func (m *migration) localCalls(g *group, u *use) *reason {
	for i := 0; i < len(u.locals); i++ { // inBody adds to the list
		var why *reason
		m.inspectUses(g, u.locals[i], func(id *ast.Ident, stack []ast.Node) {
			if why == nil {
				why = m.localCall(g, u, id, stack)
			}
		})
		if why != nil {
			return why
		}
	}
	return nil
}

// localCall judges one use of a local function. The stack ends with id.
func (m *migration) localCall(g *group, u *use, id *ast.Ident, stack []ast.Node) *reason {
	if len(stack) < 3 {
		return nil
	}
	if assign, ok := stack[len(stack)-2].(*ast.AssignStmt); ok {
		for _, lhs := range assign.Lhs {
			if lhs == ast.Expr(id) {
				return nil
			}
		}
	}
	call, ok := stack[len(stack)-2].(*ast.CallExpr)
	_, started := stack[len(stack)-3].(*ast.GoStmt)
	switch {
	case !ok || call.Fun != ast.Expr(id):
		return &reason{id, id.Name + " starts tasks, and is passed to a function, stored or returned"}
	case started || !m.inBody(stack, g, u):
		return &reason{id, id.Name + " starts tasks, and is called by a function or goroutine that is no task"}
	case id.Pos() > u.wait.Pos():
		return &reason{id, id.Name + " starts tasks, and is called after Wait"}
	}
	return nil
}

// inspectUses calls f for each use of v in the group's function, with the nodes around it.
func (m *migration) inspectUses(g *group, v *types.Var, f func(id *ast.Ident, stack []ast.Node)) {
	var stack []ast.Node
	ast.Inspect(g.fun, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		stack = append(stack, n)
		if id, ok := n.(*ast.Ident); ok && m.pass.TypesInfo.Uses[id] == types.Object(v) {
			f(id, stack)
		}
		return true
	})
}
