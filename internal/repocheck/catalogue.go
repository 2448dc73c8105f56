package repocheck

import (
	"encoding/csv"
	"fmt"
	"go/ast"
	"go/build"
	"go/token"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Trio, asyncio and AnyIO have tests for what this module does as well. The
// catalogue names those that apply here, one row each, and a test that checks
// what such a row asserts has its id in a comment
//
//	// catalogue: <id>
//
// directly above the test or subtest, or inside it. So it shows when such
// a test is removed by accident.

const (
	catalogueFile    = "testdata/catalogue.csv"
	catalogueLeftOut = "testdata/catalogue-left-out.txt" // lines of id, tab, reason
	catalogueMark    = "// catalogue: "
)

var catalogueAreas = []string{
	"cancel", "channel", "checkpoint", "deadline", "errors", "limiter", "misuse", "nursery", "panic", "shield", "start", "task-handle", "unbound-scope",
}

// checkCatalogue returns how many rows the catalogue has and how many of them
// have a test. Its complaints list the others, unless they are left out for a
// reason, and everything that would make the numbers wrong.
func checkCatalogue(r *repository) (covered, rows int, complaints []string) {
	ids, complaints := readCatalogue(r)
	leftOut, more := readLeftOut(r)
	complaints = append(complaints, more...)
	marks, more := catalogueMarks(r)
	complaints = append(complaints, more...)

	for _, id := range slices.Sorted(maps.Keys(marks)) {
		if !slices.Contains(ids, id) {
			complaints = append(complaints, fmt.Sprintf("%s: %s is not in %s", marks[id], id, catalogueFile))
		}
	}
	for _, id := range leftOut {
		if !slices.Contains(ids, id) {
			complaints = append(complaints, fmt.Sprintf("%s: %s is not in %s", catalogueLeftOut, id, catalogueFile))
		}
	}
	for _, id := range ids {
		place, has := marks[id]
		listed := slices.Contains(leftOut, id)
		switch {
		case has && listed:
			complaints = append(complaints, fmt.Sprintf("%s: %s has a test after all: %s", catalogueLeftOut, id, place))
		case !has && !listed:
			complaints = append(complaints, id+": no test, and not left out for a reason")
		}
		if has {
			covered++
		}
	}
	return covered, len(ids), complaints
}

// readCatalogue returns the ids of all rows.
func readCatalogue(r *repository) (ids, complaints []string) {
	records, err := csv.NewReader(strings.NewReader(r.text(catalogueFile))).ReadAll()
	if err != nil {
		return nil, []string{catalogueFile + ": " + err.Error()}
	}
	if len(records) < 2 || !slices.Equal(records[0], []string{"id", "area", "applicable"}) {
		return nil, []string{catalogueFile + ": want the columns id, area, applicable, and rows"}
	}
	for _, record := range records[1:] {
		id, area, applicable := record[0], record[1], record[2]
		if slices.Contains(ids, id) {
			complaints = append(complaints, catalogueFile+": twice: "+id)
			continue
		}
		ids = append(ids, id)
		if !slices.Contains(catalogueAreas, area) || applicable != "yes" && applicable != "partly" {
			complaints = append(complaints, fmt.Sprintf("%s: %s: area %q, applicable %q", catalogueFile, id, area, applicable))
		}
	}
	return ids, complaints
}

// readLeftOut returns the ids that are left out. Without the file that is none.
func readLeftOut(r *repository) (ids, complaints []string) {
	for line := range strings.Lines(r.text(catalogueLeftOut)) {
		id, reason, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if slices.Contains(ids, id) {
			complaints = append(complaints, catalogueLeftOut+": twice: "+id)
		}
		if strings.TrimSpace(reason) == "" {
			complaints = append(complaints, fmt.Sprintf("%s: %s: no reason", catalogueLeftOut, id))
		}
		ids = append(ids, id)
	}
	return ids, complaints
}

// catalogueMarks returns the ids in the tests of the root module, with the
// place of one comment for each. A mark that is not at a test is complained
// about, and not returned.
func catalogueMarks(r *repository) (marks map[string]string, complaints []string) {
	marks = make(map[string]string)
	for _, s := range r.sources {
		if s.module != "." {
			continue
		}
		tests := r.testLines(s)
		for _, group := range s.syntax.Comments {
			next := r.fset.Position(group.End()).Line + 1
			for _, comment := range group.List {
				id, mark := catalogueID(comment.Text)
				line := r.fset.Position(comment.Pos()).Line
				switch at := slices.ContainsFunc(tests, func(test lines) bool {
					return test.first <= line && line <= test.last || test.first == next
				}); {
				case !mark:
				case id == "":
					complaints = append(complaints, r.at(comment.Pos(), "%q: want %q and the id", comment.Text, catalogueMark))
				case !at:
					complaints = append(complaints, r.at(comment.Pos(), "%s: neither above a test nor inside one that is built", id))
				default:
					marks[id] = fmt.Sprintf("%s:%d", s.path, line)
				}
			}
		}
	}
	return marks, complaints
}

// catalogueID returns the id in a comment. mark is true and id empty if the
// comment is meant to have one and is not in the form that is looked for.
func catalogueID(comment string) (id string, mark bool) {
	if id, ok := strings.CutPrefix(comment, catalogueMark); ok && id != "" && !strings.ContainsAny(id, " \t") {
		return id, true
	}
	text := strings.TrimSpace(comment[len("//"):])
	return "", strings.HasPrefix(strings.ToLower(text), "catalogue:")
}

// lines are those of a test, without the comment above it.
type lines struct{ first, last int }

// testLines returns where the tests and subtests of a file are; none if the go
// command would not build the file. What does not parse has stopped
// readRepository, and what does not type-check stops go test.
func (r *repository) testLines(s *source) []lines {
	files := build.Default
	files.JoinPath = path.Join
	files.OpenFile = func(name string) (io.ReadCloser, error) { return r.fsys.Open(name) }
	built, err := files.MatchFile(s.dir, path.Base(s.path))
	if !s.test || !built || err != nil {
		return nil
	}
	var found []lines
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		var start token.Pos
		switch n := n.(type) {
		case *ast.FuncDecl:
			if isTest(n) {
				start = n.Type.Pos()
			}
		case *ast.CallExpr:
			if isSubtest(n) {
				start = n.Pos()
			}
		}
		if start.IsValid() {
			found = append(found, lines{r.fset.Position(start).Line, r.fset.Position(n.End()).Line})
		}
		return true
	})
	return found
}

// isTest reports whether go test runs f, and f does anything.
func isTest(f *ast.FuncDecl) bool {
	rest, ok := strings.CutPrefix(f.Name.Name, "Test")
	if first, _ := utf8.DecodeRuneInString(rest); !ok || unicode.IsLower(first) {
		return false
	}
	return f.Recv == nil && takesT(f.Type) && f.Body != nil && len(f.Body.List) > 0
}

// isSubtest reports whether call is a t.Run with the subtest in place.
func isSubtest(call *ast.CallExpr) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "Run" || len(call.Args) != 2 {
		return false
	}
	f, ok := call.Args[1].(*ast.FuncLit)
	return ok && takesT(f.Type) && len(f.Body.List) > 0
}

// takesT reports whether a function has one parameter, a *testing.T.
func takesT(f *ast.FuncType) bool {
	if f.Params.NumFields() != 1 {
		return false
	}
	star, ok := f.Params.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	sel, ok := star.X.(*ast.SelectorExpr)
	return ok && isIdent(sel.X, "testing") && sel.Sel.Name == "T"
}
