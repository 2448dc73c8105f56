package migrate

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"

	"github.com/trellis-go/trellis/vet/internal/api"
)

// A loop is one that starts a task for each item.
type loop struct {
	call *ast.CallExpr
	lit  *ast.FuncLit

	items ast.Expr   // what is ranged over; for ForN the number, or what has it as its length
	count bool       // items is the number of turns
	elem  types.Type // of the items, nil if they are counted
	index *types.Var // nil if there is none
	item  *types.Var // nil if there is none
}

// loopUnderLimit returns the change of a group with a limit to ForEach or ForN, or nil
// where it is more than a loop that starts tasks. A group without a context continues
// after a failure, which ForEach does not.
func (m *migration) loopUnderLimit(g *group, u *use) *rewrite {
	if g.ctx == nil || u.first != u.last {
		return nil
	}
	l := m.loop(g, u)
	if l == nil {
		return nil
	}
	c, why := m.newConversion(g, u)
	if why != nil {
		return nil
	}
	name, args, inside, ok := c.loopCall(l)
	edits, hides := c.hidden(l.lit)
	if !ok || hides || m.redeclares(l) {
		return nil
	}
	limit := u.limit.X.(*ast.CallExpr).Args[0]
	limitText := m.source(limit.Pos(), limit.End())
	switch {
	case m.atLeastOne(limit):
	case m.isNegative(limit):
		limitText = c.nurseryPkg + ".NoLimit"
	case m.atLeastZero(limit) && m.hasMax(u.end.Pos()):
		// A group with a limit of 0 never starts a task.
		limitText = "max(1, " + limitText + ")"
	default:
		limitText, c.inLimitsPlace = c.atLeastOneText(limitText)
		c.inLimitsPlace = strings.TrimSuffix(c.inLimitsPlace, "\n")
	}

	if slices.ContainsFunc(g.list[g.at+1:u.first], func(s ast.Stmt) bool { return s.Pos() > u.limit.End() && m.assignsPart(s, limit) }) {
		name := c.freeName("limit")
		c.inLimitsPlace, limitText = name+" := "+limitText, name
	}

	from := l.lit.Body.Lbrace
	to := l.lit.Body.Rbrace + 1
	var inner []analysis.TextEdit
	if inside != "" {
		inside = "\n" + m.indent(l.call.Pos()) + "\t" + inside
		if rest := strings.TrimLeft(m.source(from+1, to), " \t\r"); rest[0] != '\n' && !strings.HasPrefix(rest, "//") {
			inside += "\n"
		}
		inner = insert(from+1, inside)
	}
	inner = append(inner, edits...)
	// The body was indented as part of a call in the loop.
	body := m.rendered(from, to, inner, -1)
	region, _ := c.region()
	comments := c.comments(region, u.end.Pos(), from, to)
	first, end := c.around()
	text := c.front(region) + comments + m.source(u.end.Pos(), u.wait.Pos()) + first + c.nurseryPkg + "." + name + "(" +
		c.outer + ", " + limitText + ", " + args + m.source(l.lit.Type.Params.Closing+1, from) + body + ")" + end
	return &rewrite{
		"nursery." + name,
		append(c.imports, analysis.TextEdit{Pos: g.made.Pos(), End: u.wait.End(), NewText: []byte(text)}),
	}
}

// hasMax reports whether max means the builtin function at pos.
func (m *migration) hasMax(pos token.Pos) bool {
	scope := m.pass.Pkg.Scope().Innermost(pos)
	if scope == nil {
		return false
	}
	_, found := scope.LookupParent("max", pos)
	return found == types.Universe.Lookup("max")
}

// assignsPart reports whether the statement assigns to a variable or a field that e has.
func (m *migration) assignsPart(s ast.Stmt, e ast.Expr) bool {
	return slices.ContainsFunc(m.assignedIn(s), func(v *types.Var) bool { return api.Mentions(m.pass.TypesInfo, e, v) })
}

// redeclares reports whether the task declares a variable with the name of one of the
// loop, which cannot be its parameter then.
func (m *migration) redeclares(l *loop) bool {
	scope := m.pass.TypesInfo.Scopes[l.lit.Type]
	for _, v := range []*types.Var{l.index, l.item} {
		if v != nil && scope != nil && scope.Lookup(v.Name()) != nil && api.Mentions(m.pass.TypesInfo, l.lit.Body, v) {
			return true
		}
	}
	return false
}

// loop returns the loop, or nil if it does more than start tasks.
func (m *migration) loop(g *group, u *use) *loop {
	l := new(loop)
	var body *ast.BlockStmt
	ok := false
	switch s := g.list[u.first].(type) {
	case *ast.RangeStmt:
		body, ok = s.Body, m.ranged(l, s)
	case *ast.ForStmt:
		body, ok = s.Body, m.counted(l, s)
	}
	if !ok {
		return nil
	}
	stmts := body.List
	for len(stmts) > 1 && m.isCopy(l, stmts[0]) {
		stmts = stmts[1:]
	}
	if len(stmts) == 1 && len(u.tasks) == 1 {
		if e, ok := stmts[0].(*ast.ExprStmt); ok && e.X == ast.Expr(u.tasks[0]) {
			l.call = u.tasks[0]
			l.lit, _ = ast.Unparen(l.call.Args[0]).(*ast.FuncLit)
		}
	}
	if l.lit == nil {
		return nil
	}
	return l
}

