package migrate

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"

	"github.com/trellis-go/trellis/vet/internal/api"
)

// A conversion is the change of one group to a call of package nursery.
type conversion struct {
	*group
	*use
	m    *migration
	file *ast.File

	ctxPkg, nurseryPkg string              // the names of the packages in the file
	imports            []analysis.TextEdit // that add them

	outer    string     // the context that the nursery gets
	ctxVar   *types.Var // the variable that the parameters replace, nil for none
	nursName string     // the name of the nursery's parameter

	slots         string // the channel that keeps the limit, "" for none
	inLimitsPlace string // the statements that take the place of SetLimit
}

// newConversion chooses the names.
func (m *migration) newConversion(g *group, u *use) (*conversion, *reason) {
	c := &conversion{group: g, use: u, m: m, file: m.file(g.made.Pos()), nursName: "n"}
	var edits, more []analysis.TextEdit
	var ok, ok2 bool
	c.ctxPkg, edits, ok = m.importName(c.file, "context", g.made.Pos())
	c.nurseryPkg, more, ok2 = m.importName(c.file, nursery, g.made.Pos())
	if !ok || !ok2 {
		return nil, &reason{g.made, "context or nursery means something else here than the package"}
	}
	c.imports = append(edits, more...)
	if hasName(g.fun, c.nursName) {
		c.nursName = g.v.Name()
	}
	for i := u.first; i <= u.last; i++ {
		// Below the parameters the packages must not have another meaning either.
		for _, name := range []string{c.ctxPkg, c.nurseryPkg} {
			if m.declares(g.list[i], name) {
				return nil, &reason{g.list[i], name + " means something else here than the package"}
			}
		}
	}
	if v := c.changedContext(); v != nil {
		return nil, &reason{g.made, v.Name() + " changes between the group's creation and its first use"}
	}
	c.chooseContext()
	if g.ctx != nil && c.assignsTo(g.ctx) {
		return nil, &reason{g.made, g.ctx.Name() + " is assigned to between the group's creation and Wait"}
	}
	return c, nil
}

// changedContext returns a variable or a field that the group's context is made from and that is
// assigned to before the nursery gets it, or nil.
func (c *conversion) changedContext() *types.Var {
	if c.call == nil {
		return nil
	}
	for _, s := range c.list[c.at+1 : c.first] {
		for _, v := range c.m.assignedIn(s) {
			if api.Mentions(c.m.pass.TypesInfo, c.call.Args[0], v) {
				return v
			}
		}
	}
	return nil
}

// assignedIn returns the variables and fields that the statement assigns to.
func (m *migration) assignedIn(s ast.Stmt) []*types.Var {
	var vars []*types.Var
	add := func(e ast.Expr) {
		if sel, ok := e.(*ast.SelectorExpr); ok {
			e = sel.Sel
		}
		if v := api.Var(m.pass.TypesInfo, e); v != nil {
			vars = append(vars, v)
		}
	}
	ast.Inspect(s, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, lhs := range n.Lhs {
				add(lhs)
			}
		case *ast.IncDecStmt:
			add(n.X)
		case *ast.RangeStmt:
			add(n.Key)
			add(n.Value)
		}
		return true
	})
	return vars
}

// declares reports whether a variable of that name is declared in node.
func (m *migration) declares(node ast.Node, name string) bool {
	found := false
	ast.Inspect(node, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == name && m.pass.TypesInfo.Defs[id] != nil {
			found = true
		}
		return !found
	})
	return found
}

// chooseContext decides which context the nursery gets. A group that has a context is
// simple. For one that has none it is the context that the tasks use, or one that is
// called ctx, so that a cancellation from outside reaches the nursery.
func (c *conversion) chooseContext() {
	if c.call != nil && c.ctx != nil {
		arg := c.call.Args[0]
		c.outer, c.ctxVar = c.m.source(arg.Pos(), arg.End()), c.ctx
		return
	}
	info := c.m.pass.TypesInfo
	used := c.contextsUsed()
	if len(used) == 1 {
		c.outer, c.ctxVar = used[0].Name(), used[0]
	} else if v := c.m.contextInScope(c.made.Pos()); v != nil {
		c.outer = v.Name()
		if slices.Contains(used, v) && !slices.Contains(used, nil) {
			c.ctxVar = v
		}
	} else {
		c.outer = c.ctxPkg + ".Background()"
	}
	if c.call != nil {
		arg := c.call.Args[0]
		if v := api.Var(info, arg); v == nil || v != c.ctxVar {
			c.ctxVar = nil
		}
		c.outer = c.m.source(arg.Pos(), arg.End())
	}
}

