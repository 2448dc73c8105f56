package repocheck

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
// bubbles, as far as the syntax shows: what is passed to synctest.Test or
// bubbletest.Run, or to a function that uses its parameter there, and functions
// that are mentioned nowhere but in those.
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
// synctest.Test, bubbletest.Run or something that uses them there, and the names
// so passed.
func passedToBubbles(sources []*source) (literals map[ast.Node]bool, named map[string]bool) {
	literals, named = make(map[ast.Node]bool), make(map[string]bool)
	openers := make(map[string]bool) // functions that run a parameter in a bubble
	opens := func(s *source, fun ast.Expr) bool {
		if sel, ok := fun.(*ast.SelectorExpr); ok {
			return selects(s, sel, "testing/synctest", "Test") || selects(s, sel, modulePath+"/internal/bubbletest", "Run")
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
		default:
			return
		}
		if f, ok := outer.(*ast.FuncDecl); ok && mentionsParam(f, arg) {
			openers[f.Name.Name] = true
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

// selects reports whether sel is the name of an imported package's function.
func selects(s *source, sel *ast.SelectorExpr, pkg, function string) bool {
	name := importName(s.syntax, pkg)
	return name != "" && isIdent(sel.X, name) && sel.Sel.Name == function
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

// mentionsParam reports whether node, which is within f, mentions a parameter
// of f that is a function.
func mentionsParam(f *ast.FuncDecl, node ast.Node) bool {
	var params []string
	for _, field := range f.Type.Params.List {
		if _, ok := field.Type.(*ast.FuncType); ok {
			for _, id := range field.Names {
				params = append(params, id.Name)
			}
		}
	}
	found := false
	ast.Inspect(node, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && slices.Contains(params, id.Name) {
			found = true
		}
		return !found
	})
	return found
}