// isCopy reports whether the statement is x := x for a variable of the loop. The literal
// then uses the copy, which takes the place of the variable.
func (m *migration) isCopy(l *loop, s ast.Stmt) bool {
	assign, ok := s.(*ast.AssignStmt)
	if !ok || assign.Tok != token.DEFINE || len(assign.Lhs) != len(assign.Rhs) {
		return false
	}
	for i, lhs := range assign.Lhs {
		from, to := api.Var(m.pass.TypesInfo, assign.Rhs[i]), api.Var(m.pass.TypesInfo, lhs)
		if from == nil || to == nil || from.Name() != to.Name() || from != l.index && from != l.item {
			return false
		}
	}
	for i, lhs := range assign.Lhs {
		from, to := api.Var(m.pass.TypesInfo, assign.Rhs[i]), api.Var(m.pass.TypesInfo, lhs)
		if from == l.index {
			l.index = to
		} else {
			l.item = to
		}
	}
	return true
}

// ranged recognizes a range over what ForEach takes. A loop over a channel continues to
// receive when a task has failed, which ForEach does not.
func (m *migration) ranged(l *loop, s *ast.RangeStmt) bool {
	if s.Tok == token.ASSIGN {
		return false
	}
	l.items = s.X
	if s.Key != nil {
		l.index = definedVar(m.pass.TypesInfo, s.Key)
	}
	if s.Value != nil {
		l.item = definedVar(m.pass.TypesInfo, s.Value)
	}
	switch t := m.pass.TypesInfo.TypeOf(s.X).Underlying().(type) {
	case *types.Slice:
		l.elem = t.Elem()
		return true
	case *types.Basic:
		l.count = true
		number := m.pass.TypesInfo.TypeOf(s.X)
		return types.Identical(number, types.Typ[types.Int]) || t.Info()&types.IsUntyped != 0 && t.Info()&types.IsInteger != 0
	case *types.Signature:
		if s.Value != nil || t.Params().Len() != 1 {
			return false
		}
		if yield, ok := t.Params().At(0).Type().Underlying().(*types.Signature); ok && yield.Params().Len() == 1 {
			l.item, l.index = l.index, nil
			l.elem = yield.Params().At(0).Type()
			return true
		}
	}
	return false
}

func definedVar(info *types.Info, e ast.Expr) *types.Var {
	id, ok := e.(*ast.Ident)
	if !ok || id.Name == "_" {
		return nil
	}
	v, _ := info.Defs[id].(*types.Var)
	return v
}

// counted recognizes for i := 0; i < n; i++.
func (m *migration) counted(l *loop, s *ast.ForStmt) bool {
	init, ok := s.Init.(*ast.AssignStmt)
	if !ok || init.Tok != token.DEFINE || len(init.Lhs) != 1 || len(init.Rhs) != 1 {
		return false
	}
	i := definedVar(m.pass.TypesInfo, init.Lhs[0])
	zero := m.pass.TypesInfo.Types[init.Rhs[0]].Value
	if i == nil || zero == nil || constant.Sign(zero) != 0 || !types.Identical(i.Type(), types.Typ[types.Int]) {
		return false
	}
	cond, ok := s.Cond.(*ast.BinaryExpr)
	if !ok || cond.Op != token.LSS || api.Var(m.pass.TypesInfo, cond.X) != i || api.Mentions(m.pass.TypesInfo, cond.Y, i) {
		return false
	}
	if m.mayChange(cond.Y) {
		return false // the loop asks in each turn, and ForN once
	}
	post, ok := s.Post.(*ast.IncDecStmt)
	if !ok || post.Tok != token.INC || api.Var(m.pass.TypesInfo, post.X) != i {
		return false
	}
	l.items, l.count, l.index = cond.Y, true, i
	return true
}

// mayChange reports whether the expression calls a function, or receives.
func (m *migration) mayChange(e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			found = found || !m.isNumber(n) && !m.isBuiltin(n, "len") && !m.isBuiltin(n, "cap") &&
				!m.isBuiltin(n, "min") && !m.isBuiltin(n, "max")
		case *ast.UnaryExpr:
			found = found || n.Op == token.ARROW
		}
		return !found
	})
	return found
}

// loopCall returns the name of the function, its arguments from the items to the
// parameters of the literal, and a statement for the beginning of its body.
func (c *conversion) loopCall(l *loop) (name, args, inside string, ok bool) {
	info := c.m.pass.TypesInfo
	items := c.m.source(l.items.Pos(), l.items.End())
	parameter := func(v *types.Var) string {
		if v != nil && api.Mentions(info, l.lit.Body, v) {
			return v.Name()
		}
		return "_"
	}
	ctx := parameter(c.ctxVar) + " " + c.ctxPkg + ".Context"
	if l.count {
		return "ForN", items + ", func(" + ctx + ", " + parameter(l.index) + " int)", "", true
	}
	if l.index == nil || !api.Mentions(info, l.lit.Body, l.index) {
		typ, ok := c.m.typeText(c.file, l.elem, c.made.Pos())
		if !ok {
			return "", "", "", false
		}
		return "ForEach", items + ", func(" + ctx + ", " + parameter(l.item) + " " + typ + ")", "", true
	}
	if l.item != nil && api.Mentions(info, l.lit.Body, l.item) {
		v := api.Var(info, l.items)
		if v == nil || c.assignsTo(v) {
			return "", "", "", false
		}
		inside = l.item.Name() + " := " + items + "[" + l.index.Name() + "]"
	}
	return "ForN", "len(" + items + "), func(" + ctx + ", " + l.index.Name() + " int)", inside, true
}

// assignsTo reports whether the region assigns to v.
func (c *conversion) assignsTo(v *types.Var) bool {
	return slices.ContainsFunc(c.list[c.first:c.last+1], func(s ast.Stmt) bool {
		return slices.Contains(c.m.assignedIn(s), v)
	})
}