// contextsUsed returns the contexts that are declared in front of the group, are not
// assigned to in the tasks, and are used there.
func (c *conversion) contextsUsed() []*types.Var {
	var used []*types.Var
	info := c.m.pass.TypesInfo
	for i := c.first; i <= c.last; i++ {
		ast.Inspect(c.list[i], func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, lhs := range n.Lhs {
					if v := api.Var(info, lhs); v != nil && api.IsContext(v.Type()) && v.Pos() < c.made.Pos() {
						used = append(used, v, nil) // the nil: no parameter can take its place
					}
				}
			case *ast.Ident:
				v, ok := info.Uses[n].(*types.Var)
				if !ok || v.IsField() || !api.IsContext(v.Type()) || v.Pos() >= c.made.Pos() || v.Parent() == c.m.pass.Pkg.Scope() {
					break
				}
				for _, other := range used {
					if other == v {
						return true
					}
				}
				used = append(used, v)
			}
			return true
		})
	}
	return used
}

// contextInScope returns the variable ctx, if it is a context and in scope at pos.
func (m *migration) contextInScope(pos token.Pos) *types.Var {
	scope := m.pass.Pkg.Scope().Innermost(pos)
	if scope == nil {
		return nil
	}
	_, obj := scope.LookupParent("ctx", pos)
	v, ok := obj.(*types.Var)
	if !ok || !api.IsContext(v.Type()) {
		return nil
	}
	return v
}

// toRun returns the change to nursery.Run.
func (m *migration) toRun(g *group, u *use) (*rewrite, *reason) {
	if why := m.leaves(g, u); why != nil {
		return nil, why
	}
	c, why := m.newConversion(g, u)
	if why != nil {
		return nil, why
	}
	c.keepLimit()
	moved, inner, why := c.moves()
	if why != nil {
		return nil, why
	}
	for _, task := range u.tasks {
		edits, why := c.task(task)
		if why != nil {
			return nil, why
		}
		inner = append(inner, edits...)
	}

	runner, what := c.nurseryPkg+".Run", "nursery.Run"
	if g.ctx == nil {
		runner, what = c.nurseryPkg+".Config{Supervise: true}.Run", "nursery.Config.Run, which continues after a failure as the group does"
		if headOfStatement(u.end) {
			// A composite literal in front of a block needs parentheses.
			runner = "(" + c.nurseryPkg + ".Config{Supervise: true}).Run"
		}
	}
	name := "_"
	if c.ctxVar != nil {
		name = c.ctxVar.Name()
	}
	first, end := c.around()
	head := first + runner + "(" + c.outer + ", func(" + name + " " + c.ctxPkg + ".Context, " + c.nursName + " *" + c.nurseryPkg + ".Nursery) error {"
	from, to := c.region()
	indent := m.indent(g.made.Pos())
	text := c.front(from) + moved + m.source(u.end.Pos(), u.wait.Pos()) + head +
		"\n" + strings.TrimRight(strings.TrimLeft(m.rendered(from, to, inner, 1), "\n"), " \t\n") +
		"\n" + indent + "\treturn nil\n" + indent + "})" + end
	return &rewrite{what, append(c.imports, analysis.TextEdit{Pos: g.made.Pos(), End: u.wait.End(), NewText: []byte(text)})}, nil
}

// around returns what is around the call of the nursery: with the flag, what reduces its
// error to the first one, where the error is used.
func (c *conversion) around() (string, string) {
	if e, ok := c.end.(*ast.ExprStmt); !keepFirst || ok && e.X == ast.Expr(c.wait) {
		return "", ""
	}
	return c.nurseryPkg + ".First(", ")"
}

