package migrate

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/analysis"

	"github.com/trellis-go/trellis/vet/internal/api"
)

// moves returns the declarations of variables that are declared in the region and used
// after it, as text for in front of the nursery, and the edits that leave assignments in
// their place.
func (c *conversion) moves() (string, []analysis.TextEdit, *reason) {
	var text string
	var edits []analysis.TextEdit
	for i := c.first; i <= c.last; i++ {
		var more string
		var edit []analysis.TextEdit
		var why *reason
		switch s := c.list[i].(type) {
		case *ast.AssignStmt:
			more, edit, why = c.moveAssign(s)
		case *ast.DeclStmt:
			more, edit, why = c.moveDecl(s)
		}
		if why != nil {
			return "", nil, why
		}
		text += more
		edits = append(edits, edit...)
	}
	return text, edits, nil
}

// usedLater reports whether the object is used after the region.
func (c *conversion) usedLater(obj types.Object) bool {
	found := false
	ast.Inspect(c.fun, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Pos() >= c.end.Pos() && c.m.pass.TypesInfo.Uses[id] == obj {
			found = true
		}
		return !found
	})
	return found
}

// declaration returns the declaration of v for in front of the nursery.
func (c *conversion) declaration(v *types.Var) (string, *reason) {
	at := c.list[c.first]
	if c.call != nil && c.otherMeaning(c.call, v) {
		return "", &reason{at, v.Name() + " is used after Wait, and is also another variable that the group's context is made from"}
	}
	typ, ok := c.m.typeText(c.file, v.Type(), c.made.Pos())
	if !ok {
		return "", &reason{at, v.Name() + " is used after Wait, and its type cannot be written here"}
	}
	for i := c.first; i <= c.last; i++ {
		if c.otherMeaning(c.list[i], v) {
			return "", &reason{at, v.Name() + " is used after Wait, and is also another variable in front of it"}
		}
	}
	return "var " + v.Name() + " " + typ + "\n" + c.m.indent(c.made.Pos()), nil
}

// otherMeaning reports whether the name of v means something else in front of its
// declaration, or in a statement that does not declare it itself.
func (c *conversion) otherMeaning(node ast.Node, v *types.Var) bool {
	found := false
	selected := make(map[*ast.Ident]bool)
	ast.Inspect(node, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			selected[sel.Sel] = true
		}
		id, ok := n.(*ast.Ident)
		if !ok || id.Name != v.Name() || selected[id] {
			return true
		}
		if obj := c.m.pass.TypesInfo.Uses[id]; obj != nil && obj != types.Object(v) {
			inside := c.list[c.first].Pos() <= obj.Pos() && obj.Pos() < c.end.Pos()
			if other, ok := obj.(*types.Var); (!ok || !other.IsField()) && !inside {
				found = true
			}
		}
		return !found
	})
	return found
}

func (c *conversion) moveAssign(s *ast.AssignStmt) (string, []analysis.TextEdit, *reason) {
	if s.Tok != token.DEFINE {
		return "", nil, nil
	}
	var defined []*types.Var
	later := false
	for _, lhs := range s.Lhs {
		id := lhs.(*ast.Ident)
		if v, ok := c.m.pass.TypesInfo.Defs[id].(*types.Var); ok && id.Name != "_" {
			defined = append(defined, v)
			later = later || c.usedLater(v)
		}
	}
	if !later {
		return "", nil, nil
	}
	var text string
	for _, v := range defined {
		more, why := c.declaration(v)
		if why != nil {
			return "", nil, why
		}
		text += more
	}
	return text, []analysis.TextEdit{{Pos: s.TokPos, End: s.TokPos + 2, NewText: []byte("=")}}, nil
}

