package repocheck

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const modulePath = "github.com/trellis-go/trellis"

// rules are all the checks, by name.
var rules = map[string]func(*repository) []string{
	"imports":          checkImports,
	"root module":      checkRootModule,
	"package comments": checkPackageComments,
	"examples":         checkExamples,
	"API listings":     checkAPI,
	"sizes":            checkSizes,
	"sleeps":           checkSleeps,
	"goleak":           checkLeakDetection,
	"places":           checkPlaces,
	"prose":            checkProse,
	"test command":     checkTestCommand,
}

// Test checks the repository whose root is the working directory, in subtests of t: each
// rule by its name, the catalogue, and that the list of mutations fits the code. With
// update it rewrites the API listings first.
func Test(t *testing.T, update bool) {
	repo, err := readRepository(os.DirFS("."), notIgnored(t))
	if err != nil {
		t.Fatalf("readRepository: %v", err)
	}
	if update {
		updateAPI(t, repo)
	}
	for name, check := range rules {
		t.Run(name, func(t *testing.T) {
			for _, complaint := range check(repo) {
				t.Error(complaint)
			}
		})
	}
	t.Run("catalogue", func(t *testing.T) {
		covered, rows, complaints := checkCatalogue(repo)
		t.Logf("%d of %d rows have a test", covered, rows)
		for _, complaint := range complaints {
			t.Error(complaint)
		}
	})
	t.Run("mutations", testMutations)
}

// A repository is what the rules look at: this one, or a doctored one.
type repository struct {
	fsys    fs.FS
	paths   []string // every file, sorted
	fset    *token.FileSet
	sources []*source // every Go file outside testdata, in the order of paths
}

// A source is one parsed Go file.
type source struct {
	path   string
	dir    string // the folder it is in, "." for the root
	module string // the folder of its go.mod, "." for the root module
	test   bool
	syntax *ast.File
}

// readRepository reads the files of fsys for which keep reports true.
func readRepository(fsys fs.FS, keep func(path string) bool) (*repository, error) {
	r := &repository{fsys: fsys, fset: token.NewFileSet()}
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case d.Type().IsRegular() && keep(p):
			r.paths = append(r.paths, p)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, p := range r.paths {
		if path.Ext(p) != ".go" || underTestdata(p) {
			continue
		}
		text, err := fs.ReadFile(fsys, p)
		if err != nil {
			return nil, err
		}
		syntax, err := parser.ParseFile(r.fset, p, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		r.sources = append(r.sources, &source{
			path:   p,
			dir:    path.Dir(p),
			module: r.moduleOf(path.Dir(p)),
			test:   strings.HasSuffix(p, "_test.go"),
			syntax: syntax,
		})
	}
	return r, nil
}

// notIgnored returns a filter that leaves out what git ignores, such as a
// go.work. Where there is no git, or no clone, every file counts. The tree is
// walked in either case, because that is how go test learns which files the
// result depends on and when it cannot reuse it.
func notIgnored(t *testing.T) func(path string) bool {
	out, err := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		t.Logf("git ls-files: %v; looking at every file", err)
		return func(string) bool { return true }
	}
	listed := make(map[string]bool)
	for p := range strings.SplitSeq(string(out), "\x00") {
		listed[p] = true
	}
	return func(p string) bool { return listed[p] }
}

// moduleOf returns the folder of the module that dir belongs to.
func (r *repository) moduleOf(dir string) string {
	for ; dir != "."; dir = path.Dir(dir) {
		if slices.Contains(r.paths, path.Join(dir, "go.mod")) {
			return dir
		}
	}
	return "."
}

// library returns the sources of the root module, by folder.
func (r *repository) library() map[string][]*source {
	dirs := make(map[string][]*source)
	for _, s := range r.sources {
		if s.module == "." {
			dirs[s.dir] = append(dirs[s.dir], s)
		}
	}
	return dirs
}

// public returns the sorted folders of the packages that users can import.
func (r *repository) public() []string {
	var dirs []string
	for _, s := range r.sources {
		if s.module == "." && s.dir != "." && !s.test && !internal(s.dir) && s.syntax.Name.Name != "main" {
			dirs = append(dirs, s.dir)
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// text returns the content of a file, and "" if there is none.
func (r *repository) text(p string) string {
	text, err := fs.ReadFile(r.fsys, p)
	if err != nil {
		return ""
	}
	return string(text)
}

// at begins a complaint about the source at pos.
func (r *repository) at(pos token.Pos, format string, args ...any) string {
	p := r.fset.Position(pos)
	return fmt.Sprintf("%s:%d: %s", p.Filename, p.Line, fmt.Sprintf(format, args...))
}

func internal(dir string) bool {
	return slices.Contains(strings.Split(dir, "/"), "internal")
}

func underTestdata(p string) bool {
	return slices.Contains(strings.Split(p, "/"), "testdata")
}
