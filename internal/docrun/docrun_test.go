package docrun

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const fence = "```"

// page is a page with blocks of all kinds.
const page = `# Page

` + fence + `go
package main

import "fmt"

func main() { fmt.Println("whole file") }
` + fence + `

` + fence + `text
whole file
` + fence + `

<!-- go:decls
func main() { greet("declarations") }
-->
` + fence + `go
func greet(name string) { fmt.Println("hello", name) }
` + fence + `

It prints:

` + fence + `text
hello declarations
` + fence + `

<!-- go:page shared.txt -->
<!-- go:before
names := []string{"b", "a"}
-->
<!-- go:after
fmt.Println("end", shared)
-->
` + fence + `go
for _, name := range names {
	fmt.Println(name, ctx.Err())
}
` + fence + `

` + fence + `text unordered
a <nil>
b <nil>
end shared
` + fence + `

` + fence + `go
func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { time.Sleep(time.Hour) })
}
` + fence + `

` + fence + `sh
go test ./...
` + fence + `

` + fence + `go
return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error { return errors.New("boom") })
` + fence + `

` + fence + `text
error: boom
` + fence + `
`

// read is what a page may include.
func read(name string) (string, error) {
	if name != "shared.txt" {
		return "", os.ErrNotExist
	}
	return "const shared = \"shared\"\n", nil
}

func TestPage(t *testing.T) {
	blocks, err := parse("page.md", page, read)
	if err != nil || len(blocks) != 5 {
		t.Fatalf("parse = %d blocks, %v, want 5", len(blocks), err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	program, err := build(t.TempDir(), root, blocks)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range blocks {
		if err := b.run(t.Context(), program, packageName(i)); err != nil {
			t.Error(err)
		}
	}
	// The same with another output on the page.
	for i, b := range blocks {
		if b.output += "more\n"; !b.checked {
			continue
		}
		if err := b.run(t.Context(), program, packageName(i)); err == nil || !strings.Contains(err.Error(), "the page says") {
			t.Errorf("run of %s with another output = %v, want a complaint", b, err)
		}
	}
	blocks[0].checked = false
	if err := blocks[0].run(t.Context(), program, packageName(0)); err == nil || !strings.Contains(err.Error(), "the page does not say what") {
		t.Errorf("run of a block that prints, without an output = %v, want a complaint", err)
	}
}

func TestParseComplains(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"open fence", "x\n" + fence + "go\nx := 1\n", "page.md:2: no line"},
		{"open comment", "<!-- go:decls\n", "page.md:1: no line"},
		{"unknown comment", "<!-- go:decl\n-->\n", "unknown kind"},
		{"comment without a block", "<!-- go:decls\nx\n-->\n", "without a block"},
		{"unknown file", "<!-- go:page other.txt -->\n", "page.md:1: file does not exist"},
		{"not formatted", fence + "go\nx  := 1\n" + fence + "\n", "page.md:2: the block is not formatted"},
	} {
		if _, err := parse("page.md", test.text, read); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("parse of %s = %v, want an error with %q", test.name, err, test.want)
		}
	}
}

func TestBuildComplains(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, code, want string }{
		{"syntax", "x := := 1\n", "page.md:7: "},
		{"no main", "func f() {}\n", "page.md:7: the block has declarations and no func main"},
		{"types", "var x int = \"text\"\n_ = x\n", "(page.md:7):"},
	} {
		_, err := build(t.TempDir(), root, []*block{{page: "page.md", line: 7, code: test.code}})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("build of a block with an error of %s = %v, want an error with %q", test.name, err, test.want)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Error(err)
	}
}
