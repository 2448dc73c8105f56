package api

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/inspector"
)

// A Block is a function that a function of Trellis runs with a context of its own: the
// body of a nursery, a task, a limited block; or a task of an errgroup that has a
// context. It is a literal in the call, or a declared function that has the signature of
// the body of a nursery.
type Block struct {
	Call   *ast.CallExpr // nil for a declared function
	Callee Callee        // zero for a declared function
	Body   *ast.BlockStmt

	// Own has the literal's parameters that are contexts, without those that have no
	// name. For a task of an errgroup it has the context of the group.
	Own []*types.Var
	// Outer is the context that was passed to the call, or to errgroup.WithContext, nil
	// if that is no variable, or if the call takes none.
	Outer *types.Var
	// Of is the nursery that the block is a task of, nil if it is none or not a variable.
	Of *types.Var
	// Nursery is the literal's parameter that is a nursery, nil if it has none.
	Nursery *types.Var
}

// Errgroup reports whether b is a task of an errgroup.
func (b *Block) Errgroup() bool { return b.Callee.Pkg == "errgroup" }

// Task reports whether b runs beside the code that starts it.
func (b *Block) Task() bool {
	switch b.Callee.Pkg {
	case "errgroup":
		return true
	case "nursery":
		return b.Callee.Name != "Run"
	}
	return false
}

// Blocks returns the blocks of the package, outer ones before those inside.
func Blocks(pass *analysis.Pass, in *inspector.Inspector) []*Block {
	if !Uses(pass.Pkg) {
		return nil
	}
	groups := groupContexts(pass.TypesInfo, in)
	var blocks []*Block
	for n := range in.PreorderSeq((*ast.CallExpr)(nil), (*ast.FuncDecl)(nil)) {
		if decl, ok := n.(*ast.FuncDecl); ok {
			if b, contexts := newBlock(pass.TypesInfo, decl.Type, decl.Body); b.Nursery != nil && contexts == 1 &&
				decl.Type.Params.NumFields() == 2 && decl.Type.Results.NumFields() == 1 {
				blocks = append(blocks, b)
			}
			continue
		}
		call := n.(*ast.CallExpr)
		callee := CalleeOf(pass.TypesInfo, call)
		switch {
		case callee.Ours():
			blocks = append(blocks, ours(pass.TypesInfo, call, callee)...)
		case callee.Is("errgroup.Group.Go"), callee.Is("errgroup.Group.TryGo"):
			if b := groupTask(pass.TypesInfo, call, callee, groups); b != nil {
				blocks = append(blocks, b)
			}
		}
	}
	return blocks
}

// ours returns the blocks among the arguments of a call of Trellis.
func ours(info *types.Info, call *ast.CallExpr, callee Callee) []*Block {
	var blocks []*Block
	for _, arg := range call.Args {
		lit, ok := ast.Unparen(arg).(*ast.FuncLit)
		if !ok {
			continue
		}
		b, contexts := newBlock(info, lit.Type, lit.Body)
		b.Call, b.Callee = call, callee
		if contexts == 0 {
			continue
		}
		if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && callee.Recv == "Nursery" {
			b.Of = Var(info, sel.X)
		}
		for _, arg := range call.Args {
			switch t := info.TypeOf(arg); {
			case t == nil:
			case IsContext(t) && b.Outer == nil && !startsElsewhere(callee):
				b.Outer = Var(info, arg)
			case IsNamed(t, "nursery", "Nursery"):
				b.Of = Var(info, arg)
			}
		}
		blocks = append(blocks, b)
	}
	return blocks
}

// newBlock returns a block with its parameters, and how many of them are contexts, with
// or without a name.
func newBlock(info *types.Info, typ *ast.FuncType, body *ast.BlockStmt) (*Block, int) {
	b := &Block{Body: body}
	contexts := 0
	for _, field := range typ.Params.List {
		t := info.TypeOf(field.Type)
		if IsContext(t) {
			contexts += max(1, len(field.Names))
		}
		for _, name := range field.Names {
			v, _ := info.Defs[name].(*types.Var)
			switch {
			case v == nil || name.Name == "_":
			case IsContext(t):
				b.Own = append(b.Own, v)
			case IsNamed(t, "nursery", "Nursery"):
				b.Nursery = v
			}
		}
	}
	return b, contexts
}

