package notready

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/ctrlflow"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/cfg"

	"github.com/trellis-go/trellis/vet/internal/api"
	"github.com/trellis-go/trellis/vet/internal/report"
)

// Analyzer finds tasks of Start that may return nil before they call started.
var Analyzer = &analysis.Analyzer{
	Name: "notready",
	Doc: `find tasks of Start that may return nil before they call started

Start waits until its task calls started, and fails if the task returns nil before.`,
	URL:      "https://pkg.go.dev/github.com/trellis-go/trellis/vet/notready",
	Requires: []*analysis.Analyzer{inspect.Analyzer, ctrlflow.Analyzer},
	Run:      run,
}

func run(pass *analysis.Pass) (any, error) {
	if !api.Uses(pass.Pkg) {
		return nil, nil
	}
	in := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector)
	graphs := pass.ResultOf[ctrlflow.Analyzer].(*ctrlflow.CFGs)
	send := report.To(pass)
	for n := range in.PreorderSeq((*ast.CallExpr)(nil)) {
		call := n.(*ast.CallExpr)
		switch callee := api.CalleeOf(pass.TypesInfo, call); callee.Pkg + "." + callee.Name {
		case "nursery.Start", "nursery.StartTask", "nursery.StartBackground":
		default:
			continue
		}
		lit, ok := ast.Unparen(call.Args[len(call.Args)-1]).(*ast.FuncLit)
		if !ok {
			continue
		}
		started := lastParam(pass.TypesInfo, lit)
		if started == nil || !api.Mentions(pass.TypesInfo, lit.Body, started) {
			send(analysis.Diagnostic{
				Pos:     lit.Pos(),
				End:     lit.Body.Lbrace,
				Message: "the task does not use started, so Start fails when the task ends, and waits until then",
			})
			continue
		}
		s := &search{info: pass.TypesInfo, started: started, seen: make(map[*cfg.Block]bool)}
		if g := graphs.FuncLit(lit); len(g.Blocks) > 0 {
			s.visit(g.Blocks[0])
		}
		for _, r := range s.found {
			send(analysis.Diagnostic{
				Pos:     r.Pos(),
				End:     r.End(),
				Message: "the task may return nil here before it has called " + started.Name() + ", and Start fails then",
			})
		}
	}
	return nil, nil
}

// lastParam returns the last parameter of the literal, nil if it has no name.
func lastParam(info *types.Info, lit *ast.FuncLit) *types.Var {
	fields := lit.Type.Params.List
	if len(fields) == 0 {
		return nil
	}
	names := fields[len(fields)-1].Names
	if len(names) == 0 || names[len(names)-1].Name == "_" {
		return nil
	}
	v, _ := info.Defs[names[len(names)-1]].(*types.Var)
	return v
}

// A search follows the paths from the beginning of a function that do not mention started.
type search struct {
	info    *types.Info
	started *types.Var
	seen    map[*cfg.Block]bool
	found   []*ast.ReturnStmt
}

func (s *search) visit(b *cfg.Block) {
	if s.seen[b] {
		return
	}
	s.seen[b] = true
	for _, n := range b.Nodes {
		if api.Mentions(s.info, n, s.started) {
			return
		}
		if r, ok := n.(*ast.ReturnStmt); ok {
			if len(r.Results) > 0 && s.info.Types[r.Results[len(r.Results)-1]].IsNil() {
				s.found = append(s.found, r)
			}
			return
		}
	}
	for _, next := range b.Succs {
		s.visit(next)
	}
}