func (c *conversion) moveDecl(s *ast.DeclStmt) (string, []analysis.TextEdit, *reason) {
	decl, ok := s.Decl.(*ast.GenDecl)
	if !ok {
		return "", nil, nil
	}
	later := false
	ast.Inspect(decl, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			if obj := c.m.pass.TypesInfo.Defs[id]; obj != nil {
				later = later || c.usedLater(obj)
			}
		}
		return true
	})
	if !later {
		return "", nil, nil
	}
	if decl.Tok != token.VAR {
		return "", nil, &reason{s, "what it declares is used after Wait"}
	}
	for _, spec := range decl.Specs {
		if len(spec.(*ast.ValueSpec).Values) > 0 {
			return c.moveValue(s, decl)
		}
	}
	for _, spec := range decl.Specs {
		for _, name := range spec.(*ast.ValueSpec).Names {
			if v, ok := c.m.pass.TypesInfo.Defs[name].(*types.Var); ok {
				if _, why := c.declaration(v); why != nil && !declared(spec) {
					return "", nil, why
				}
			}
		}
	}
	edit := replace(s, "")
	next := c.m.lineEnd(s.End(), c.end.Pos())
	if indent := c.m.indent(s.Pos()); strings.HasPrefix(c.m.source(next, c.end.Pos()), "\n"+indent) && next == s.End() {
		edit.End += token.Pos(len("\n" + indent)) // the whole line
	}
	return c.m.source(s.Pos(), s.End()) + "\n" + c.m.indent(s.Pos()), []analysis.TextEdit{edit}, nil
}

func declared(spec ast.Spec) bool { return spec.(*ast.ValueSpec).Type != nil }

// moveValue moves var x = value, or var x T = value.
func (c *conversion) moveValue(s *ast.DeclStmt, decl *ast.GenDecl) (string, []analysis.TextEdit, *reason) {
	if len(decl.Specs) != 1 || len(decl.Specs[0].(*ast.ValueSpec).Names) != 1 {
		return "", nil, &reason{s, "what it declares is used after Wait"}
	}
	spec := decl.Specs[0].(*ast.ValueSpec)
	v := api.Var(c.m.pass.TypesInfo, spec.Names[0])
	if v == nil {
		return "", nil, &reason{s, "what it declares is used after Wait"}
	}
	text, why := c.declaration(v)
	value := c.m.source(spec.Values[0].Pos(), spec.Values[0].End())
	return text, []analysis.TextEdit{replace(s, v.Name()+" = "+value)}, why
}

// task returns the edits for one call of Go.
func (c *conversion) task(call *ast.CallExpr) ([]analysis.TextEdit, *reason) {
	sel := call.Fun.(*ast.SelectorExpr)
	edits := []analysis.TextEdit{replace(sel.X, c.take()+c.nursName)}
	arg := ast.Unparen(call.Args[0])
	if lit, ok := arg.(*ast.FuncLit); ok {
		parameter := c.parameter(lit.Body)
		more, hides := c.hidden(lit)
		if hides {
			// The context of the body is the same one.
			parameter = c.ctxPkg + ".Context"
		}
		edits = append(append(edits, more...), c.givesBack(lit)...)
		return append(edits, analysis.TextEdit{
			Pos: lit.Type.Params.Opening, End: lit.Type.Params.Closing + 1,
			NewText: []byte("(" + parameter + ")"),
		}), nil
	}
	text := c.m.source(call.Args[0].Pos(), call.Args[0].End())
	if c.fixed(arg) {
		wrapped := "func(" + c.ctxPkg + ".Context) error {" + c.giveBack() + " return " + text + "() }"
		return append(edits, replace(call.Args[0], wrapped)), nil
	}
	// The argument is evaluated by the caller of Go, not by the task.
	whole := "task := " + text + "\n" + c.take() + c.nursName + ".Go(func(" + c.ctxPkg + ".Context) error {" + c.giveBack() + " return task() })"
	if !c.alone[call] || c.m.declaresAt(call, "task") {
		whole = "{\n" + whole + "\n}"
	}
	if api.Mentions(c.m.pass.TypesInfo, arg, c.v) {
		return nil, &reason{call, "the task is made from the group"}
	}
	return []analysis.TextEdit{replace(call, whole)}, nil
}

