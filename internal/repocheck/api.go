package repocheck

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/types"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// The exported API of each public package is listed in a file of this folder,
// so that a change of the API shows in review as what it is.
const apiDir = "testdata/api"

// apiFile returns the listing's place for the package in dir.
func apiFile(dir string) string {
	return path.Join(apiDir, strings.ReplaceAll(dir, "/", "_")+".txt")
}

// checkAPI: the exported API is the listed one.
func checkAPI(r *repository) []string {
	want, err := r.api()
	if err != nil {
		return []string{fmt.Sprintf("API listings: %v", err)}
	}
	var complaints []string
	for _, file := range slices.Sorted(maps.Keys(want)) {
		listed := strings.FieldsFunc(r.text(file), func(c rune) bool { return c == '\n' })
		for _, line := range want[file] {
			if !slices.Contains(listed, line) {
				complaints = append(complaints, file+": not listed: "+line)
			}
		}
		for _, line := range listed {
			if !slices.Contains(want[file], line) {
				complaints = append(complaints, file+": listed, but gone: "+line)
			}
		}
	}
	for _, p := range r.paths {
		if _, ok := want[p]; !ok && path.Dir(p) == apiDir {
			complaints = append(complaints, p+": lists no package")
		}
	}
	if len(complaints) > 0 {
		complaints = append(complaints, "if that is what you want: go test . -update")
	}
	return complaints
}

// updateAPI rewrites the listings of this repository.
func updateAPI(t *testing.T, r *repository) {
	want, err := r.api()
	if err != nil {
		t.Fatalf("API listings: %v", err)
	}
	for _, p := range r.paths {
		if _, ok := want[p]; !ok && path.Dir(p) == apiDir {
			if err := os.Remove(p); err != nil {
				t.Error(err)
			}
			r.paths = slices.DeleteFunc(r.paths, func(other string) bool { return other == p })
		}
	}
	if err := os.MkdirAll(apiDir, 0o777); err != nil {
		t.Fatal(err)
	}
	for file, lines := range want {
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o666); err != nil {
			t.Error(err)
		}
	}
}

// api returns the sorted lines of every listing, by its place.
func (r *repository) api() (map[string][]string, error) {
	c := &apiChecker{repo: r, std: importer.Default(), done: make(map[string]*types.Package)}
	listings := make(map[string][]string)
	for _, dir := range r.public() {
		pkg, err := c.Import(modulePath + "/" + dir)
		if err != nil {
			return nil, err
		}
		listings[apiFile(dir)] = apiLines(dir, pkg)
	}
	return listings, nil
}

// An apiChecker type-checks the declarations of the library's packages; it is
// their importer as well.
type apiChecker struct {
	repo *repository
	std  types.Importer
	done map[string]*types.Package
}

func (c *apiChecker) Import(name string) (*types.Package, error) {
	dir, own := strings.CutPrefix(name, modulePath+"/")
	if !own {
		return c.std.Import(name)
	}
	if pkg := c.done[name]; pkg != nil {
		return pkg, nil
	}
	var files []*ast.File
	for _, s := range c.repo.library()[dir] {
		if !s.test && c.builds(s) {
			files = append(files, s.syntax)
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no package %s", name)
	}
	var errs []error
	config := types.Config{
		Importer:         c,
		IgnoreFuncBodies: true,
		Error:            func(err error) { errs = append(errs, err) },
	}
	pkg, _ := config.Check(name, c.repo.fset, files, nil)
	c.done[name] = pkg
	return pkg, errors.Join(errs...)
}

// builds reports whether the file takes part in a build on this machine.
func (c *apiChecker) builds(s *source) bool {
	context := build.Default
	context.OpenFile = func(p string) (io.ReadCloser, error) { return c.repo.fsys.Open(p) }
	context.JoinPath = path.Join
	match, err := context.MatchFile(s.dir, path.Base(s.path))
	return err == nil && match
}

// apiLines lists what the package exports: one line for each name, field and
// method, in the style of the files in GOROOT/api.
func apiLines(dir string, pkg *types.Package) []string {
	p := &apiPrinter{pkg: pkg}
	for _, name := range pkg.Scope().Names() {
		obj := pkg.Scope().Lookup(name)
		if !obj.Exported() {
			continue
		}
		switch obj := obj.(type) {
		case *types.Const:
			typ := ""
			if basic, ok := obj.Type().(*types.Basic); !ok || basic.Info()&types.IsUntyped == 0 {
				typ = " " + p.typ(obj.Type())
			}
			p.printf("const %s%s = %s", name, typ, obj.Val())
		case *types.Var:
			p.printf("var %s %s", name, p.typ(obj.Type()))
		case *types.Func:
			sig := obj.Signature()
			p.printf("func %s%s%s", name, p.typeParams(sig.TypeParams()), p.signature(sig))
		case *types.TypeName:
			p.typeName(obj)
		}
	}
	for i, line := range p.lines {
		p.lines[i] = "pkg " + dir + ", " + line
	}
	slices.Sort(p.lines)
	return p.lines
}
