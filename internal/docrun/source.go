package docrun

import (
	"fmt"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"slices"
	"strings"
)

const modulePath = "github.com/trellis-go/trellis"

// packages are those that a block may use without importing them.
var packages = map[string]string{
	"atomic": "sync/atomic", "bufio": "bufio", "bytes": "bytes", "cmp": "cmp", "context": "context", "driver": "database/sql/driver",
	"errors": "errors", "exec": "os/exec", "flag": "flag", "fmt": "fmt", "http": "net/http",
	"httptest": "net/http/httptest", "io": "io", "iter": "iter",
	"maps": "maps", "net": "net", "os": "os", "rand": "math/rand/v2", "regexp": "regexp", "runtime": "runtime", "signal": "os/signal",
	"slices": "slices", "slog": "log/slog", "sort": "sort", "sql": "database/sql", "strconv": "strconv",
	"strings": "strings", "sync": "sync", "synctest": "testing/synctest", "syscall": "syscall", "testing": "testing",
	"time": "time", "trace": "runtime/trace", "url": "net/url",

	"cancelscope": modulePath + "/cancelscope", "deadline": modulePath + "/deadline",
	"memchan": modulePath + "/memchan", "nursery": modulePath + "/nursery", "serve": modulePath + "/serve",
	"tasktree": modulePath + "/tasktree", "tasktest": modulePath + "/tasktree/tasktest",
	"errgroup": "golang.org/x/sync/errgroup", "semaphore": "golang.org/x/sync/semaphore",
}

// source makes a file of package name of a block, in which Main runs it.
func (b *block) source(name string) (string, error) {
	text := b.file()
	fset := token.NewFileSet()
	file, err := goparser.ParseFile(fset, b.String(), text, goparser.ParseComments)
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", b, err, numbered(text))
	}
	var tests []string
	hasMain := false
	offset := func(pos token.Pos) int { return fset.Position(pos).Offset }
	for _, decl := range slices.Backward(file.Decls) {
		f, ok := decl.(*ast.FuncDecl)
		switch {
		case !ok || f.Recv != nil:
		case f.Name.Name == "main":
			hasMain = true
			text = text[:offset(f.Name.Pos())] + "Main" + text[offset(f.Name.End()):]
		case strings.HasPrefix(f.Name.Name, "Test") && f.Type.Params.NumFields() == 1:
			tests = append(tests, f.Name.Name)
		}
	}
	head := "package " + name + "\n"
	for _, path := range b.missing(file) {
		head += fmt.Sprintf("import %q\n", path)
	}
	switch {
	case hasMain:
	case len(tests) > 0:
		b.tests = true
		text += "\nfunc Main() {\n\tmatch := func(_, _ string) (bool, error) { return true, nil }\n\ttesting.Main(match, []testing.InternalTest{\n"
		for _, test := range slices.Backward(tests) {
			text += fmt.Sprintf("\t\t{Name: %q, F: %s},\n", test, test)
		}
		text += "\t}, nil, nil)\n}\n"
	default:
		return "", fmt.Errorf("%s: the block has declarations and no func main: add one to it, or in a comment <!-- go:decls", b)
	}
	_, text, _ = strings.Cut(text, "\n") // the package clause
	return head + text, nil
}

// file returns the block as a file with a main function, or tests.
func (b *block) file() string {
	const clause = "package main\n"
	switch {
	case strings.HasPrefix(b.code, clause):
		return clause + b.code[len(clause):] + b.shared + b.decls
	case parses(clause + b.code):
		return clause + b.code + b.shared + b.decls
	}
	return clause + b.shared + b.decls + "\nfunc run(ctx context.Context) (err error) {\n" + b.before + b.code + b.after + "\treturn err\n}\n\n" +
		"func main() {\n\tif err := run(context.Background()); err != nil {\n\t\tfmt.Println(\"error:\", err)\n\t}\n}\n"
}

func parses(text string) bool {
	_, err := goparser.ParseFile(token.NewFileSet(), "", text, goparser.SkipObjectResolution)
	return err == nil
}

// missing returns the sorted import paths of what the file uses and does not import.
func (b *block) missing(file *ast.File) []string {
	var paths []string
	imported := make(map[string]bool)
	for _, spec := range file.Imports {
		path := strings.Trim(spec.Path.Value, `"`)
		imported[path] = true
		if spec.Name != nil {
			imported[spec.Name.Name] = true
		} else {
			imported[path[strings.LastIndexByte(path, '/')+1:]] = true
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		id, ok := sel.X.(*ast.Ident)
		if !ok || !slices.Contains(file.Unresolved, id) || imported[id.Name] {
			return true
		}
		if path := packages[id.Name]; path != "" && !imported[path] && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
		return true
	})
	slices.Sort(paths)
	return paths
}

// numbered returns text with line numbers, for the messages of the parser.
func numbered(text string) string {
	var b strings.Builder
	n := 0
	for line := range strings.Lines(text) {
		n++
		fmt.Fprintf(&b, "%4d  %s", n, line)
	}
	return b.String()
}
