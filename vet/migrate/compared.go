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
		if v == nil || !slices.ContainsFunc(errs, func(got gotten) bool { return got.by == v }) {
			return false
		}
		if e.Pos() > u.wait.Pos() {
			return m.still(g, errs, v, e.Pos())
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

// A gotten is a variable that gets the group's error, and the end of what gives it.
type gotten struct {
	by *types.Var
	at token.Pos
}

// still reports whether v may have the group's error at pos, behind Wait.
func (m *migration) still(g *group, errs []gotten, v *types.Var, pos token.Pos) bool {
	return slices.ContainsFunc(errs, func(got gotten) bool {
		return got.by == v && got.at <= pos && !m.overwrites(g, v, got.at, pos)
	})
}

// errorVars returns the variables that get the group's error, also from another one, or by
// a return.
func (m *migration) errorVars(g *group, u *use) []gotten {
	var errs []gotten
	add := func(v *types.Var, at token.Pos) {
		if v != nil {
			errs = append(errs, gotten{v, at})
		}
	}
	has := func(e ast.Expr) bool {
		v := api.Var(m.pass.TypesInfo, e)
		return ast.Unparen(e) == ast.Expr(u.wait) || v != nil && e.Pos() > u.wait.End() && m.still(g, errs, v, e.Pos())
	}
	ast.Inspect(g.fun, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, rhs := range n.Rhs {
				if len(n.Lhs) == len(n.Rhs) && has(rhs) {
					add(api.Var(m.pass.TypesInfo, n.Lhs[i]), n.End())
				}
			}
		case *ast.ValueSpec:
			for i, value := range n.Values {
				if len(n.Names) == len(n.Values) && has(value) {
					add(api.Var(m.pass.TypesInfo, n.Names[i]), n.End())
				}
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
			if has(r) {
				add(results[i], ret.End())
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
