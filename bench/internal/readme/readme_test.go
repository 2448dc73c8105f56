package readme_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trellis-go/trellis/bench/internal/readme"
)

const document = `# Title

<!-- begin one -->
old
<!-- end one -->
between
<!-- begin two -->
<!-- end two -->
`

func TestReplace(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"one", "new\n", strings.Replace(document, "old\n", "\nnew\n\n", 1)},
		{"two", "\n\nnew\nlines", strings.Replace(document, "<!-- begin two -->\n", "<!-- begin two -->\n\nnew\nlines\n\n", 1)},
	} {
		got, err := readme.Replace(document, c.name, c.text)
		if err != nil || got != c.want {
			t.Errorf("Replace of %s gave %v and\n%s\nwant\n%s", c.name, err, got, c.want)
		}
		again, err := readme.Replace(got, c.name, c.text)
		if err != nil || again != got {
			t.Errorf("Replace of %s by the same text gave %v and\n%s\nwant what was there", c.name, err, again)
		}
		block, err := readme.Block(got, c.name)
		if want := strings.Trim(c.text, "\n"); err != nil || block != want {
			t.Errorf("Block of %s = %q, %v, want %q", c.name, block, err, want)
		}
	}
}

func TestReplaceFails(t *testing.T) {
	for what, document := range map[string]string{
		"nothing":   "",
		"no end":    "<!-- begin one -->\n",
		"end first": "<!-- end one -->\n<!-- begin one -->\n",
		"two":       strings.Repeat("<!-- begin one -->\n<!-- end one -->\n", 2),
		"in a line": "see <!-- begin one --> <!-- end one -->\n",
	} {
		if got, err := readme.Replace(document, "one", "new"); err == nil {
			t.Errorf("Replace in a document with %s gave %q, want an error", what, got)
		}
	}
	if _, err := readme.Block(document, "three"); err == nil {
		t.Error("Block of what is not there gave no error")
	}
}

func TestUpdate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "README.md")
	if err := readme.Check(file, "one"); err == nil {
		t.Error("Check of a file that is not there gave no error")
	}
	if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := readme.Check(file, "three"); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("Check of markers that are not there gave %v, want an error with the name of the file", err)
	}
	if err := readme.Check(file, "one"); err != nil {
		t.Errorf("Check gave %v, want nil", err)
	}
	if err := readme.Update(file, "one", "new"); err != nil {
		t.Errorf("Update gave %v, want nil", err)
	}
	got, err := os.ReadFile(file)
	want, _ := readme.Replace(document, "one", "new")
	if err != nil || string(got) != want {
		t.Errorf("after Update the file has\n%s (%v), want\n%s", got, err, want)
	}
	if err := readme.Update(file, "three", "new"); err == nil {
		t.Error("Update of what is not there gave no error")
	}
}

func TestMalformed(t *testing.T) {
	const table = "| a | b |\n|---|---|\n| c \\| d | |\n"
	const count = "\n2 goals, 1 met.\n"
	for _, c := range []struct{ text, want string }{
		{table + count, ""},
		{table + "\n" + "| a |\n|---|\n" + count, ""},
		{count, "no table"},
		{table, "no line that counts goals"},
		{table + "| e |\n" + count, "line 4 has 1 cells, want 2: | e |"},
		{table + "| e | f\n" + count, "line 4 has 1 cells, want 2: | e | f"},
		{"", "no table; no line that counts goals"},
	} {
		if got := strings.Join(readme.Malformed(c.text), "; "); got != c.want {
			t.Errorf("Malformed of %q = %q, want %q", c.text, got, c.want)
		}
	}
}
