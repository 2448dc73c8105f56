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
	return text, ok && nameable(t, m.pass.Pkg, make(map[types.Type]bool))
}

// nameable reports whether code in pkg can write the type.
func nameable(t types.Type, pkg *types.Package, seen map[types.Type]bool) bool {
	if seen[t] {
		return true
	}
	seen[t] = true
	switch t := t.(type) {
	case *types.Named:
		if !t.Obj().Exported() && t.Obj().Pkg() != nil && t.Obj().Pkg() != pkg {
			return false
		}
		for arg := range t.TypeArgs().Types() {
			if !nameable(arg, pkg, seen) {
				return false
			}
		}
	case *types.Alias:
		return t.Obj().Exported() || t.Obj().Pkg() == nil || t.Obj().Pkg() == pkg
	case *types.Pointer:
		return nameable(t.Elem(), pkg, seen)
	case *types.Slice:
		return nameable(t.Elem(), pkg, seen)
	case *types.Array:
		return nameable(t.Elem(), pkg, seen)
	case *types.Chan:
		return nameable(t.Elem(), pkg, seen)
	case *types.Map:
		return nameable(t.Key(), pkg, seen) && nameable(t.Elem(), pkg, seen)
	case *types.Signature:
		for v := range t.Params().Variables() {
			if !nameable(v.Type(), pkg, seen) {
				return false
			}
		}
		for v := range t.Results().Variables() {
			if !nameable(v.Type(), pkg, seen) {
				return false
			}
		}
	}
	return true
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
