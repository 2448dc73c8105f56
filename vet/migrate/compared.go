package migrate

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"github.com/trellis-go/trellis/vet/internal/api"
)

// compared returns the comparisons and type assertions of the group's error in the
// function: the error is another value after the change.
func (m *migration) compared(g *group, u *use) []ast.Node {
	errs := m.errorVars(g, u)
	var found []ast.Node
	var loops, literals []ast.Node // that are around, or in front of, the group
	ast.Inspect(g.fun, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ForStmt, *ast.RangeStmt:
			if n.Pos() <= g.made.Pos() && g.made.End() <= n.End() {
				loops = append(loops, n)
			}
		case *ast.FuncLit:
			if n.End() < g.made.Pos() {
				literals = append(literals, n)
			}
		}
		return true
	})
	// gets reports whether e, in a comparison, may be the group's error.
	gets := func(e ast.Expr) bool {
		if ast.Unparen(e) == ast.Expr(u.wait) {
			return true
		}
		v := api.Var(m.pass.TypesInfo, e)
		if v == nil || !slices.Contains(errs, v) {
			return false
		}
		if e.Pos() > u.wait.Pos() {
			return !m.overwrites(g, v, u.wait.End(), e.Pos())
		}
		for _, lit := range literals { // runs later, as a deferred call does
			if lit.Pos() < e.Pos() && e.End() < lit.End() && v.Pos() < lit.Pos() {
				return true
			}
		}
		for _, loop := range loops { // the next turn
			if v.Pos() < loop.Pos() && loop.Pos() < e.Pos() && e.Pos() < g.made.Pos() && !m.overwrites(g, v, loop.Pos(), e.Pos()) {
				return true
			}
		}
		return false
	}
	ast.Inspect(g.fun, func(n ast.Node) bool {
		if at := m.comparison(n, gets); at != nil && (!keepFirst || m.ofCancellation(n)) {
			found = append(found, at)
		}
		return true
	})
	return found
}

// ofCancellation reports whether what comparison found is about the error of a context.
// A cancellation from outside is another value also for nursery.First.
func (m *migration) ofCancellation(n ast.Node) bool {
	info := m.pass.TypesInfo
	switch n := n.(type) {
	case *ast.TypeAssertExpr:
		if n.Type == nil {
			return false // of a type switch
		}
		timeout, _, _ := types.LookupFieldOrMethod(info.TypeOf(n.Type), false, m.pass.Pkg, "Timeout")
		return timeout != nil && types.IsInterface(info.TypeOf(n.Type))
	case *ast.CallExpr:
		return api.CalleeOf(info, n).Is("os.IsTimeout")
	}
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		if _, ok := n.(*ast.BlockStmt); ok {
			for _, s := range n.(*ast.BlockStmt).List {
				if clause, ok := s.(*ast.CaseClause); ok {
					found = found || slices.ContainsFunc(clause.List, m.isContextError)
				}
			}
			return false
		}
		e, ok := n.(ast.Expr)
		found = found || ok && m.isContextError(e)
		return !found
	})
	return found
}

// isContextError reports whether the expression is context.Canceled or
// context.DeadlineExceeded.
func (m *migration) isContextError(e ast.Expr) bool {
	sel, ok := ast.Unparen(e).(*ast.SelectorExpr)
	if !ok {
		return false
	}
	obj := m.pass.TypesInfo.Uses[sel.Sel]
	return obj != nil && obj.Pkg() != nil && obj.Pkg().Path() == "context" && (obj.Name() == "Canceled" || obj.Name() == "DeadlineExceeded")
}

// comparison returns what to report if n compares an error that gets reports, in a way
// that does not look at what the error wraps.
func (m *migration) comparison(n ast.Node, gets func(ast.Expr) bool) ast.Node {
	info := m.pass.TypesInfo
	switch n := n.(type) {
	case *ast.BinaryExpr:
		if (n.Op == token.EQL || n.Op == token.NEQ) && (!info.Types[n.Y].IsNil() && gets(n.X) || !info.Types[n.X].IsNil() && gets(n.Y)) {
			return n
		}
	case *ast.TypeAssertExpr:
		if gets(n.X) {
			return n
		}
	case *ast.SwitchStmt:
		if n.Tag != nil && gets(n.Tag) {
			return n.Tag
		}
	case *ast.CallExpr:
		switch c := api.CalleeOf(info, n); {
		case c.Is("os.IsExist"), c.Is("os.IsNotExist"), c.Is("os.IsPermission"), c.Is("os.IsTimeout"):
			if len(n.Args) == 1 && gets(n.Args[0]) {
				return n
			}
		}
	}
	return nil
}

// errorVars returns the variables that get the group's error, also by a return.
func (m *migration) errorVars(g *group, u *use) []*types.Var {
	var errs []*types.Var
	add := func(v *types.Var) {
		if v != nil {
			errs = append(errs, v)
		}
	}
	ast.Inspect(u.end, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if i := indexOf(n.Rhs, u.wait); i >= 0 && len(n.Lhs) == len(n.Rhs) {
				add(api.Var(m.pass.TypesInfo, n.Lhs[i]))
			}
		case *ast.ValueSpec:
			if i := indexOf(n.Values, u.wait); i >= 0 && len(n.Names) == len(n.Values) {
				add(api.Var(m.pass.TypesInfo, n.Names[i]))
			}
		}
		return true
	})
	var results []*types.Var
	for _, field := range resultFields(g.typ) {
		for _, name := range field.Names {
			v, _ := m.pass.TypesInfo.Defs[name].(*types.Var)
			results = append(results, v)
		}
	}
	ast.Inspect(g.fun, func(n ast.Node) bool {
		if _, ok := n.(*ast.FuncLit); ok {
			return false
		}
		ret, ok := n.(*ast.ReturnStmt)
		if !ok || ret.Pos() < u.end.Pos() || len(ret.Results) != len(results) {
			return true
		}
		for i, r := range ret.Results {
			if v := api.Var(m.pass.TypesInfo, r); ast.Unparen(r) == ast.Expr(u.wait) || v != nil && slices.Contains(errs, v) {
				add(results[i])
			}
		}
		return true
	})
	return errs
}

func resultFields(typ *ast.FuncType) []*ast.Field {
	if typ == nil || typ.Results == nil {
		return nil
	}
	return typ.Results.List
}

// indexOf returns the index of the call in the list, or -1.
func indexOf(list []ast.Expr, call *ast.CallExpr) int {
	return slices.IndexFunc(list, func(e ast.Expr) bool { return ast.Unparen(e) == ast.Expr(call) })
}

// overwrites reports whether the function assigns to v between two positions, in a block
// that the group is made in as well: not only under a condition.
func (m *migration) overwrites(g *group, v *types.Var, from, to token.Pos) bool {
	found := false
	ast.Inspect(g.fun, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BlockStmt, *ast.CaseClause, *ast.CommClause:
			return !found && n.Pos() <= g.made.Pos() && g.made.Pos() < n.End()
		case *ast.AssignStmt:
			for _, lhs := range n.Lhs {
				found = found || from <= n.Pos() && n.End() <= to && api.Var(m.pass.TypesInfo, lhs) == v
			}
		}
		return !found
	})
	return found
}
