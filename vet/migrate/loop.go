package migrate

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
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

// loopUnderLimit returns the change of a group with a limit to ForEach or ForN.
func (m *migration) loopUnderLimit(g *group, u *use) (*rewrite, *reason) {
	if g.ctx == nil {
		return nil, &reason{u.limit, "it has a limit and no context, so it continues after a failure, and ForEach does not: " +
			"use ForEach if that is what you want"}
	}
	limit := u.limit.X.(*ast.CallExpr).Args[0]
	limitText := m.source(limit.Pos(), limit.End())
	switch {
	case m.atLeastOne(limit):
	case m.atLeastZero(limit):
		// A group with a limit of 0 never starts a task.
		limitText = "max(1, " + limitText + ")"
	default:
		return nil, &reason{limit, "its limit may be below 1, and then ForEach panics: make it max(1, limit), and run migrate again, " +
			"or use ForEach with NoLimit where it is negative"}
	}
	if u.first != u.last {
		return nil, &reason{g.list[u.first], "it has a limit, and more than one statement between its creation and Wait: " +
			"use ForEach, or MapSeq for results that are used as they come"}
	}
	l, why := m.loop(g, u)
	if why != nil {
		return nil, why
	}
	c, why := m.newConversion(g, u)
	if why != nil {
		return nil, why
	}
	name, args, inside, why := c.loopCall(l)
	if why != nil {
		return nil, why
	}

	from := l.lit.Body.Lbrace
	to := l.lit.Body.Rbrace + 1
	var inner []analysis.TextEdit
	if inside != "" {
		inner = insert(from+1, "\n"+m.indent(l.call.Pos())+"\t"+inside)
	}
	edits, hides := c.hidden(l.lit)
	if hides {
		return nil, &reason{l.lit, "the task declares another " + c.ctxVar.Name()}
	}
	inner = append(inner, edits...)
	// The body was indented as part of a call in the loop.
	body := m.rendered(from, to, inner, -1)
	region, _ := c.region()
	comments := strings.TrimSpace(m.source(region, g.list[u.first].Pos()))
	if comments != "" {
		comments += "\n" + m.indent(g.made.Pos())
	}
	first, end := c.around()
	text := c.front(region) + comments + m.source(u.end.Pos(), u.wait.Pos()) + first + c.nurseryPkg + "." + name + "(" +
		c.outer + ", " + limitText + ", " + args + m.source(l.lit.Type.Params.Closing+1, from) + body + ")" + end
	return &rewrite{
		"nursery." + name,
		append(c.imports, analysis.TextEdit{Pos: g.made.Pos(), End: u.wait.End(), NewText: []byte(text)}),
	}, nil
}

// atLeastOne reports whether the expression is known to be at least 1.
func (m *migration) atLeastOne(e ast.Expr) bool {
	if tv := m.pass.TypesInfo.Types[e]; tv.Value != nil {
		return constant.Compare(tv.Value, token.GEQ, constant.MakeInt64(1))
	}
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return false
	}
	switch c := api.CalleeOf(m.pass.TypesInfo, call); {
	case c.Is("runtime.NumCPU"), c.Is("runtime.GOMAXPROCS"):
		return true
	}
	id, ok := ast.Unparen(call.Fun).(*ast.Ident)
	if !ok {
		return false
	}
	b, ok := m.pass.TypesInfo.Uses[id].(*types.Builtin)
	if !ok {
		return false
	}
	switch b.Name() {
	case "max":
		for _, arg := range call.Args {
			if m.atLeastOne(arg) {
				return true
			}
		}
	case "min":
		for _, arg := range call.Args {
			if !m.atLeastOne(arg) {
				return false
			}
		}
		return true
	}
	return false
}

// atLeastZero reports whether the expression cannot be negative: it is a length, or a
// conversion of an unsigned number.
func (m *migration) atLeastZero(e ast.Expr) bool {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok || len(call.Args) != 1 {
		return false
	}
	if id, ok := ast.Unparen(call.Fun).(*ast.Ident); ok {
		if b, ok := m.pass.TypesInfo.Uses[id].(*types.Builtin); ok {
			return b.Name() == "len" || b.Name() == "cap"
		}
	}
	if !m.pass.TypesInfo.Types[call.Fun].IsType() {
		return false
	}
	basic, ok := m.pass.TypesInfo.TypeOf(call.Args[0]).Underlying().(*types.Basic)
	return ok && basic.Info()&types.IsUnsigned != 0
}

