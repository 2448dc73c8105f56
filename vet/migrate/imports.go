package migrate

import (
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"strconv"
	"strings"

	"golang.org/x/tools/go/analysis"

	"github.com/trellis-go/trellis/vet/internal/api"
)

const (
	xsync    = api.XSync
	dropIn   = api.Module + "/errgroup"
	nursery  = api.Module + "/nursery"
	deadline = api.Module + "/deadline"
)

// importName returns the name by which code at pos in the file can refer to the package,
// and the edits that add the import if there is none. It fails where the name means
// something else at pos.
func (m *migration) importName(file *ast.File, pkg string, pos token.Pos) (string, []analysis.TextEdit, bool) {
	scope := m.pass.Pkg.Scope().Innermost(pos)
	if scope == nil {
		return "", nil, false
	}
	for _, spec := range file.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err != nil || p != pkg {
			continue
		}
		name := path.Base(pkg)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		_, obj := scope.LookupParent(name, pos)
		imported, ok := obj.(*types.PkgName)
		return name, nil, ok && imported.Imported().Path() == pkg
	}
	name := path.Base(pkg)
	if _, obj := scope.LookupParent(name, pos); obj != nil {
		return "", nil, false
	}
	return name, addImport(file, pkg), true
}

// addImport returns the edit that adds an import. Edits for different packages are at
// different places, so that the fixes they belong to can be applied together.
func addImport(file *ast.File, pkg string) []analysis.TextEdit {
	line := strconv.Quote(pkg)
	var last *ast.GenDecl
	for _, decl := range file.Decls {
		if d, ok := decl.(*ast.GenDecl); ok && d.Tok == token.IMPORT {
			last = d
			if d.Lparen.IsValid() {
				break
			}
		}
	}
	switch {
	case last == nil:
		return insert(file.Name.End(), "\n\nimport "+line)
	case !last.Lparen.IsValid():
		if pkg == deadline {
			return insert(last.Pos(), "import "+line+"\n")
		}
		return insert(last.End(), "\nimport "+line)
	case pkg == "context":
		return insert(last.Lparen+1, "\n\t"+line)
	}
	// Beside an import of the same kind: one with a dot in its first element.
	first, end := token.NoPos, token.NoPos
	for _, spec := range last.Specs {
		s := spec.(*ast.ImportSpec)
		host, _, _ := strings.Cut(strings.Trim(s.Path.Value, "`\""), "/")
		if strings.Contains(host, ".") {
			if first == token.NoPos {
				first = s.Pos()
			}
			end = s.End()
		}
	}
	switch {
	case first == token.NoPos:
		return insert(last.Specs[len(last.Specs)-1].End(), "\n\n\t"+line)
	case pkg == deadline:
		return insert(first, line+"\n\t")
	}
	return insert(end, "\n\t"+line)
}

func insert(pos token.Pos, text string) []analysis.TextEdit {
	return []analysis.TextEdit{{Pos: pos, End: pos, NewText: []byte(text)}}
}
