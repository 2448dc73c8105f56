package migrate

import (
	"go/ast"
	"go/token"
	"go/types"

	"github.com/trellis-go/trellis/vet/internal/api"
)

// A use says how a function uses one group.
type use struct {
	limit *ast.ExprStmt          // the statement of SetLimit, or nil
	tasks []*ast.CallExpr        // the calls of Go
	alone map[*ast.CallExpr]bool // calls of Go that are the only statement of their block
	wait  *ast.CallExpr          // the call of Wait
	end   ast.Stmt               // the statement that has the call of Wait

	locals []*types.Var // local functions that start tasks

	first, last int // the statements of the list from the first use to the one before end
}

// usesOf finds the uses of g, or a reason why they cannot be rewritten.
func (m *migration) usesOf(g *group) (*use, *reason) {
	u := &use{first: -1, alone: make(map[*ast.CallExpr]bool)}
	if why := m.collect(g, u); why != nil {
		return nil, why
	}
	switch {
	case u.wait == nil:
		return nil, &reason{g.made, "Wait is not called in this function"}
	case len(u.tasks) == 0:
		return nil, &reason{g.made, "it starts no tasks"}
	}
	for i := g.at + 1; i < len(g.list); i++ {
		s := g.list[i]
		if s.Pos() <= u.wait.Pos() && u.wait.End() <= s.End() {
			u.end, u.last = s, i-1
			break
		}
		if s == ast.Stmt(u.limit) {
			continue
		}
		if u.first < 0 && (api.Mentions(m.pass.TypesInfo, s, g.v) || api.Mentions(m.pass.TypesInfo, s, g.ctx)) {
			u.first = i
		}
	}
	if u.end == nil {
		return nil, &reason{u.wait, "Wait is called in another block than the one where the group is made"}
	}
	if inBlock(u.end, u.wait) {
		return nil, &reason{u.wait, "Wait is called in another block than the one where the group is made"}
	}
	if !m.evaluatedOnce(u.end, u.wait) {
		return nil, &reason{u.wait, "Wait is called in a part of a statement that cannot be moved in front of the tasks"}
	}
	if u.first < 0 {
		return nil, &reason{g.made, "its tasks are not started between the group's creation and Wait"}
	}
	for _, task := range u.tasks {
		if task.Pos() > u.end.Pos() {
			return nil, &reason{task, "a task is started after Wait"}
		}
	}
	if why := m.localCalls(g, u); why != nil {
		return nil, why
	}
	if u.limit != nil {
		top := false
		for i := g.at + 1; i <= u.last; i++ {
			top = top || g.list[i] == ast.Stmt(u.limit)
		}
		if !top || u.limit.Pos() > g.list[u.first].Pos() {
			return nil, &reason{u.limit, "its limit is not set directly after it is made"}
		}
		if api.Mentions(m.pass.TypesInfo, u.limit, g.ctx) {
			return nil, &reason{u.limit, "its limit is made from its context"}
		}
	}
	return u, m.afterWait(g, u)
}

// collect looks at every mention of the group in the function.
func (m *migration) collect(g *group, u *use) *reason {
	var why *reason
	m.inspectUses(g, g.v, func(id *ast.Ident, stack []ast.Node) {
		if why == nil {
			why = m.mention(g, u, id, stack)
		}
	})
	return why
}

// mention enters one mention of the group into u. The stack ends with id.
func (m *migration) mention(g *group, u *use, id *ast.Ident, stack []ast.Node) *reason {
	up := func(n int) ast.Node {
		if len(stack) <= n {
			return nil
		}
		return stack[len(stack)-1-n]
	}
	sel, ok := up(1).(*ast.SelectorExpr)
	call, called := up(2).(*ast.CallExpr)
	if !ok || !called || call.Fun != sel {
		return &reason{id, "it is passed to a function, stored or returned, so it may be used beyond this function"}
	}
	stmt, _ := up(3).(*ast.ExprStmt)
	depth := literals(stack)
	switch sel.Sel.Name {
	case "Go":
		if stmt == nil {
			return &reason{call, "Go is called in an expression"}
		}
		switch up(4).(type) {
		case *ast.BlockStmt, *ast.CaseClause, *ast.CommClause:
		default:
			return &reason{call, "Go is called in a part of another statement"}
		}
		if depth > 0 && !m.inBody(stack, g, u) {
			return &reason{call, "a function literal that is no task starts tasks"}
		}
		u.tasks = append(u.tasks, call)
		if block, ok := up(4).(*ast.BlockStmt); ok && len(block.List) == 1 {
			u.alone[call] = true
		}
	case "SetLimit":
		if stmt == nil || depth > 0 || u.limit != nil {
			return &reason{call, "its limit changes"}
		}
		u.limit = stmt
	case "Wait":
		if depth > 0 {
			return &reason{call, "Wait is called in a function literal"}
		}
		if u.wait != nil {
			return &reason{call, "Wait is called more than once"}
		}
		u.wait = call
	case "TryGo":
		return &reason{call, "TryGo of a nursery asks something else: whether the nursery still runs"}
	default:
		return &reason{call, "it uses " + sel.Sel.Name}
	}
	return nil
}

