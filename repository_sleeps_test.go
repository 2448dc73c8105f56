package trellis_test

import (
	"go/ast"
	"slices"
)

// checkSleeps: a test that sleeps outside a bubble is slow on a fast machine
// and wrong on a slow one.
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

// bubbles returns the functions among the sources of one folder that run in
// bubbles, as far as the syntax tells: what is passed to synctest.Test, or to a
// function that hands its parameter on to synctest.Test, and functions that
// are mentioned nowhere but in those.
func bubbles(sources []*source) map[ast.Node]bool {
	in, named := passedToBubbles(sources)
	declared := make(map[*ast.Ident]*ast.FuncDecl)
	for _, s := range sources {
		for _, decl := range s.syntax.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok {
				declared[f.Name] = f
				if f.Recv == nil && named[f.Name.Name] {
					in[f] = true
				}
			}
		}
	}
	for grown := true; grown; {
		grown = false
		inside, outside := mentioned(sources, in, declared)
		for id, f := range declared {
			if inside[id.Name] && !outside[id.Name] && !in[f] {
				in[f], grown = true, true
			}
		}
	}
	return in
}

// passedToBubbles returns the function literals that are passed to
// synctest.Test or something that hands them on to it, and the names so passed.
func passedToBubbles(sources []*source) (literals map[ast.Node]bool, named map[string]bool) {
	literals, named = make(map[ast.Node]bool), make(map[string]bool)
	openers := make(map[string]bool) // functions that run a parameter in a bubble
	opens := func(s *source, fun ast.Expr) bool {
		if sel, ok := fun.(*ast.SelectorExpr); ok {
			name := importName(s.syntax, "testing/synctest")
			return name != "" && isIdent(sel.X, name) && sel.Sel.Name == "Test"
		}
		id, ok := fun.(*ast.Ident)
		return ok && openers[id.Name]
	}
	pass := func(arg ast.Expr, outer ast.Decl) {
		switch arg := arg.(type) {
		case *ast.FuncLit:
			literals[arg] = true
		case *ast.Ident:
			named[arg.Name] = true
			if f, ok := outer.(*ast.FuncDecl); ok && hasParam(f, arg.Name) {
				openers[f.Name.Name] = true
			}
		}
	}
	// Twice, because an opener may be declared after its use.
	for range 2 {
		for _, s := range sources {
			for _, decl := range s.syntax.Decls {
				ast.Inspect(decl, func(n ast.Node) bool {
					if call, ok := n.(*ast.CallExpr); ok && opens(s, call.Fun) {
						for _, arg := range call.Args {
							pass(arg, decl)
						}
					}
					return true
				})
			}
		}
	}
	return literals, named
}

// mentioned returns the names that occur inside the functions of in, and those
// that occur outside, declarations of functions apart.
func mentioned(sources []*source, in map[ast.Node]bool, declared map[*ast.Ident]*ast.FuncDecl) (inside, outside map[string]bool) {
	inside, outside = make(map[string]bool), make(map[string]bool)
	var visit func(root ast.Node, names map[string]bool)
	visit = func(root ast.Node, names map[string]bool) {
		ast.Inspect(root, func(n ast.Node) bool {
			if in[n] && n != root {
				visit(n, inside)
				return false
			}
			if id, ok := n.(*ast.Ident); ok && declared[id] == nil {
				names[id.Name] = true
			}
			return true
		})
	}
	for _, s := range sources {
		visit(s.syntax, outside)
	}
	return inside, outside
}

// hasParam reports whether f has a parameter of function type of that name.
func hasParam(f *ast.FuncDecl, name string) bool {
	return slices.ContainsFunc(f.Type.Params.List, func(field *ast.Field) bool {
		_, function := field.Type.(*ast.FuncType)
		return function && slices.ContainsFunc(field.Names, func(id *ast.Ident) bool { return id.Name == name })
	})
}
