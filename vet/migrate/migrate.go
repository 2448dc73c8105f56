package migrate

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"

	"github.com/trellis-go/trellis/vet/internal/report"
)

// Analyzer moves programs from errgroup and context.WithTimeout to Trellis.
var Analyzer = &analysis.Analyzer{
	Name: "migrate",
	Doc: `move from errgroup and context.WithTimeout to Trellis

Groups become nurseries where that does not change what the program does, the others
import errgroup from Trellis, and time limits become deadline.Limit.`,
	URL:      "https://pkg.go.dev/github.com/trellis-go/trellis/vet/migrate",
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      run,
}

var doGroups, doDropIn, doLimits, keepFirst bool

func init() {
	Analyzer.Flags.BoolVar(&doGroups, "groups", true, "turn groups of errgroup into nurseries")
	Analyzer.Flags.BoolVar(&keepFirst, "first", false, "keep the first error of a group alone, by nursery.First")
	Analyzer.Flags.BoolVar(&doDropIn, "dropin", true, "import errgroup from Trellis")
	Analyzer.Flags.BoolVar(&doLimits, "limits", true, "turn context.WithTimeout into deadline.Limit")
}

func run(pass *analysis.Pass) (any, error) {
	in := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector)
	m := &migration{pass: pass, in: in, report: report.To(pass), given: make(map[*ast.BlockStmt]map[string]bool)}
	if doGroups && imports(pass.Pkg, xsync, dropIn) {
		m.groups()
	}
	if doDropIn && imports(pass.Pkg, xsync) {
		m.dropIns()
	}
	if doLimits && imports(pass.Pkg, "context") {
		m.limits()
	}
	return nil, nil
}

// A migration is that of one package.
type migration struct {
	pass   *analysis.Pass
	in     *inspector.Inspector
	report func(analysis.Diagnostic)

	assigned  map[*types.Var]bool // made when it is first needed
	converted []ast.Node          // the statements that made groups which become nurseries

	given map[*ast.BlockStmt]map[string]bool // the names that fixes declare, by function
}

func imports(pkg *types.Package, paths ...string) bool {
	for _, p := range pkg.Imports() {
		for _, path := range paths {
			if p.Path() == path {
				return true
			}
		}
	}
	return false
}

// file returns the file that pos is in.
func (m *migration) file(pos token.Pos) *ast.File {
	for _, f := range m.pass.Files {
		if f.FileStart <= pos && pos < f.FileEnd {
			return f
		}
	}
	return nil
}

// source returns the text from one position to another in the same file.
func (m *migration) source(from, to token.Pos) string {
	tf := m.pass.Fset.File(from)
	content, err := m.pass.ReadFile(tf.Name())
	if err != nil || tf.Offset(to) > len(content) || from > to {
		return ""
	}
	return string(content[tf.Offset(from):tf.Offset(to)])
}

// isBuiltin reports whether the call is one of the builtin function.
func (m *migration) isBuiltin(call *ast.CallExpr, name string) bool {
	id, ok := ast.Unparen(call.Fun).(*ast.Ident)
	if !ok {
		return false
	}
	b, ok := m.pass.TypesInfo.Uses[id].(*types.Builtin)
	return ok && b.Name() == name
}

// refuse reports at what is not rewritten, why, and what to do.
func (m *migration) refuse(at ast.Node, message string) {
	m.report(analysis.Diagnostic{Pos: at.Pos(), End: at.End(), Message: message})
}
