package migrate

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strconv"
	"strings"

	"golang.org/x/tools/go/analysis"

	"github.com/trellis-go/trellis/vet/internal/api"
)

// keepLimit lets a nursery keep the limit of the group: a channel has a place for each
// task that may run. The code that starts a task waits for a place, as it does in the
// group's Go, and the task gives it back.
func (c *conversion) keepLimit() {
	if c.limit == nil {
		return
	}
	arg := c.limit.X.(*ast.CallExpr).Args[0]
	if c.m.isNegative(arg) {
		return // no limit at all
	}
	c.slots = c.freeName("slots")
	limit, before := c.m.source(arg.Pos(), arg.End()), ""
	if !c.m.atLeastZero(arg) {
		limit, before = c.atLeastOneText(limit)
	}
	c.inLimitsPlace = before + c.slots + " := make(chan struct{}, " + limit + ")"
}

// isNegative reports whether the expression is a negative constant.
func (m *migration) isNegative(e ast.Expr) bool {
	v := m.pass.TypesInfo.Types[e].Value
	return v != nil && constant.Sign(v) < 0
}

// atLeastOneText returns the name of a variable for a limit that may be negative, which
// means none, and the statements that declare it.
func (c *conversion) atLeastOneText(limit string) (name, before string) {
	name = c.freeName("limit")
	return name, name + " := " + limit + "\nif " + name + " < 1 {\n" + name + " = " + c.nurseryPkg + ".NoLimit\n}\n"
}

// freeName returns a name that the function does not use.
func (c *conversion) freeName(name string) string { return c.m.unusedName(c.fun, name) }

// unusedName returns the first of the names, or of those with a number, that no code in the
// function has, and that no other fix gives to something there.
func (m *migration) unusedName(fun *ast.BlockStmt, names ...string) string {
	given := m.given[fun]
	if given == nil {
		given = make(map[string]bool)
		m.given[fun] = given
	}
	for i := 2; ; i++ {
		for _, name := range names {
			if !given[name] && !hasName(fun, name) {
				given[name] = true
				return name
			}
		}
		names = []string{strings.TrimRight(names[0], "0123456789") + strconv.Itoa(i)}
	}
}

// take returns the statement that waits for a place for a task.
func (c *conversion) take() string {
	if c.slots == "" {
		return ""
	}
	return c.slots + " <- struct{}{}\n"
}

// giveBack returns the statement that a task begins with.
func (c *conversion) giveBack() string {
	if c.slots == "" {
		return ""
	}
	return "\ndefer func() { <-" + c.slots + " }()\n"
}

// givesBack returns the edits that add this statement to the literal.
func (c *conversion) givesBack(lit *ast.FuncLit) []analysis.TextEdit {
	text := c.giveBack()
	if text == "" {
		return nil
	}
	at := lit.Body.Lbrace + 1
	rest := strings.TrimLeft(c.m.source(at, lit.Body.Rbrace), " \t\r")
	if strings.HasPrefix(rest, "\n") || strings.HasPrefix(rest, "//") {
		at, text = c.m.lineEnd(at, lit.Body.Rbrace), strings.TrimSuffix(text, "\n")
	}
	return insert(at, text)
}

// atLeastOne reports whether the expression is known to be at least 1.
func (m *migration) atLeastOne(e ast.Expr) bool { return m.atLeast(e, 1) }

// atLeastZero reports whether the expression is known not to be negative.
func (m *migration) atLeastZero(e ast.Expr) bool { return m.atLeast(e, 0) }

// atLeast reports whether the expression is known to be at least n, which is 0 or 1.
func (m *migration) atLeast(e ast.Expr, n int64) bool {
	e = ast.Unparen(e)
	if tv := m.pass.TypesInfo.Types[e]; tv.Value != nil {
		return constant.Compare(tv.Value, token.GEQ, constant.MakeInt64(n))
	}
	switch e := e.(type) {
	case *ast.Ident:
		value := m.onlyValue(e)
		return value != nil && m.atLeast(value, n)
	case *ast.BinaryExpr:
		switch e.Op {
		case token.ADD:
			return m.atLeast(e.X, 0) && m.atLeast(e.Y, n) || m.atLeast(e.X, n) && m.atLeast(e.Y, 0)
		case token.MUL:
			return m.atLeast(e.X, n) && m.atLeast(e.Y, n)
		}
	case *ast.CallExpr:
		return m.callAtLeast(e, n)
	}
	return false
}

// callAtLeast is atLeast for a call or a conversion.
func (m *migration) callAtLeast(call *ast.CallExpr, n int64) bool {
	switch c := api.CalleeOf(m.pass.TypesInfo, call); {
	case c.Is("runtime.NumCPU"), c.Is("runtime.GOMAXPROCS"):
		return true
	}
	if id, ok := ast.Unparen(call.Fun).(*ast.Ident); ok {
		if b, ok := m.pass.TypesInfo.Uses[id].(*types.Builtin); ok {
			return m.builtinAtLeast(b.Name(), call.Args, n)
		}
	}
	if n > 0 || len(call.Args) != 1 || !m.pass.TypesInfo.Types[call.Fun].IsType() {
		return false
	}
	basic, ok := m.pass.TypesInfo.TypeOf(call.Args[0]).Underlying().(*types.Basic)
	return ok && basic.Info()&types.IsUnsigned != 0
}

func (m *migration) builtinAtLeast(name string, args []ast.Expr, n int64) bool {
	switch name {
	case "len", "cap":
		return n == 0
	case "max":
		for _, arg := range args {
			if m.atLeast(arg, n) {
				return true
			}
		}
	case "min":
		for _, arg := range args {
			if !m.atLeast(arg, n) {
				return false
			}
		}
		return true
	}
	return false
}

// onlyValue returns the expression that a local variable gets where it is declared, nil if
// it gets another value later, or none there.
func (m *migration) onlyValue(id *ast.Ident) ast.Expr {
	v, ok := m.pass.TypesInfo.Uses[id].(*types.Var)
	if !ok || v.Parent() == nil || v.Parent() == m.pass.Pkg.Scope() || v.Pkg() != m.pass.Pkg {
		return nil
	}
	if m.assigned == nil {
		m.assigned = api.Assigned(m.pass.TypesInfo, m.in)
	}
	if m.assigned[v] {
		return nil
	}
	var value ast.Expr
	ast.Inspect(m.file(v.Pos()), func(n ast.Node) bool {
		if n == nil || v.Pos() < n.Pos() || n.End() < v.Pos() {
			return false
		}
		assign, ok := n.(*ast.AssignStmt)
		if ok && assign.Tok == token.DEFINE && len(assign.Lhs) == len(assign.Rhs) {
			for i, lhs := range assign.Lhs {
				if m.pass.TypesInfo.Defs[ident(lhs)] == types.Object(v) {
					value = assign.Rhs[i]
				}
			}
		}
		return true
	})
	return value
}
