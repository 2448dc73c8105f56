package migrate

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/inspector"

	"github.com/trellis-go/trellis/vet/internal/api"
)

// A limit is a statement ctx, cancel := context.WithTimeout(parent, d) that is followed by
// defer cancel().
type limit struct {
	assign *ast.AssignStmt
	call   *ast.CallExpr
	defers *ast.DeferStmt
	typ    *ast.FuncType // of the function around
	body   *ast.BlockStmt
}

// limits looks at every time limit of the package.
func (m *migration) limits() {
	for cur := range m.in.Root().Preorder((*ast.AssignStmt)(nil)) {
		l, loop := m.newLimit(cur)
		if l == nil {
			continue
		}
		if loop {
			m.refuse(l.assign, "this limit stays: it is in a loop, and would last until the function returns. "+
				"Use deadline.FailAfter or deadline.Call for one turn")
			continue
		}
		edits, why := m.limit(l)
		if why != "" {
			m.refuse(l.assign, "this limit stays: "+why)
			continue
		}
		m.report(analysis.Diagnostic{
			Pos:            l.assign.Pos(),
			End:            l.assign.End(),
			Message:        "this limit can be one of deadline.Limit, which says in the error that the time was up",
			SuggestedFixes: []analysis.SuggestedFix{{Message: "Use deadline.Limit", TextEdits: edits}},
		})
	}
}

// newLimit returns the limit that the statement sets, or nil, and whether it is in a loop.
func (m *migration) newLimit(cur inspector.Cursor) (*limit, bool) {
	assign := cur.Node().(*ast.AssignStmt)
	if assign.Tok != token.DEFINE || len(assign.Lhs) != 2 || len(assign.Rhs) != 1 {
		return nil, false
	}
	call, ok := ast.Unparen(assign.Rhs[0]).(*ast.CallExpr)
	if !ok || !api.CalleeOf(m.pass.TypesInfo, call).Is("context.WithTimeout") {
		return nil, false
	}
	next, ok := cur.NextSibling()
	if !ok {
		return nil, false
	}
	defers, ok := next.Node().(*ast.DeferStmt)
	cancel := api.Var(m.pass.TypesInfo, assign.Lhs[1])
	if !ok || cancel == nil || api.Var(m.pass.TypesInfo, defers.Call.Fun) != cancel {
		return nil, false
	}
	l := &limit{assign: assign, call: call, defers: defers}
	loop := false
	for outer := range cur.Enclosing((*ast.FuncDecl)(nil), (*ast.FuncLit)(nil), (*ast.ForStmt)(nil), (*ast.RangeStmt)(nil)) {
		switch f := outer.Node().(type) {
		case *ast.FuncDecl:
			l.typ, l.body = f.Type, f.Body
		case *ast.FuncLit:
			l.typ, l.body = f.Type, f.Body
		default:
			loop = true
			continue
		}
		break
	}
	if l.body == nil || m.mentions(l.body, cancel) != 2 {
		return nil, false // cancel is called elsewhere as well
	}
	return l, loop
}

// mentions counts the identifiers in node that are v, its declaration included.
func (m *migration) mentions(node ast.Node, v *types.Var) int {
	n := 0
	ast.Inspect(node, func(inner ast.Node) bool {
		if id, ok := inner.(*ast.Ident); ok && m.pass.TypesInfo.ObjectOf(id) == types.Object(v) {
			n++
		}
		return true
	})
	return n
}

// limit returns the edits for one limit, or why it stays.
func (m *migration) limit(l *limit) ([]analysis.TextEdit, string) {
	result, edits, why := m.errorResult(l)
	if why != "" {
		return nil, why
	}
	pkg, imports, ok := m.importName(m.file(l.assign.Pos()), deadline, l.assign.Pos())
	if !ok {
		return nil, "deadline means something else here than the package"
	}
	edits = append(edits, imports...)
	end := m.unusedName(l.body, "end", "endLimit")
	for hasName(l.typ, end) {
		end = m.unusedName(l.body, "end", "endLimit")
	}
	return append(edits,
		replace(l.assign.Lhs[1], end),
		replace(l.call.Fun, pkg+".Limit"),
		replace(l.defers.Call, end+"(&"+result+")"),
	), ""
}

// errorResult returns the name of the function's error, and the edits that give it one.
func (m *migration) errorResult(l *limit) (string, []analysis.TextEdit, string) {
	const none = "the function returns no error. Use deadline.FailAfter or deadline.Call around what takes long"
	results := l.typ.Results
	if results == nil || len(results.List) == 0 {
		return "", nil, none
	}
	last := results.List[len(results.List)-1]
	if !types.Identical(m.pass.TypesInfo.TypeOf(last.Type), types.Universe.Lookup("error").Type()) {
		return "", nil, none
	}
	if len(last.Names) > 0 {
		name := last.Names[len(last.Names)-1]
		if name.Name == "_" {
			return "", nil, "the error of the function is called _"
		}
		scope := m.pass.Pkg.Scope().Innermost(l.assign.Pos())
		if scope == nil {
			return "", nil, "the error of the function is hidden here"
		}
		if _, obj := scope.LookupParent(name.Name, l.assign.Pos()); obj != m.pass.TypesInfo.Defs[name] {
			return "", nil, "the error of the function is hidden here"
		}
		return name.Name, nil, ""
	}
	name := m.freeName(l)
	if name == "" {
		return "", nil, "the error of the function has no name, and err and retErr are taken"
	}
	if !results.Opening.IsValid() {
		return name, []analysis.TextEdit{
			{Pos: last.Pos(), End: last.Pos(), NewText: []byte("(" + name + " ")},
			{Pos: last.End(), End: last.End(), NewText: []byte(")")},
		}, ""
	}
	var edits []analysis.TextEdit
	for _, field := range results.List {
		text := "_ "
		if field == last {
			text = name + " "
		}
		edits = append(edits, insert(field.Pos(), text)...)
	}
	return name, edits, ""
}

// freeName returns a name for the error of the function that hides nothing, and that the
// function's outermost block does not declare.
func (m *migration) freeName(l *limit) string {
	scope := m.pass.TypesInfo.Scopes[l.typ]
	if scope == nil {
		return ""
	}
	for _, name := range []string{"err", "retErr"} {
		_, outside := scope.LookupParent(name, l.body.Pos())
		// Parameters and the variables of the body's own block are in this scope.
		if scope.Lookup(name) == nil && (outside == nil || !m.uses(l.body, outside)) {
			return name
		}
	}
	return ""
}

// uses reports whether an identifier in node refers to the object.
func (m *migration) uses(node ast.Node, obj types.Object) bool {
	found := false
	ast.Inspect(node, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && m.pass.TypesInfo.Uses[id] == obj {
			found = true
		}
		return !found
	})
	return found
}
