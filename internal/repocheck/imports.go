package repocheck

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// arrows says which packages of this module the packages of this module may
// import, by folder. Internal packages without a row are open to all but the
// root; one with a row is there for tests, and no package may import it.
// Beyond that there is only the standard library: the requirements in go.mod
// are for tests. A public package without a row has no place in the design.
var arrows = map[string][]string{
	"cancelscope":     {},
	"deadline":        {"cancelscope"},
	"nursery":         {"cancelscope"},
	"memchan":         {"cancelscope"},
	"errgroup":        {},
	"serve":           {"cancelscope", "deadline", "nursery"},
	"tasktree":        {},
	"internal/corpus": {"cancelscope", "deadline", "nursery"},

	"internal/stdcontext": {"cancelscope", "deadline", "nursery"},
}

// checkImports: import arrows go one way, and the root has no code.
func checkImports(r *repository) []string {
	var complaints []string
	for dir, sources := range r.library() {
		for _, s := range sources {
			switch {
			case s.test:
				continue
			case dir == "." && s.path != "doc.go":
				complaints = append(complaints, s.path+": the root package is doc.go only")
			}
			if _, ok := arrows[dir]; !ok && dir != "." && !internal(dir) {
				complaints = append(complaints, s.path+": the package has no row in arrows, which says what it may import")
				continue
			}
			for _, spec := range s.syntax.Imports {
				name, err := strconv.Unquote(spec.Path.Value)
				if err != nil || !mayImport(dir, name) {
					complaints = append(complaints, r.at(spec.Pos(), "%s must not import %s", dir, name))
				}
			}
		}
	}
	slices.Sort(complaints)
	return complaints
}

func mayImport(dir, name string) bool {
	if dir == "." {
		return false
	}
	own, ok := strings.CutPrefix(name, modulePath+"/")
	if !ok {
		// Only the standard library has no dot in the first element.
		first, _, _ := strings.Cut(name, "/")
		return !strings.Contains(first, ".") && name != "C"
	}
	_, row := arrows[own]
	return internal(own) && !row || slices.Contains(arrows[dir], own)
}

// requirements are the modules that the root go.mod may require. Both are for
// tests and documentation; go mod tidy adds no indirect ones to them.
var requirements = []string{"go.uber.org/goleak", "golang.org/x/sync"}

// checkRootModule: users of the library get no dependency that they did not
// ask for, and the oldest Go that can build it is the one that we promise.
func checkRootModule(r *repository) []string {
	var complaints []string
	complain := func(d directive, format string, args ...any) {
		complaints = append(complaints, fmt.Sprintf("go.mod:%d: %s", d.line, fmt.Sprintf(format, args...)))
	}
	seen := make(map[string]bool)
	for _, d := range directives(r.text("go.mod")) {
		seen[d.verb] = true
		switch {
		case d.verb == "module":
			if d.args[0] != modulePath {
				complain(d, "the module is %s, want %s", d.args[0], modulePath)
			}
		case d.verb == "go":
			if d.args[0] != "1.26.0" {
				complain(d, "go %s, want go 1.26.0", d.args[0])
			}
		case d.verb != "require":
			complain(d, "%s has no place in the root module", d.verb)
		case !slices.Contains(requirements, d.args[0]):
			complain(d, "the root module must not require %s", d.args[0])
		}
	}
	for _, verb := range []string{"module", "go"} {
		if !seen[verb] {
			complaints = append(complaints, "go.mod: no "+verb+" directive")
		}
	}
	return complaints
}

// A directive is one line of a go.mod file, with its verb also where that
// stands in front of a block. It has at least one argument.
type directive struct {
	verb string
	args []string
	line int
}

// directives parses as much of go.mod's syntax as go mod tidy leaves behind.
func directives(mod string) []directive {
	var all []directive
	block := ""
	for i, line := range strings.Split(mod, "\n") {
		line, _, _ = strings.Cut(line, "//")
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == ")":
			block = ""
		case block != "":
			all = append(all, directive{block, words, i + 1})
		case len(words) < 2:
		case words[1] == "(":
			block = words[0]
		default:
			all = append(all, directive{words[0], words[1:], i + 1})
		}
	}
	return all
}