// literals returns how many function literals of the function are on the stack.
func literals(stack []ast.Node) int {
	n := 0
	for _, node := range stack {
		if _, ok := node.(*ast.FuncLit); ok {
			n++
		}
	}
	return n
}

// inBlock reports whether the call is in a block of the statement.
func inBlock(s ast.Stmt, wait *ast.CallExpr) bool {
	found := false
	ast.Inspect(s, func(n ast.Node) bool {
		switch n.(type) {
		case *ast.BlockStmt, *ast.CaseClause, *ast.CommClause:
			found = found || n.Pos() <= wait.Pos() && wait.End() <= n.End()
		}
		return !found
	})
	return found
}

// evaluatedOnce reports whether the statement evaluates the call before everything else
// that it does, apart from calls that get its result.
func (m *migration) evaluatedOnce(s ast.Stmt, wait *ast.CallExpr) bool {
	var first ast.Node
	switch s := s.(type) {
	case *ast.ExprStmt, *ast.AssignStmt, *ast.ReturnStmt, *ast.DeclStmt:
		first = s
	case *ast.IfStmt:
		first = s.Cond
		if s.Init != nil {
			first = s.Init
		}
	case *ast.SwitchStmt:
		if first = s.Tag; s.Init != nil {
			first = s.Init
		}
	}
	if first == nil || wait.Pos() < first.Pos() || wait.End() > first.End() {
		return false
	}
	ok := true
	ast.Inspect(first, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if m.isNumber(n) {
				break
			}
			// A call in front of Wait, or one that short-circuiting may leave out.
			ok = ok && n.Pos() <= wait.Pos() && wait.End() <= n.End() || n.Pos() > wait.End() && ok
		case *ast.FuncLit:
			ok = ok && wait.End() < n.Pos()
		case *ast.BinaryExpr:
			logical := n.Op == token.LAND || n.Op == token.LOR
			if logical && n.Y.Pos() <= wait.Pos() && wait.End() <= n.Y.End() {
				ok = false
			}
		case *ast.IndexExpr, *ast.StarExpr:
			if n.Pos() < wait.Pos() && n.End() <= wait.Pos() {
				ok = false // may panic in front of Wait, or may change
			}
		case *ast.UnaryExpr:
			ok = ok && n.Op != token.ARROW
		}
		return ok
	})
	return ok
}

// isNumber reports whether the call is a conversion to a type of numbers, which does
// nothing but read its operand.
func (m *migration) isNumber(call *ast.CallExpr) bool {
	if !m.pass.TypesInfo.Types[call.Fun].IsType() {
		return false
	}
	basic, ok := m.pass.TypesInfo.TypeOf(call).Underlying().(*types.Basic)
	return ok && basic.Info()&types.IsNumeric != 0
}

// afterWait finds a use of the group's context after Wait, or in the statement of Wait.
func (m *migration) afterWait(g *group, u *use) *reason {
	if g.ctx == nil {
		return nil
	}
	var why *reason
	ast.Inspect(g.fun, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && why == nil && m.pass.TypesInfo.Uses[id] == g.ctx && id.Pos() > u.wait.Pos() {
			why = &reason{id, id.Name + " is used after Wait, when it is canceled"}
		}
		return why == nil
	})
	if why != nil {
		return why
	}
	// A context that the group's own assignment overwrites may be seen by others.
	if m.pass.TypesInfo.Defs[g.ctxName] != nil {
		return nil
	}
	if g.ctx.Pos() < g.fun.Pos() && !m.isParam(g) {
		return &reason{g.made, g.ctx.Name() + " is a variable from outside of the function"}
	}
	ast.Inspect(g.fun, func(n ast.Node) bool {
		if lit, ok := n.(*ast.FuncLit); ok && why == nil && lit.End() < g.made.Pos() && api.Mentions(m.pass.TypesInfo, lit, g.ctx) {
			why = &reason{lit, "the literal in front of the group uses " + g.ctx.Name() + ", which becomes the group's context"}
		}
		return why == nil
	})
	return why
}

// isParam reports whether the group's context is a parameter of the function that makes
// the group: its position is then right in front of the function's body.
func (m *migration) isParam(g *group) bool {
	scope := m.pass.TypesInfo.Scopes
	for node, s := range scope {
		typ, ok := node.(*ast.FuncType)
		if ok && s.Lookup(g.ctx.Name()) == types.Object(g.ctx) {
			return typ.Pos() < g.fun.Pos() && g.fun.Pos()-typ.End() < 3
		}
	}
	return false
}
