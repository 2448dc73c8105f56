package repocheck

import (
	"fmt"
	"go/types"
	"strings"
)

// An apiPrinter writes types down as the files in GOROOT/api do: parameters
// without names, type parameters as $0, $1 and so on, and names of other
// packages qualified. What depends only on the taste of an author, such as
// the name of a parameter, is not API.
type apiPrinter struct {
	pkg   *types.Package
	lines []string
}

func (p *apiPrinter) printf(format string, args ...any) {
	p.lines = append(p.lines, fmt.Sprintf(format, args...))
}

// typeName prints a type with its exported fields and methods.
func (p *apiPrinter) typeName(obj *types.TypeName) {
	if obj.IsAlias() {
		alias := obj.Type()
		if a, ok := alias.(*types.Alias); ok {
			alias = a.Rhs()
		}
		p.printf("type %s = %s", obj.Name(), p.typ(alias))
		return
	}
	named := obj.Type().(*types.Named)
	head := "type " + obj.Name() + p.typeParams(named.TypeParams())
	switch u := named.Underlying().(type) {
	case *types.Struct:
		p.printf("%s struct", head)
		for f := range u.Fields() {
			switch {
			case f.Embedded() && f.Exported():
				p.printf("%s struct, embedded %s", head, p.typ(f.Type()))
			case f.Exported():
				p.printf("%s struct, %s %s", head, f.Name(), p.typ(f.Type()))
			}
		}
	default:
		p.printf("%s %s", head, p.typ(u))
		if types.IsInterface(named) {
			return
		}
	}
	p.methods(named)
}

// methods prints the exported methods, promoted ones included.
func (p *apiPrinter) methods(named *types.Named) {
	values := types.NewMethodSet(named)
	pointers := types.NewMethodSet(types.NewPointer(named))
	for sel := range pointers.Methods() {
		m := sel.Obj().(*types.Func)
		if !m.Exported() {
			continue
		}
		star := "*"
		if values.Lookup(m.Pkg(), m.Name()) != nil {
			star = ""
		}
		// Receivers list their type parameters without constraints.
		p.printf("method (%s%s) %s%s", star, p.typ(named), m.Name(), p.signature(sel.Type().(*types.Signature)))
	}
}

// typ writes one type.
func (p *apiPrinter) typ(t types.Type) string {
	switch t := t.(type) {
	case *types.Named:
		return p.named(t.Obj(), t.TypeArgs(), t.TypeParams())
	case *types.Alias:
		return p.named(t.Obj(), t.TypeArgs(), t.TypeParams())
	case *types.TypeParam:
		return fmt.Sprintf("$%d", t.Index())
	case *types.Pointer:
		return "*" + p.typ(t.Elem())
	case *types.Slice:
		return "[]" + p.typ(t.Elem())
	case *types.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), p.typ(t.Elem()))
	case *types.Map:
		return "map[" + p.typ(t.Key()) + "]" + p.typ(t.Elem())
	case *types.Chan:
		return map[types.ChanDir]string{
			types.SendRecv: "chan ", types.SendOnly: "chan<- ", types.RecvOnly: "<-chan ",
		}[t.Dir()] + p.typ(t.Elem())
	case *types.Signature:
		return "func" + p.signature(t)
	case *types.Interface:
		return p.iface(t)
	default:
		return types.TypeString(t, types.RelativeTo(p.pkg))
	}
}

// named writes a type's name with its type arguments, or, for the generic
// type itself, as in a receiver, with its type parameters.
func (p *apiPrinter) named(obj *types.TypeName, args *types.TypeList, params *types.TypeParamList) string {
	name := obj.Name()
	if obj.Pkg() != nil && obj.Pkg() != p.pkg {
		name = obj.Pkg().Name() + "." + name
	}
	var list []string
	for arg := range args.Types() {
		list = append(list, p.typ(arg))
	}
	if args.Len() == 0 {
		for param := range params.TypeParams() {
			list = append(list, p.typ(param))
		}
	}
	if len(list) == 0 {
		return name
	}
	return name + "[" + strings.Join(list, ", ") + "]"
}

func (p *apiPrinter) iface(t *types.Interface) string {
	var list []string
	for m := range t.ExplicitMethods() {
		list = append(list, m.Name()+p.signature(m.Signature()))
	}
	for e := range t.EmbeddedTypes() {
		list = append(list, p.typ(e))
	}
	if len(list) == 0 {
		return "interface {}"
	}
	return "interface { " + strings.Join(list, "; ") + " }"
}

// typeParams writes the type parameters of a declaration.
func (p *apiPrinter) typeParams(params *types.TypeParamList) string {
	if params.Len() == 0 {
		return ""
	}
	var list []string
	for param := range params.TypeParams() {
		list = append(list, p.typ(param)+" "+p.typ(param.Constraint()))
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// signature writes parameters and results.
func (p *apiPrinter) signature(sig *types.Signature) string {
	params := p.tuple(sig.Params())
	if sig.Variadic() {
		last := len(params) - 1
		params[last] = "..." + strings.TrimPrefix(params[last], "[]")
	}
	text := "(" + strings.Join(params, ", ") + ")"
	switch results := p.tuple(sig.Results()); len(results) {
	case 0:
		return text
	case 1:
		return text + " " + results[0]
	default:
		return text + " (" + strings.Join(results, ", ") + ")"
	}
}

func (p *apiPrinter) tuple(vars *types.Tuple) []string {
	var list []string
	for v := range vars.Variables() {
		list = append(list, p.typ(v.Type()))
	}
	return list
}
