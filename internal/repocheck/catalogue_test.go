package repocheck

import (
	"maps"
	"strings"
	"testing"
	"testing/fstest"
)

// catalogued is a repository whose catalogue is in order, file by file.
var catalogued = map[string]string{
	"go.mod":                          "module github.com/trellis-go/trellis\n",
	"testdata/catalogue.csv":          "id,area,applicable\na::above,nursery,yes\na::inside,cancel,partly\na::subtest,shield,yes\na::helper,start,yes\na::out,panic,yes\n",
	"testdata/catalogue-left-out.txt": "a::out\tno panics here\n",

	"nursery/run_test.go": `package nursery_test

import "testing"

// TestAbove says what it does.
//
// catalogue: a::above
func TestAbove(t *testing.T) { run(t) }

func TestInside(t *testing.T) {
	// catalogue: a::inside
	run(t)
	// catalogue: a::subtest
	t.Run("again", func(t *testing.T) {
		// catalogue: a::inside
		run(t)
	})
}
`,
	"nursery/helper_test.go": `package nursery_test

import "testing"

func run(t *testing.T) {
	// catalogue: a::helper
	t.Run("helper", func(t *testing.T) { t.Log() })
}
`,
	"nursery/testdata/old_test.go": "package old\n\n// catalogue: a::unknown\n",
	"examples/go.mod":              "module example\n",
	"examples/run_test.go":         "package examples\n\n// catalogue: a::unknown\n",
}

func TestCatalogueAccepts(t *testing.T) {
	covered, rows, complaints := checkDoctored(t, nil)
	if covered != 4 || rows != 5 || complaints != nil {
		t.Errorf("checkCatalogue of a repository in order = %d, %d, %q, want 4, 5, none", covered, rows, complaints)
	}
	covered, rows, complaints = checkDoctored(t, map[string]string{
		"testdata/catalogue-left-out.txt": "",
		"nursery/out_test.go":             test("// catalogue: a::out", "func TestOut(t *testing.T) { t.Log() }"),
	})
	if covered != 5 || rows != 5 || complaints != nil {
		t.Errorf("checkCatalogue of a repository that leaves nothing out = %d, %d, %q, want 5, 5, none", covered, rows, complaints)
	}
}