// declaresAt reports whether the innermost block around node declares the name, maybe as
// a parameter.
func (m *migration) declaresAt(node ast.Node, name string) bool {
	scope := m.pass.Pkg.Scope().Innermost(node.Pos())
	return scope != nil && scope.Lookup(name) != nil
}

// hidden returns the edits that let a task with a parameter for the context declare a
// variable of that name: where it declares nothing else, as in ctx := f(ctx), it assigns.
// It reports true where that is not possible.
func (c *conversion) hidden(lit *ast.FuncLit) ([]analysis.TextEdit, bool) {
	if c.ctxVar == nil || !api.Mentions(c.m.pass.TypesInfo, lit.Body, c.ctxVar) {
		return nil, false
	}
	scope := c.m.pass.TypesInfo.Scopes[lit.Type]
	if scope == nil || scope.Lookup(c.ctxVar.Name()) == nil {
		return nil, false
	}
	other, ok := scope.Lookup(c.ctxVar.Name()).(*types.Var)
	if !ok || !api.IsContext(other.Type()) {
		return nil, true
	}
	for _, s := range lit.Body.List {
		assign, ok := s.(*ast.AssignStmt)
		if !ok || assign.Tok != token.DEFINE {
			continue
		}
		mine, others := false, 0
		for _, lhs := range assign.Lhs {
			switch v := c.m.pass.TypesInfo.Defs[lhs.(*ast.Ident)]; {
			case v == nil:
			case v == types.Object(other):
				mine = true
			case v.Name() != "_":
				others++
			}
		}
		if mine && others == 0 {
			return []analysis.TextEdit{{Pos: assign.TokPos, End: assign.TokPos + 2, NewText: []byte("=")}}, false
		}
		if mine {
			return nil, false
		}
	}
	return nil, true
}

// parameter returns the parameter of a task with that body.
func (c *conversion) parameter(body ast.Node) string {
	if api.Mentions(c.m.pass.TypesInfo, body, c.ctxVar) {
		return c.ctxVar.Name() + " " + c.ctxPkg + ".Context"
	}
	return c.ctxPkg + ".Context"
}

// fixed reports whether the expression has the same value whenever it is evaluated: it is
// a declared function, or a local variable that does not change.
func (c *conversion) fixed(expr ast.Expr) bool {
	switch e := expr.(type) {
	case *ast.Ident:
		switch obj := c.m.pass.TypesInfo.Uses[e].(type) {
		case *types.Func:
			return true
		case *types.Var:
			return obj.Parent() != c.m.pass.Pkg.Scope() && !c.m.varies(c.fun, obj)
		}
		return false
	case *ast.SelectorExpr:
		id, ok := e.X.(*ast.Ident)
		if !ok {
			return false
		}
		_, pkg := c.m.pass.TypesInfo.Uses[id].(*types.PkgName)
		_, fun := c.m.pass.TypesInfo.Uses[e.Sel].(*types.Func)
		return pkg && fun
	}
	return false
}

// varies reports whether v is assigned to, or is the variable of a loop, which may have
// another value when a task reads it.
func (m *migration) varies(fun ast.Node, v *types.Var) bool {
	if m.assigned == nil {
		m.assigned = api.Assigned(m.pass.TypesInfo, m.in)
	}
	found := m.assigned[v]
	ast.Inspect(fun, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.RangeStmt:
			found = found || n.Key != nil && m.pass.TypesInfo.Defs[ident(n.Key)] == types.Object(v) ||
				n.Value != nil && m.pass.TypesInfo.Defs[ident(n.Value)] == types.Object(v)
		case *ast.ForStmt:
			if init, ok := n.Init.(*ast.AssignStmt); ok {
				for _, lhs := range init.Lhs {
					found = found || m.pass.TypesInfo.Defs[ident(lhs)] == types.Object(v)
				}
			}
		}
		return !found
	})
	return found
}

func ident(e ast.Expr) *ast.Ident {
	id, _ := e.(*ast.Ident)
	return id
}
