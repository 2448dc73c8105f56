package migrate

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/inspector"

	"github.com/trellis-go/trellis/vet/internal/api"
)

// A group is one errgroup.Group that a function makes for itself.
type group struct {
	v       *types.Var
	made    ast.Stmt       // the statement that makes it
	spec    *ast.ValueSpec // its part of made, where that declares more
	call    *ast.CallExpr  // errgroup.WithContext, or nil
	ctx     *types.Var     // the group's context, nil if there is none, or it is dropped
	ctxName *ast.Ident     // its place in made

	typ  *ast.FuncType  // of the innermost function around
	fun  *ast.BlockStmt // its body
	list []ast.Stmt     // the statements that made is one of
	at   int            // the index of made in list
}

// groups looks at every place where a group is made.
func (m *migration) groups() {
	for cur := range m.in.Root().Preorder((*ast.AssignStmt)(nil), (*ast.DeclStmt)(nil)) {
		g := m.newGroup(cur.Node().(ast.Stmt))
		if g == nil {
			continue
		}
		if m.importsWithDot(m.file(g.made.Pos())) {
			m.refuse(g.made, "this group stays an errgroup: the file imports errgroup with a dot")
			continue
		}
		if !g.place(cur) {
			m.refuse(g.made, "this group stays an errgroup: it is not made in a list of statements")
			continue
		}
		m.group(g)
	}
}

// newGroup returns the group that the statement makes, or nil.
func (m *migration) newGroup(stmt ast.Stmt) *group {
	switch stmt := stmt.(type) {
	case *ast.AssignStmt:
		if stmt.Tok != token.DEFINE || len(stmt.Rhs) != 1 {
			return nil
		}
		v := api.Var(m.pass.TypesInfo, stmt.Lhs[0])
		if v == nil {
			return nil
		}
		g := &group{v: v, made: stmt}
		if call, ok := ast.Unparen(stmt.Rhs[0]).(*ast.CallExpr); ok && len(stmt.Lhs) == 2 &&
			api.CalleeOf(m.pass.TypesInfo, call).Is("errgroup.WithContext") {
			g.call = call
			if id, ok := stmt.Lhs[1].(*ast.Ident); ok && id.Name != "_" {
				g.ctxName, g.ctx = id, api.Var(m.pass.TypesInfo, id)
			}
			return g
		}
		if len(stmt.Lhs) == 1 && m.isZeroGroup(stmt.Rhs[0]) {
			return g
		}
	case *ast.DeclStmt:
		decl, ok := stmt.Decl.(*ast.GenDecl)
		if !ok || decl.Tok != token.VAR {
			return nil
		}
		for _, s := range decl.Specs {
			spec := s.(*ast.ValueSpec)
			if len(spec.Names) != 1 || !isGroup(m.pass.TypesInfo.TypeOf(spec.Names[0])) {
				continue
			}
			if len(spec.Values) == 1 && !m.isZeroGroup(spec.Values[0]) || len(spec.Values) == 0 && isPointer(m.pass.TypesInfo.TypeOf(spec.Names[0])) {
				continue
			}
			g := &group{made: stmt, v: api.Var(m.pass.TypesInfo, spec.Names[0])}
			if len(decl.Specs) > 1 {
				g.spec = spec
			}
			return g
		}
	}
	return nil
}

func isPointer(t types.Type) bool {
	_, ok := types.Unalias(t).(*types.Pointer)
	return ok
}

// isZeroGroup reports whether expr is new(errgroup.Group), errgroup.Group{} or its address.
func (m *migration) isZeroGroup(expr ast.Expr) bool {
	expr = ast.Unparen(expr)
	if !isGroup(m.pass.TypesInfo.TypeOf(expr)) {
		return false
	}
	switch e := expr.(type) {
	case *ast.CompositeLit:
		return true
	case *ast.UnaryExpr:
		_, ok := ast.Unparen(e.X).(*ast.CompositeLit)
		return ok && e.Op == token.AND
	case *ast.CallExpr:
		return m.isBuiltin(e, "new")
	}
	return false
}

// place finds the list of statements and the function that the group is made in.
func (g *group) place(cur inspector.Cursor) bool {
	switch parent := cur.Parent().Node().(type) {
	case *ast.BlockStmt:
		g.list = parent.List
	case *ast.CaseClause:
		g.list = parent.Body
	case *ast.CommClause:
		g.list = parent.Body
	default:
		return false
	}
	for i, s := range g.list {
		if s == g.made {
			g.at = i
		}
	}
	for outer := range cur.Enclosing((*ast.FuncDecl)(nil), (*ast.FuncLit)(nil)) {
		switch f := outer.Node().(type) {
		case *ast.FuncDecl:
			g.typ, g.fun = f.Type, f.Body
		case *ast.FuncLit:
			g.typ, g.fun = f.Type, f.Body
		}
		break
	}
	return g.fun != nil
}

// group reports what becomes of one group.
func (m *migration) group(g *group) {
	use, why := m.usesOf(g)
	if why != nil {
		m.refuse(why.at, "this group stays an errgroup: "+why.reason)
		return
	}
	if compared := m.compared(g, use); len(compared) > 0 {
		hint := "use errors.Is or errors.As, or -migrate.first, and run migrate again"
		if keepFirst {
			hint = "also with -migrate.first, where the group is canceled from outside: use errors.Is or errors.As, and run migrate again"
		}
		for _, at := range compared {
			m.refuse(at, "after a change to nursery.Run this comparison of the group's error fails: "+hint)
		}
		return
	}
	var edit *rewrite
	if use.limit != nil {
		edit = m.loopUnderLimit(g, use)
	}
	if edit == nil {
		edit, why = m.toRun(g, use)
	}
	if why != nil {
		m.refuse(why.at, "this group stays an errgroup: "+why.reason)
		return
	}
	m.converted = append(m.converted, g.made)
	m.report(analysis.Diagnostic{
		Pos:     g.made.Pos(),
		End:     g.made.End(),
		Message: "this group can be a call of " + edit.what,
		SuggestedFixes: []analysis.SuggestedFix{{
			Message:   "Use a nursery",
			TextEdits: edit.edits,
		}},
	})
}

// A reason says why something is not rewritten, and where that is.
type reason struct {
	at     ast.Node
	reason string
}

// A rewrite is the change of one group.
type rewrite struct {
	what  string
	edits []analysis.TextEdit
}
