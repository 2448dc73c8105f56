package repocheck

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/doc"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checkPackageComments: every folder has one package comment, in doc.go or,
// for a command, wherever it likes. Two comments would be glued together in
// an arbitrary order.
func checkPackageComments(r *repository) []string {
	commented := make(map[string][]*source) // by folder
	for _, s := range r.sources {
		if s.test {
			continue
		}
		found := commented[s.dir]
		if s.syntax.Doc != nil {
			found = append(found, s)
		}
		commented[s.dir] = found
	}
	var complaints []string
	for _, dir := range slices.Sorted(maps.Keys(commented)) {
		found := commented[dir]
		if len(found) == 0 {
			complaints = append(complaints, dir+": no package comment")
		}
		for i, s := range found {
			switch {
			case i > 0:
				complaints = append(complaints, s.path+": another package comment is in "+found[0].path)
			case s.syntax.Name.Name != "main" && path.Base(s.path) != "doc.go":
				complaints = append(complaints, s.path+": the package comment belongs into doc.go")
			}
		}
	}
	return complaints
}

// plumbing are the methods that other packages call through an interface:
// errors, fmt, log/slog, net, and cancelscope, which asks an error whether it
// is a Cancellation and to Derive a part of itself. Users do not call them, so
// they need no Example.
var plumbing = []string{
	"As", "Cancellation", "Derive", "Error", "Format", "GoString", "Is", "LogValue", "MarshalText", "String",
	"Temporary", "Timeout", "Unwrap",
}

// checkExamples: every entry point of the public packages has an Example that
// go test executes. Entry points are the exported functions, and the exported
// methods of exported types except for plumbing. A method may also be shown by
// the Example of its type, if that calls it: then it stands beside it in the
// documentation. Types, variables and constants are met on the way.
func checkExamples(r *repository) []string {
	var complaints []string
	library := r.library()
	for _, dir := range slices.Sorted(maps.Keys(library)) {
		for _, s := range library[dir] {
			for _, e := range examplesOf(s) {
				switch {
				case e.Output == "" && !e.EmptyOutput:
					complaints = append(complaints, s.path+": Example"+e.Name+" is not executed: it has no output comment")
				case !strings.HasSuffix(s.syntax.Name.Name, "_test"):
					complaints = append(complaints, s.path+": Example"+e.Name+" is not in the _test package, as its readers are")
				}
			}
		}
	}
	for _, dir := range r.public() {
		shown := examples(library[dir])
		for _, entry := range entryPoints(library[dir]) {
			if !shown.includes(entry) {
				complaints = append(complaints, fmt.Sprintf("%s: no executed Example for %s", dir, entry))
			}
		}
	}
	return complaints
}

// An entryPoint is an exported function or method.
type entryPoint struct {
	typ  string // "" for a function
	name string
}

func (e entryPoint) String() string {
	if e.typ == "" {
		return e.name
	}
	return e.typ + "." + e.name
}

func entryPoints(sources []*source) []entryPoint {
	var entries []entryPoint
	for _, s := range sources {
		for _, decl := range s.syntax.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || s.test || !f.Name.IsExported() {
				continue
			}
			typ := receiver(f)
			if f.Recv == nil || ast.IsExported(typ) && !slices.Contains(plumbing, f.Name.Name) {
				entries = append(entries, entryPoint{typ, f.Name.Name})
			}
		}
	}
	slices.SortFunc(entries, func(a, b entryPoint) int { return cmp.Compare(a.String(), b.String()) })
	return entries
}

// receiver returns the name of the type that f is a method of, and "".
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	expr := f.Recv.List[0].Type
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.IndexListExpr:
			expr = e.X
		case *ast.Ident:
			return e.Name
		default:
			return ""
		}
	}
}

// exampleSet holds executed Examples by their names without suffix, that is
// "Func", "Type" or "Type_Method".
type exampleSet map[string][]*doc.Example

func examples(sources []*source) exampleSet {
	set := make(exampleSet)
	for _, s := range sources {
		for _, e := range examplesOf(s) {
			if e.Output == "" && !e.EmptyOutput {
				continue
			}
			name := e.Name
			if i := strings.LastIndexByte(name, '_'); i >= 0 {
				if first, _ := utf8.DecodeRuneInString(name[i+1:]); unicode.IsLower(first) {
					name = name[:i]
				}
			}
			set[name] = append(set[name], e)
		}
	}
	return set
}

func examplesOf(s *source) []*doc.Example {
	if !s.test {
		return nil
	}
	return doc.Examples(s.syntax)
}

func (set exampleSet) includes(e entryPoint) bool {
	if e.typ == "" {
		return len(set[e.name]) > 0
	}
	if len(set[e.typ+"_"+e.name]) > 0 {
		return true
	}
	return slices.ContainsFunc(set[e.typ], func(x *doc.Example) bool {
		return calls(x.Code, func(fun ast.Expr) bool {
			sel, ok := fun.(*ast.SelectorExpr)
			return ok && sel.Sel.Name == e.name
		})
	})
}

// calls reports whether node contains a call of a function that is wanted.
func calls(node ast.Node, wanted func(fun ast.Expr) bool) bool {
	found := false
	ast.Inspect(node, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && wanted(call.Fun) {
			found = true
		}
		return !found
	})
	return found
}