// loop returns the loop, if it does nothing but start tasks.
func (m *migration) loop(g *group, u *use) (*loop, *reason) {
	l := new(loop)
	var body *ast.BlockStmt
	var why *reason
	switch s := g.list[u.first].(type) {
	case *ast.RangeStmt:
		body, why = s.Body, m.ranged(l, s)
	case *ast.ForStmt:
		body, why = s.Body, m.counted(l, s)
	default:
		return nil, &reason{s, "it has a limit, and its tasks are not started by a loop alone"}
	}
	if why != nil {
		return nil, why
	}
	stmts := body.List
	for len(stmts) > 1 && m.isCopy(l, stmts[0]) {
		stmts = stmts[1:]
	}
	at := ast.Node(body)
	if len(stmts) > 0 {
		at = stmts[0]
	}
	if len(stmts) == 1 && len(u.tasks) == 1 {
		if e, ok := stmts[0].(*ast.ExprStmt); ok && e.X == ast.Expr(u.tasks[0]) {
			l.call = u.tasks[0]
			l.lit, _ = ast.Unparen(l.call.Args[0]).(*ast.FuncLit)
		}
	}
	if l.lit == nil {
		return nil, &reason{at, "it has a limit, and its loop does more than start tasks: move that into the task"}
	}
	return l, nil
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

func (m *migration) ranged(l *loop, s *ast.RangeStmt) *reason {
	if s.Tok == token.ASSIGN {
		return &reason{s, "its loop assigns to variables from outside"}
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
		return nil
	case *types.Basic:
		if t.Info()&types.IsInteger == 0 {
			break
		}
		if l.index != nil && !types.Identical(l.index.Type(), types.Typ[types.Int]) {
			return &reason{s, "its loop counts with another type than int"}
		}
		l.count = true
		return nil
	case *types.Signature:
		if s.Value != nil || t.Params().Len() != 1 {
			break
		}
		if yield, ok := t.Params().At(0).Type().Underlying().(*types.Signature); ok && yield.Params().Len() == 1 {
			l.item, l.index = l.index, nil
			l.elem = yield.Params().At(0).Type()
			return nil
		}
	case *types.Map:
		return &reason{s, "it has a limit, and ranges over a map: use ForEach with maps.Keys"}
	case *types.Chan:
		return &reason{s, "it has a limit, and ranges over a channel: ForEach stops to receive when a task has failed, and this loop does not"}
	}
	return &reason{s, "it has a limit, and ranges over something that ForEach does not take in the same way"}
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
func (m *migration) counted(l *loop, s *ast.ForStmt) *reason {
	why := &reason{s, "it has a limit, and its loop is none over items or from 0 to a number"}
	init, ok := s.Init.(*ast.AssignStmt)
	if !ok || init.Tok != token.DEFINE || len(init.Lhs) != 1 || len(init.Rhs) != 1 {
		return why
	}
	i := definedVar(m.pass.TypesInfo, init.Lhs[0])
	zero := m.pass.TypesInfo.Types[init.Rhs[0]].Value
	if i == nil || zero == nil || constant.Sign(zero) != 0 || !types.Identical(i.Type(), types.Typ[types.Int]) {
		return why
	}
	cond, ok := s.Cond.(*ast.BinaryExpr)
	if !ok || cond.Op != token.LSS || api.Var(m.pass.TypesInfo, cond.X) != i || api.Mentions(m.pass.TypesInfo, cond.Y, i) {
		return why
	}
	post, ok := s.Post.(*ast.IncDecStmt)
	if !ok || post.Tok != token.INC || api.Var(m.pass.TypesInfo, post.X) != i {
		return why
	}
	l.items, l.count, l.index = cond.Y, true, i
	return nil
}

// loopCall returns the name of the function, its arguments from the items to the
// parameters of the literal, and a statement for the beginning of its body.
func (c *conversion) loopCall(l *loop) (name, args, inside string, why *reason) {
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
		return "ForN", items + ", func(" + ctx + ", " + parameter(l.index) + " int)", "", nil
	}
	if l.index == nil || !api.Mentions(info, l.lit.Body, l.index) {
		typ, ok := c.m.typeText(c.file, l.elem, c.made.Pos())
		if !ok {
			return "", "", "", &reason{l.items, "the type of its items cannot be written here"}
		}
		return "ForEach", items + ", func(" + ctx + ", " + parameter(l.item) + " " + typ + ")", "", nil
	}
	if l.item != nil && api.Mentions(info, l.lit.Body, l.item) {
		v := api.Var(info, l.items)
		if v == nil || c.assignsTo(v) {
			return "", "", "", &reason{l.items, "it has a limit, and its loop has index and item of something that is no plain variable: " +
				"put the items into a variable"}
		}
		inside = l.item.Name() + " := " + items + "[" + l.index.Name() + "]"
	}
	return "ForN", "len(" + items + "), func(" + ctx + ", " + l.index.Name() + " int)", inside, nil
}

// assignsTo reports whether the region assigns to v.
func (c *conversion) assignsTo(v *types.Var) bool {
	found := false
	for i := c.first; i <= c.last; i++ {
		ast.Inspect(c.list[i], func(n ast.Node) bool {
			if assign, ok := n.(*ast.AssignStmt); ok {
				for _, lhs := range assign.Lhs {
					found = found || api.Var(c.m.pass.TypesInfo, lhs) == v
				}
			}
			return !found
		})
	}
	return found
}