// TestCatalogueComplains doctors one file at a time. Each complaint has to be
// made, and no other.
func TestCatalogueComplains(t *testing.T) {
	const (
		extra     = "nursery/extra_test.go"
		out       = "// catalogue: a::out"
		body      = "{ t.Log() }"
		misplaced = "a::out: neither above a test nor inside one that is built"
	)
	tests := []struct {
		name, file, text string
		covered          int
		want             []string
	}{
		{"a test is gone", "nursery/helper_test.go", "package nursery_test\n", 3,
			[]string{"a::helper: no test, and not left out"}},
		{"all tests are gone but one", "nursery/run_test.go", "package nursery_test\n", 1,
			[]string{"a::above: no test", "a::inside: no test", "a::subtest: no test"}},
		{"not left out any more", catalogueLeftOut, "", 4,
			[]string{"a::out: no test, and not left out"}},
		{"no reason", catalogueLeftOut, "a::out\t \n", 4,
			[]string{"a::out: no reason"}},
		{"no tab", catalogueLeftOut, "a::out no panics here\n", 4,
			[]string{"a::out no panics here: no reason", "a::out no panics here is not in", "a::out: no test, and not left out"}},
		{"an empty line", catalogueLeftOut, "a::out\tno panics here\n\n", 4,
			[]string{": no reason", " is not in"}},
		{"left out twice", catalogueLeftOut, "a::out\tno panics here\na::out\tstill not\n", 4,
			[]string{"twice: a::out"}},
		{"an unknown one left out", catalogueLeftOut, "a::out\tno panics here\na::typo\tnot there\n", 4,
			[]string{catalogueLeftOut + ": a::typo is not in"}},
		{"left out and covered", extra, test(out, "func TestOut(t *testing.T) "+body), 5,
			[]string{"a::out has a test after all: nursery/extra_test.go:5"}},

		{"an unknown id", extra, test("// catalogue: a::typo", "func TestTypo(t *testing.T) "+body), 4,
			[]string{"nursery/extra_test.go:5: a::typo is not in"}},
		{"without a blank", extra, test("//catalogue: a::out", "func TestOut(t *testing.T) "+body), 4,
			[]string{`"//catalogue: a::out": want`}},
		{"two ids in a line", extra, test("// catalogue: a::out a::above", "func TestOut(t *testing.T) "+body), 4,
			[]string{`"// catalogue: a::out a::above": want`}},
		{"without an id", extra, test("// Catalogue:", "func TestOut(t *testing.T) "+body), 4,
			[]string{`"// Catalogue:": want`}},
		{"in a block comment", extra, test("/* catalogue: a::out */", "func TestOut(t *testing.T) "+body), 4,
			[]string{`"/* catalogue: a::out */": want`}},

		{"above nothing", extra, test(out, ""), 4, []string{misplaced}},
		{"a line between", extra, test(out, "", "func TestOut(t *testing.T) "+body), 4, []string{misplaced}},
		{"behind a test", extra, test("func TestOut(t *testing.T) "+body, out), 4, []string{misplaced}},
		{"above a helper", extra, test(out, "func out(t *testing.T) "+body), 4, []string{misplaced}},
		{"in a helper", extra, test("func out(t *testing.T) {", out, "}"), 4, []string{misplaced}},
		{"above a method", extra, test(out, "func (s suite) TestOut(t *testing.T) "+body), 4, []string{misplaced}},
		{"above no test", extra, test(out, "func Testing(t *testing.T) "+body), 4, []string{misplaced}},
		{"above a benchmark", extra, test(out, "func BenchmarkOut(b *testing.B) "+body), 4, []string{misplaced}},
		{"above TestMain", extra, test(out, "func TestMain(m *testing.M) "+body), 4, []string{misplaced}},
		{"above an empty test", extra, test(out, "func TestOut(t *testing.T) {}"), 4, []string{misplaced}},
		{"above another Run", extra, test("func out(s *scope) {", out, "s.Run(ctx, func(ctx context.Context) error { return nil })", "}"), 4,
			[]string{misplaced}},
		{"not in a test file", "nursery/extra.go", test(out, "func TestOut(t *testing.T) "+body), 4,
			[]string{"nursery/extra.go:5: " + misplaced}},
		{"in a file that is never built", extra, "//go:build ignore\n\n" + test(out, "func TestOut(t *testing.T) "+body), 4, []string{misplaced}},
		{"in a hidden file", "nursery/_extra_test.go", test(out, "func TestOut(t *testing.T) "+body), 4, []string{misplaced}},

		{"no catalogue", catalogueFile, "", 0,
			[]string{"want the columns", "a::above is not in", "a::helper is not in", "a::inside is not in", "a::subtest is not in", "a::out is not in"}},
		{"another column", catalogueFile, strings.Replace(catalogued[catalogueFile], "applicable", "asserts", 1), 0,
			[]string{"want the columns", "a::above is not in", "a::helper is not in", "a::inside is not in", "a::subtest is not in", "a::out is not in"}},
		{"a row is gone", catalogueFile, strings.Replace(catalogued[catalogueFile], "a::above,nursery,yes\n", "", 1), 3,
			[]string{"nursery/run_test.go:7: a::above is not in"}},
		{"a row twice", catalogueFile, catalogued[catalogueFile] + "a::above,nursery,yes\n", 4,
			[]string{"twice: a::above"}},
		{"another area", catalogueFile, strings.Replace(catalogued[catalogueFile], "nursery", "misc", 1), 4,
			[]string{`a::above: area "misc"`}},
		{"not applicable", catalogueFile, strings.Replace(catalogued[catalogueFile], "partly", "no", 1), 4,
			[]string{`a::inside: area "cancel", applicable "no"`}},
		{"a row without columns", catalogueFile, catalogued[catalogueFile] + "a::more\n", 0,
			[]string{"wrong number of fields", "a::above is not in", "a::helper is not in", "a::inside is not in", "a::subtest is not in", "a::out is not in"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			covered, _, got := checkDoctored(t, map[string]string{test.file: test.text})
			if covered != test.covered {
				t.Errorf("checkCatalogue: %d rows covered, want %d", covered, test.covered)
			}
			if len(got) != len(test.want) {
				t.Fatalf("checkCatalogue: complaints %q, want %q", got, test.want)
			}
			for i, want := range test.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("checkCatalogue: complaint %q, want %q in it", got[i], want)
				}
			}
		})
	}
}

// What does not parse never gets as far as having its ids counted.
func TestCatalogueNeedsSyntax(t *testing.T) {
	_, err := readDoctored(map[string]string{
		"nursery/extra_test.go": test("// catalogue: a::out", "func TestOut(t *testing.T) { t.Log( }"),
	})
	if err == nil || !strings.Contains(err.Error(), "nursery/extra_test.go:6") {
		t.Errorf("readRepository of a test that does not parse: %v, want an error in its line", err)
	}
}

// test returns a test file with the lines from its fifth on.
func test(lines ...string) string {
	return "package nursery_test\n\nimport \"testing\"\n\n" + strings.Join(lines, "\n") + "\n"
}

// checkDoctored checks catalogued with some files replaced.
func checkDoctored(t *testing.T, replaced map[string]string) (covered, rows int, complaints []string) {
	t.Helper()
	repo, err := readDoctored(replaced)
	if err != nil {
		t.Fatalf("readRepository: %v", err)
	}
	return checkCatalogue(repo)
}

func readDoctored(replaced map[string]string) (*repository, error) {
	files := maps.Clone(catalogued)
	maps.Copy(files, replaced)
	fsys := make(fstest.MapFS)
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return readRepository(fsys, func(string) bool { return true })
}