func headOfStatement(s ast.Stmt) bool {
	switch s.(type) {
	case *ast.IfStmt, *ast.SwitchStmt:
		return true
	}
	return false
}

// region returns the text that becomes the body: from the end of the line in front of
// the first statement, so that its comments are in it, to the statement of Wait.
func (c *conversion) region() (from, to token.Pos) {
	first := c.list[c.first]
	return c.m.lineEnd(c.list[c.first-1].End(), first.Pos()), c.end.Pos()
}

// front returns the text between the statement that made the group and the region, with
// what is left of that statement, and with what takes the place of SetLimit.
func (c *conversion) front(region token.Pos) string {
	var edits []analysis.TextEdit
	if c.limit != nil {
		edits = append(edits, replace(c.limit, c.inLimitsPlace))
	}
	text := c.m.rendered(c.made.End(), region, edits, 0)
	indent := c.m.indent(c.made.Pos())
	if c.spec != nil {
		kept := c.m.rendered(c.made.Pos(), c.made.End(), []analysis.TextEdit{replace(c.spec, "")}, 0)
		return kept + text + "\n" + indent
	}
	if text = strings.TrimSpace(text); text == "" {
		return ""
	}
	return text + "\n" + indent
}

// leaves finds what may leave the region, or must not be in the body of a nursery.
func (m *migration) leaves(g *group, u *use) *reason {
	labels, why := m.labels(g, u)
	// How many loops, switches and selects are around: a break or a continue stays
	// inside of one of them.
	var visit func(n ast.Node, breaks, continues int)
	visit = func(n ast.Node, breaks, continues int) {
		ast.Inspect(n, func(inner ast.Node) bool {
			if inner == n || why != nil {
				return why == nil
			}
			switch s := inner.(type) {
			case *ast.FuncLit:
				return false
			case *ast.ReturnStmt:
				why = &reason{s, "a return between the first task and Wait leaves goroutines behind: decide what it should do to them"}
			case *ast.CallExpr:
				if m.isBuiltin(s, "recover") {
					why = &reason{s, "recover between the first task and Wait would find no panic in the body of a nursery"}
				}
			case *ast.DeferStmt:
				why = &reason{s, "a deferred call between the first task and Wait would run before the tasks have ended"}
			case *ast.BranchStmt:
				if s.Label != nil && s.Tok != token.GOTO && labels[s.Label.Name] {
					break
				}
				if s.Tok == token.GOTO || s.Label != nil || s.Tok == token.BREAK && breaks == 0 || s.Tok == token.CONTINUE && continues == 0 {
					why = &reason{s, "a " + s.Tok.String() + " leaves the code between the first task and Wait"}
				}
			case *ast.ForStmt, *ast.RangeStmt:
				visit(inner, breaks+1, continues+1)
				return false
			case *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
				visit(inner, breaks+1, continues)
				return false
			}
			return true
		})
	}
	for i := u.first; i <= u.last; i++ {
		// In a block, so that the statement itself is looked at.
		visit(&ast.BlockStmt{Lbrace: g.list[i].Pos(), List: g.list[i : i+1], Rbrace: g.list[i].End()}, 0, 0)
	}
	return why
}

// labels returns the labels that are declared in the region. A break or a continue to one
// of them stays inside, but a goto from outside must not enter the region.
func (m *migration) labels(g *group, u *use) (map[string]bool, *reason) {
	declared := make(map[string]bool)
	var jump *ast.BranchStmt
	ast.Inspect(g.fun, func(n ast.Node) bool {
		switch s := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.LabeledStmt:
			if s.Pos() >= g.list[u.first].Pos() && s.End() <= u.end.Pos() {
				declared[s.Label.Name] = true
			}
		case *ast.BranchStmt:
			if s.Tok == token.GOTO {
				jump = s
			}
		}
		return true
	})
	if len(declared) > 0 && jump != nil {
		return nil, &reason{jump, "there are labels between the first task and Wait, and a goto"}
	}
	return declared, nil
}
