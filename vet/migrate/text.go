package migrate

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// rendered returns the text from one position to another with the edits applied and each
// line indented by so many tabs more, or less. Lines within raw strings stay as they are.
func (m *migration) rendered(from, to token.Pos, edits []analysis.TextEdit, tabs int) string {
	text := m.source(from, to)
	raw := m.rawStrings(from, to)
	slices.SortStableFunc(edits, func(a, b analysis.TextEdit) int { return int(a.Pos - b.Pos) })
	var b strings.Builder
	next := 0
	for pos := from; pos <= to; pos++ {
		for next < len(edits) && edits[next].Pos == pos {
			e := edits[next]
			next++
			b.Write(e.NewText)
			pos = e.End
		}
		if pos >= to {
			break
		}
		c := text[pos-from]
		b.WriteByte(c)
		if c != '\n' || slices.ContainsFunc(raw, func(lit *ast.BasicLit) bool { return lit.Pos() <= pos && pos < lit.End() }) {
			continue
		}
		rest := text[pos-from+1:]
		switch {
		case rest == "" || rest[0] == '\n' || rest[0] == '\r':
		case tabs > 0:
			b.WriteString(strings.Repeat("\t", tabs))
		default:
			for i := 0; i < -tabs && pos+1 < to && text[pos-from+1] == '\t'; i++ {
				pos++
			}
		}
	}
	return b.String()
}

// rawStrings returns the raw string literals that are in the range.
func (m *migration) rawStrings(from, to token.Pos) []*ast.BasicLit {
	var raw []*ast.BasicLit
	ast.Inspect(m.file(from), func(n ast.Node) bool {
		if n == nil || n.End() < from || n.Pos() > to {
			return false
		}
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && lit.Value[0] == '`' {
			raw = append(raw, lit)
		}
		return true
	})
	return raw
}

// comments returns the comments from one position to another, except for those within a
// second range, each with a line of its own.
func (c *conversion) comments(from, to, exceptFrom, exceptTo token.Pos) string {
	var b strings.Builder
	for _, group := range c.file.Comments {
		for _, comment := range group.List {
			if pos := comment.Pos(); from <= pos && pos < to && (pos < exceptFrom || exceptTo <= pos) {
				b.WriteString(comment.Text + "\n" + c.m.indent(c.made.Pos()))
			}
		}
	}
	return b.String()
}

// lineEnd returns the position of the line break after pos, or limit if there is none in
// front of it.
func (m *migration) lineEnd(pos, limit token.Pos) token.Pos {
	if i := strings.IndexByte(m.source(pos, limit), '\n'); i >= 0 {
		return pos + token.Pos(i)
	}
	return limit
}

// indent returns the white space in front of pos on its line.
func (m *migration) indent(pos token.Pos) string {
	tf := m.pass.Fset.File(pos)
	line := m.source(tf.LineStart(tf.Line(pos)), pos)
	return line[:len(line)-len(strings.TrimLeft(line, " \t"))]
}

// typeText returns the type as the file can write it. It fails where the file does not
// import a package that is needed, or the type cannot be named there.
func (m *migration) typeText(file *ast.File, t types.Type, pos token.Pos) (string, bool) {
	ok := true
	text := types.TypeString(t, func(p *types.Package) string {
		if p == m.pass.Pkg {
			return ""
		}
		name, edits, found := m.importName(file, p.Path(), pos)
		if !found || len(edits) > 0 {
			ok = false
		}
		return name
	})
	names := &names{pkg: m.pass.Pkg, scope: m.pass.Pkg.Scope().Innermost(pos), pos: pos, seen: make(map[types.Type]bool)}
	return text, ok && names.has(t)
}

// names are those that code at pos can write.
type names struct {
	pkg   *types.Package
	scope *types.Scope
	pos   token.Pos
	seen  map[types.Type]bool
}

// has reports whether the code can write the type.
func (n *names) has(t types.Type) bool {
	if n.seen[t] {
		return true
	}
	n.seen[t] = true
	switch t := t.(type) {
	case *types.Named:
		for arg := range t.TypeArgs().Types() {
			if !n.has(arg) {
				return false
			}
		}
		return n.hasName(t.Obj())
	case *types.Alias:
		return n.hasName(t.Obj())
	case *types.TypeParam:
		return n.hasName(t.Obj())
	case *types.Pointer:
		return n.has(t.Elem())
	case *types.Slice:
		return n.has(t.Elem())
	case *types.Array:
		return n.has(t.Elem())
	case *types.Chan:
		return n.has(t.Elem())
	case *types.Map:
		return n.has(t.Key()) && n.has(t.Elem())
	case *types.Struct:
		for f := range t.Fields() {
			if !n.has(f.Type()) || !f.Exported() && f.Pkg() != n.pkg {
				return false
			}
		}
	case *types.Signature:
		return n.hasAll(t.Params()) && n.hasAll(t.Results())
	}
	return true
}

func (n *names) hasAll(tuple *types.Tuple) bool {
	for v := range tuple.Variables() {
		if !n.has(v.Type()) {
			return false
		}
	}
	return true
}

// hasName reports whether the code can write the name of a type: of another package if
// that exports it, else if it is declared there and hidden by nothing.
func (n *names) hasName(obj *types.TypeName) bool {
	if obj.Pkg() != nil && obj.Pkg() != n.pkg {
		return obj.Exported()
	}
	if n.scope == nil {
		return false
	}
	_, found := n.scope.LookupParent(obj.Name(), n.pos)
	return found == types.Object(obj)
}

func replace(n ast.Node, text string) analysis.TextEdit {
	return analysis.TextEdit{Pos: n.Pos(), End: n.End(), NewText: []byte(text)}
}

// hasName reports whether an identifier in node has the name.
func hasName(node ast.Node, name string) bool {
	found := false
	ast.Inspect(node, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == name {
			found = true
		}
		return !found
	})
	return found
}
