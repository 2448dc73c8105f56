package command_test

import (
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trellis-go/trellis/bench/internal/command"
)

// A fake report says which form of it was asked for.
type fake struct {
	Form string
	err  error // of Plot
}

func (fake) WriteTable(w io.Writer) error { return write(w, "table\n") }
func (fake) Markdown() string             { return "markdown\n" }
func (f fake) Plot(w io.Writer) error     { return errors.Join(write(w, "plot\n"), f.err) }

func write(w io.Writer, text string) error {
	_, err := io.WriteString(w, text)
	return err
}

// parsed returns an output with these flags.
func parsed(t *testing.T, args ...string) *command.Output {
	t.Helper()
	o := &command.Output{Name: "measure"}
	flags := flag.NewFlagSet("measure", flag.ContinueOnError)
	o.Define(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestForms(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "table\n"},
		{[]string{"-markdown"}, "markdown\n"},
		{[]string{"-json"}, "{\n\t\"Form\": \"json\"\n}\n"},
	} {
		o := parsed(t, c.args...)
		var out, problems strings.Builder
		err := errors.Join(o.Check(), o.Open(), o.Publish(&out, &problems, fake{Form: "json"}, false), o.Close())
		if err != nil || out.String() != c.want || problems.Len() > 0 {
			t.Errorf("%q gave %q, %q and %v, want %q", c.args, &out, &problems, err, c.want)
		}
	}
	if err := parsed(t, "-json", "-markdown").Check(); err == nil {
		t.Error("Check of -json and -markdown gave no error")
	}
	if err := parsed(t, "-plot", "plot.png").Check(); err == nil {
		t.Error("Check of a plot that is no SVG gave no error")
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	plot, document := filepath.Join(dir, "plot.svg"), filepath.Join(dir, "README.md")
	const before = "<!-- begin measure -->\nold\n<!-- end measure -->\n"
	for _, interrupted := range []bool{true, false} {
		if err := os.WriteFile(document, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		o := parsed(t, "-plot", plot, "-update", document)
		var out, problems strings.Builder
		err := errors.Join(o.Check(), o.Open(), o.Publish(&out, &problems, fake{}, interrupted), o.Close(), o.Close())
		if err != nil {
			t.Errorf("interrupted %v: got %v, want nil", interrupted, err)
		}
		want := strings.Replace(before, "old\n", "\nmarkdown\n\n", 1)
		if interrupted {
			want = before
		}
		if got, err := os.ReadFile(document); string(got) != want {
			t.Errorf("interrupted %v: the document has %q (%v), want %q", interrupted, got, err, want)
		}
		if said := strings.Contains(problems.String(), "stays as it is"); said != interrupted {
			t.Errorf("interrupted %v: complained %q", interrupted, &problems)
		}
		if got, err := os.ReadFile(plot); string(got) != "plot\n" {
			t.Errorf("interrupted %v: the plot has %q (%v), want %q", interrupted, got, err, "plot\n")
		}
	}
}

// What cannot be written is noticed before the work, or named after it.
func TestFilesFail(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing", "plot.svg")
	if err := parsed(t, "-plot", missing).Open(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open of a plot in a folder that is not there gave %v, want %v", err, os.ErrNotExist)
	}
	if err := parsed(t, "-update", filepath.Join(dir, "README.md")).Open(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open of a document that is not there gave %v, want %v", err, os.ErrNotExist)
	}
	failure := errors.New("nothing to plot")
	o := parsed(t, "-plot", filepath.Join(dir, "plot.svg"))
	if err := o.Open(); err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if err := o.Publish(io.Discard, io.Discard, fake{err: failure}, false); !errors.Is(err, failure) || !strings.Contains(err.Error(), "plot.svg") {
		t.Errorf("Publish gave %v, want %v with the name of the file", err, failure)
	}
}
