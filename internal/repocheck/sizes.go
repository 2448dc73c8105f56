package repocheck

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strconv"
)

const (
	maxFileLines = 400
	maxFuncLines = 60
)

// tooLong are the files ("path") and functions ("path: Name") that may exceed
// the limits, each with the reason.
var tooLong = map[string]string{}

// checkSizes: a file is read in one sitting and a function at one glance. A
// function counts from its first line to its last, without its doc comment.
func checkSizes(r *repository) []string {
	var complaints []string
	long := make(map[string]bool)
	measure := func(name string, lines, limit int) {
		if lines <= limit {
			return
		}
		long[name] = true
		if tooLong[name] == "" {
			complaints = append(complaints, fmt.Sprintf("%s: %d lines, want at most %d", name, lines, limit))
		}
	}
	for _, s := range r.sources {
		if s.test {
			continue
		}
		measure(s.path, r.fset.File(s.syntax.Pos()).LineCount(), maxFileLines)
		for _, decl := range s.syntax.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok {
				lines := r.fset.Position(f.End()).Line - r.fset.Position(f.Type.Pos()).Line + 1
				measure(s.path+": "+f.Name.Name, lines, maxFuncLines)
			}
		}
	}
	for name := range tooLong {
		if !long[name] {
			complaints = append(complaints, name+": needs no exception any more")
		}
	}
	return complaints
}

// checkLeakDetection: every package with tests lets goleak have the last word.
func checkLeakDetection(r *repository) []string {
	tested := make(map[string]bool)
	var dirs []string
	for _, s := range r.sources {
		if !s.test {
			continue
		}
		if !slices.Contains(dirs, s.dir) {
			dirs = append(dirs, s.dir)
		}
		goleak := importName(s.syntax, "go.uber.org/goleak")
		for _, decl := range s.syntax.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv != nil || f.Name.Name != "TestMain" || goleak == "" {
				continue
			}
			if calls(f, func(fun ast.Expr) bool {
				sel, ok := fun.(*ast.SelectorExpr)
				return ok && isIdent(sel.X, goleak)
			}) {
				tested[s.dir] = true
			}
		}
	}
	var complaints []string
	for _, dir := range dirs {
		if !tested[dir] {
			complaints = append(complaints, dir+": tests without a TestMain that calls goleak")
		}
	}
	return complaints
}

// importName returns the name by which the file refers to an import, and "".
// It knows only packages that are called like the end of their path.
func importName(file *ast.File, pkg string) string {
	for _, spec := range file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil || name != pkg {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(pkg)
	}
	return ""
}

func isIdent(expr ast.Expr, name string) bool {
	id, ok := expr.(*ast.Ident)
	return ok && id.Name == name
}
