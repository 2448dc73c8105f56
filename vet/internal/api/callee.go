package api

import (
	"go/ast"
	"go/types"
	"strings"

	"golang.org/x/tools/go/types/typeutil"
)

// Module is the import path that the packages of Trellis begin with.
const Module = "github.com/trellis-go/trellis"

// XSync is the import path of the errgroup that Trellis has a replacement for.
const XSync = "golang.org/x/sync/errgroup"

// A Callee is a function or a method.
type Callee struct {
	Pkg  string // "nursery" for a package of Trellis, else the import path
	Recv string // the name of the receiver's type, "" for a function
	Name string
}

// CalleeOf returns the function or method that call calls. It is the zero Callee where
// the function is a value, a builtin or a conversion.
func CalleeOf(info *types.Info, call *ast.CallExpr) Callee {
	f, ok := typeutil.Callee(info, call).(*types.Func)
	if !ok || f.Pkg() == nil {
		return Callee{}
	}
	c := Callee{Pkg: short(f.Pkg().Path()), Name: f.Name()}
	if recv := f.Signature().Recv(); recv != nil {
		c.Recv = typeName(recv.Type())
	}
	return c
}

func short(path string) string {
	if path == XSync {
		return "errgroup"
	}
	return strings.TrimPrefix(path, Module+"/")
}

// IsLibrary reports whether the import path is that of a package of Trellis, or of its
// tests, and not of a program in a module beside it.
func IsLibrary(path string) bool {
	own, ok := strings.CutPrefix(path, Module+"/")
	first, _, _ := strings.Cut(own, "/")
	switch strings.TrimSuffix(first, "_test") {
	case "nursery", "deadline", "cancelscope", "serve", "errgroup", "memchan", "tasktree", "internal":
		return ok
	}
	return false
}

// Is reports whether c is the function of that name, "nursery.Run", or the method,
// "nursery.Nursery.Go". Both packages errgroup count as "errgroup".
func (c Callee) Is(name string) bool {
	if c.Recv == "" {
		return c.Pkg+"."+c.Name == name
	}
	return c.Pkg+"."+c.Recv+"."+c.Name == name
}

// Ours reports whether c is in one of the packages of Trellis that run functions in
// scopes: not in errgroup, whose functions get no context.
func (c Callee) Ours() bool {
	switch c.Pkg {
	case "nursery", "deadline", "cancelscope", "serve":
		return true
	}
	return false
}

// typeName returns the name of a type, or of what it points to.
func typeName(t types.Type) string {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := types.Unalias(t).(*types.Named); ok {
		return n.Obj().Name()
	}
	return ""
}

// IsNamed reports whether t is the type, or a pointer to the type, with that short
// package ("nursery") and name.
func IsNamed(t types.Type, pkg, name string) bool {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Name() == name && n.Obj().Pkg() != nil && short(n.Obj().Pkg().Path()) == pkg
}

// IsContext reports whether t is context.Context.
func IsContext(t types.Type) bool {
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Name() == "Context" && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == "context"
}

// Var returns the variable that expr names, or nil; the blank identifier names none.
func Var(info *types.Info, expr ast.Expr) *types.Var {
	id, ok := ast.Unparen(expr).(*ast.Ident)
	if !ok || id.Name == "_" {
		return nil
	}
	v, _ := info.ObjectOf(id).(*types.Var)
	return v
}

// Mentions reports whether node has an identifier that is v.
func Mentions(info *types.Info, node ast.Node, v *types.Var) bool {
	if v == nil || node == nil {
		return false
	}
	found := false
	ast.Inspect(node, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && info.ObjectOf(id) == v {
			found = true
		}
		return !found
	})
	return found
}

// Uses reports whether the package imports one of the packages of Trellis, or errgroup.
func Uses(pkg *types.Package) bool {
	for _, p := range pkg.Imports() {
		if p.Path() == XSync || strings.HasPrefix(p.Path(), Module+"/") {
			return true
		}
	}
	return strings.HasPrefix(pkg.Path(), Module+"/")
}