// startsElsewhere reports whether the context that the callee takes is only the context
// of the wait: the task then belongs to the nursery.
func startsElsewhere(c Callee) bool {
	switch c.Name {
	case "Start", "StartNamed", "StartTask", "StartBackground":
		return c.Pkg == "nursery"
	}
	return false
}

// A group has the context of an errgroup and the one it is derived from.
type group struct{ own, outer *types.Var }

// groupContexts finds statements of the form g, ctx := errgroup.WithContext(outer) whose
// variables are assigned once.
func groupContexts(info *types.Info, in *inspector.Inspector) map[*types.Var]group {
	groups := make(map[*types.Var]group)
	for n := range in.PreorderSeq((*ast.AssignStmt)(nil)) {
		assign := n.(*ast.AssignStmt)
		if len(assign.Lhs) != 2 || len(assign.Rhs) != 1 {
			continue
		}
		call, ok := ast.Unparen(assign.Rhs[0]).(*ast.CallExpr)
		if !ok || !CalleeOf(info, call).Is("errgroup.WithContext") {
			continue
		}
		g, own := Var(info, assign.Lhs[0]), Var(info, assign.Lhs[1])
		if g == nil {
			continue
		}
		if _, twice := groups[g]; twice {
			groups[g] = group{}
			continue
		}
		groups[g] = group{own, Var(info, call.Args[0])}
	}
	return groups
}

func groupTask(info *types.Info, call *ast.CallExpr, callee Callee, groups map[*types.Var]group) *Block {
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok || len(call.Args) != 1 {
		return nil
	}
	lit, ok := ast.Unparen(call.Args[0]).(*ast.FuncLit)
	g := groups[Var(info, sel.X)]
	// A group whose context has the variable of the outer one leaves no outer one to use.
	if !ok || g.own == nil || g.own == g.outer {
		return nil
	}
	return &Block{Call: call, Callee: callee, Body: lit.Body, Own: []*types.Var{g.own}, Outer: g.outer}
}

// Assigned returns the variables of the package that are assigned to besides their
// declaration, or have their address taken.
func Assigned(info *types.Info, in *inspector.Inspector) map[*types.Var]bool {
	assigned := make(map[*types.Var]bool)
	for n := range in.PreorderSeq((*ast.AssignStmt)(nil), (*ast.UnaryExpr)(nil), (*ast.RangeStmt)(nil), (*ast.IncDecStmt)(nil)) {
		var targets []ast.Expr
		switch n := n.(type) {
		case *ast.AssignStmt:
			targets = n.Lhs
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				targets = []ast.Expr{n.X}
			}
		case *ast.IncDecStmt:
			targets = []ast.Expr{n.X}
		case *ast.RangeStmt:
			targets = []ast.Expr{n.Key, n.Value}
		}
		for _, e := range targets {
			if id, ok := e.(*ast.Ident); ok {
				if v, ok := info.Uses[id].(*types.Var); ok {
					assigned[v] = true
				}
			}
		}
	}
	return assigned
}

// Lineage returns the contexts that the block's own context is derived from, as far as
// the blocks show: variables that the block could use in its place by mistake.
func Lineage(b *Block, blocks []*Block) map[*types.Var]bool {
	found := make(map[*types.Var]bool)
	var add func(v *types.Var)
	up := func(b *Block) {
		if b.Of != nil {
			for _, body := range blocks {
				if body.Nursery == b.Of {
					for _, v := range body.Own {
						add(v)
					}
					add(body.Outer)
				}
			}
		}
		add(b.Outer)
	}
	add = func(v *types.Var) {
		if v == nil || found[v] {
			return
		}
		found[v] = true
		for _, outer := range blocks {
			for _, own := range outer.Own {
				if own == v && len(outer.Own) == 1 {
					up(outer)
				}
			}
		}
	}
	up(b)
	// Of two contexts that a block is given, the author chooses.
	for _, outer := range blocks {
		if len(outer.Own) > 1 {
			for _, v := range outer.Own {
				delete(found, v)
			}
		}
	}
	for _, v := range b.Own {
		delete(found, v)
	}
	return found
}
