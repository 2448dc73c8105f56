package trellis_test

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

// checkSleeps: a test that sleeps outside a bubble is slow on a fast machine
// and wrong on a slow one. In a bubble are the function literals that are
// passed to synctest.Test, or to a function of the same folder that hands its
// parameter on to synctest.Test, and the named functions passed to either.
func checkSleeps(r *repository) []string {
	var complaints []string
	for _, sources := range r.library() {
		inBubble := bubbles(sources)
		for _, s := range sources {
			clock := importName(s.syntax, "time")
			if !s.test || clock == "" {
				continue
			}
			ast.Inspect(s.syntax, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok && isIdent(sel.X, clock) && sel.Sel.Name == "Sleep" {
					complaints = append(complaints, r.at(sel.Pos(), "time.Sleep outside a bubble"))
				}
				return !inBubble[n]
			})
		}
	}
	slices.Sort(complaints)
	return complaints
}

// bubbles returns the functions among the sources that run in a bubble.
func bubbles(sources []*source) map[ast.Node]bool {
	in := make(map[ast.Node]bool)
	named := make(map[string]bool)   // functions that run in a bubble
	openers := make(map[string]bool) // functions that run a parameter in one
	opens := func(s *source, fun ast.Expr) bool {
		if sel, ok := fun.(*ast.SelectorExpr); ok {
			name := importName(s.syntax, "testing/synctest")
			return name != "" && isIdent(sel.X, name) && sel.Sel.Name == "Test"
		}
		id, ok := fun.(*ast.Ident)
		return ok && openers[id.Name]
	}
	// Twice, because an opener may be declared after its use.
	for range 2 {
		for _, s := range sources {
			for _, decl := range s.syntax.Decls {
				outer, _ := decl.(*ast.FuncDecl)
				ast.Inspect(decl, func(n ast.Node) bool {
					call, ok := n.(*ast.CallExpr)
					if !ok || !opens(s, call.Fun) {
						return true
					}
					for _, arg := range call.Args {
						switch arg := arg.(type) {
						case *ast.FuncLit:
							in[arg] = true
						case *ast.Ident:
							named[arg.Name] = true
							if outer != nil && hasParam(outer, arg.Name) {
								openers[outer.Name.Name] = true
							}
						}
					}
					return true
				})
			}
		}
	}
	for _, s := range sources {
		for _, decl := range s.syntax.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && named[f.Name.Name] {
				in[f] = true
			}
		}
	}
	return in
}

// hasParam reports whether f has a parameter of function type of that name.
func hasParam(f *ast.FuncDecl, name string) bool {
	return slices.ContainsFunc(f.Type.Params.List, func(field *ast.Field) bool {
		_, function := field.Type.(*ast.FuncType)
		return function && slices.ContainsFunc(field.Names, func(id *ast.Ident) bool { return id.Name == name })
	})
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
