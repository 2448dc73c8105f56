package migrate

import (
	"go/ast"
	"go/types"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/analysis"

	"github.com/trellis-go/trellis/vet/internal/api"
)

// dropIns reports the imports of x/sync's errgroup.
func (m *migration) dropIns() {
	if at, why := m.foreignGroup(); at != nil {
		m.refuse(at, "errgroup is not replaced in this package: "+why+" another module's *errgroup.Group")
		return
	}
	kept := m.keptImport()
	for _, file := range m.pass.Files {
		for _, spec := range file.Imports {
			if !importsXSync(spec) || m.unused(file) { // -fix removes an import that is not used any more
				continue
			}
			if kept != "" {
				m.refuse(spec, "errgroup is not replaced in this package: "+kept+" imports it, and is generated or uses cgo")
				continue
			}
			m.report(analysis.Diagnostic{
				Pos:     spec.Pos(),
				End:     spec.End(),
				Message: "errgroup of Trellis has the same API: import " + dropIn,
				SuggestedFixes: []analysis.SuggestedFix{{
					Message: "Import errgroup from Trellis",
					TextEdits: []analysis.TextEdit{{
						Pos: spec.Path.Pos(), End: spec.Path.End(), NewText: []byte(strconv.Quote(dropIn)),
					}},
				}},
			})
		}
	}
}

// importsWithDot reports whether the file can use errgroup without the package's name.
func (m *migration) importsWithDot(file *ast.File) bool {
	return slices.ContainsFunc(file.Imports, func(spec *ast.ImportSpec) bool {
		p, err := strconv.Unquote(spec.Path.Value)
		return err == nil && (p == xsync || p == dropIn) && spec.Name != nil && spec.Name.Name == "."
	})
}

// unused reports whether the file refers to the imported package only where groups are
// made that become nurseries.
func (m *migration) unused(file *ast.File) bool {
	used := m.importsWithDot(file)
	ast.Inspect(file, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok {
			return !used
		}
		pkg, ok := m.pass.TypesInfo.Uses[id].(*types.PkgName)
		if !ok || pkg.Imported().Path() != xsync {
			return true
		}
		used = !slices.ContainsFunc(m.converted, func(made ast.Node) bool { return made.Pos() <= id.Pos() && id.Pos() < made.End() })
		return !used
	})
	return !used
}

// keptImport returns the name of a file whose import of errgroup stays because nothing is
// reported there, "" if there is none.
func (m *migration) keptImport() string {
	for _, file := range m.pass.Files {
		if ast.IsGenerated(file) && slices.ContainsFunc(file.Imports, importsXSync) {
			return filepath.Base(m.pass.Fset.Position(file.Package).Filename)
		}
	}
	return ""
}

func importsXSync(spec *ast.ImportSpec) bool {
	p, err := strconv.Unquote(spec.Path.Value)
	return err == nil && p == xsync
}

// foreignGroup returns a place where the package exchanges a group with another module.
func (m *migration) foreignGroup() (ast.Node, string) {
	seen := make(map[types.Object]bool)
	for n := range m.in.PreorderSeq((*ast.Ident)(nil)) {
		id := n.(*ast.Ident)
		obj := m.pass.TypesInfo.Uses[id]
		if obj == nil || seen[obj] || obj.Pkg() == nil || obj.Pkg().Path() == xsync || m.sameModule(obj.Pkg().Path()) {
			continue
		}
		seen[obj] = true
		switch obj := obj.(type) {
		case *types.Func:
			if hasGroup(obj.Type(), make(map[types.Type]bool)) {
				return id, "it is passed to or comes from " + obj.Name() + ", which has"
			}
		case *types.Var:
			if isGroup(obj.Type()) {
				return id, obj.Name() + " is"
			}
			if hasGroup(obj.Type(), make(map[types.Type]bool)) {
				return id, obj.Name() + " has"
			}
		case *types.TypeName:
			if hasGroup(obj.Type(), make(map[types.Type]bool)) || hasGroup(obj.Type().Underlying(), make(map[types.Type]bool)) {
				return id, obj.Name() + " has"
			}
		}
	}
	return nil, ""
}

// sameModule reports whether the package is in the module that is analyzed, as far as is
// known.
func (m *migration) sameModule(pkg string) bool {
	if pkg == m.pass.Pkg.Path() || pkg+"_test" == m.pass.Pkg.Path() {
		return true
	}
	if m.pass.Module == nil || m.pass.Module.Path == "" {
		return false
	}
	return pkg == m.pass.Module.Path || strings.HasPrefix(pkg, m.pass.Module.Path+"/")
}

// hasGroup reports whether a value of the type has a group that code outside of its
// package gets or gives: not in the fields of a struct type that has a name.
func hasGroup(t types.Type, seen map[types.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	tuple := func(vars *types.Tuple) bool {
		for v := range vars.Variables() {
			if hasGroup(v.Type(), seen) {
				return true
			}
		}
		return false
	}
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		for arg := range t.TypeArgs().Types() {
			if hasGroup(arg, seen) {
				return true
			}
		}
		_, fields := t.Underlying().(*types.Struct)
		return isGroup(t) || !fields && hasGroup(t.Underlying(), seen)
	case *types.Pointer:
		return hasGroup(t.Elem(), seen)
	case *types.Slice:
		return hasGroup(t.Elem(), seen)
	case *types.Array:
		return hasGroup(t.Elem(), seen)
	case *types.Chan:
		return hasGroup(t.Elem(), seen)
	case *types.Map:
		return hasGroup(t.Key(), seen) || hasGroup(t.Elem(), seen)
	case *types.Signature:
		return tuple(t.Params()) || tuple(t.Results())
	case *types.Interface:
		for f := range t.Methods() {
			if hasGroup(f.Type(), seen) {
				return true
			}
		}
	case *types.Struct:
		for f := range t.Fields() {
			if f.Exported() && hasGroup(f.Type(), seen) {
				return true
			}
		}
	}
	return false
}

func isGroup(t types.Type) bool { return api.IsNamed(t, "errgroup", "Group") }
