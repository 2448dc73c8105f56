package command_test

import (
	"errors"
	"flag"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/trellis-go/trellis/examples/internal/command"
)

// options are those of the program tool.
type options struct {
	n    int
	args []string
}

// line returns the command line of tool.
func line(args string) command.Line[options] {
	return command.Line[options]{
		Name: "tool", Head: "Usage: tool\n", Tail: "That is all.\n", Args: args,
		Flags: func(o *options, flags *flag.FlagSet) { flags.IntVar(&o.n, "n", 1, "do it `N` times") },
		Check: func(o *options, args []string) error {
			if o.args = args; o.n < 0 {
				return errors.New("-n: must not be negative")
			}
			return nil
		},
	}
}

func TestParse(t *testing.T) {
	const help = "Run tool -h for help.\n"
	for _, tt := range []struct {
		name, accepts  string
		args           []string
		code           int
		ends           bool
		stdout, stderr string
	}{
		{"nothing", "", nil, 0, false, "", ""},
		{"flags and arguments", "DIR", []string{"-n", "2", "a", "-", "b"}, 0, false, "", ""},
		{"help", "DIR", []string{"-n", "2", "-h"}, 0, true, "Usage: tool\n  -n N\n    \tdo it N times (default 1)\nThat is all.\n", ""},
		{"of the program", "", []string{"-n", "-1"}, 2, true, "", "tool: -n: must not be negative\n" + help},
		{"of the flags", "", []string{"-x"}, 2, true, "", "tool: flag provided but not defined: -x\n" + help},
		{"argument", "", []string{"a", "-n", "1"}, 2, true, "", "tool: unexpected argument \"a\"\n" + help},
		{"flag after arguments", "DIR", []string{"-n", "2", "a", "b", "-n=3"}, 2, true, "",
			"tool: -n=3 after \"a\": flags must come before DIR; after -- nothing is a flag\n" + help},
		{"help after arguments", "DIR", []string{"a", "--help"}, 2, true, "",
			"tool: --help after \"a\": flags must come before DIR; after -- nothing is a flag\n" + help},
		{"after --", "DIR", []string{"-n", "2", "--", "a", "-n"}, 0, false, "", ""},
		{"second --", "DIR", []string{"a", "--", "-n"}, 2, true, "",
			"tool: -- after \"a\": flags must come before DIR; after -- nothing is a flag\n" + help},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr strings.Builder
			o, code, ends := line(tt.accepts).Parse(tt.args, &stdout, &stderr)
			if code != tt.code || ends != tt.ends || stdout.String() != tt.stdout || stderr.String() != tt.stderr {
				t.Errorf("Parse(%q) = %d, %t with %q and %q, want %d, %t with %q and %q",
					tt.args, code, ends, stdout.String(), stderr.String(), tt.code, tt.ends, tt.stdout, tt.stderr)
			}
			if tt.name == "after --" && (o.n != 2 || strings.Join(o.args, " ") != "a -n") {
				t.Errorf("Parse(%q) = %+v, want 2 and the arguments a and -n", tt.args, o)
			}
		})
	}
}

// A broken output fails with err.
type broken struct{ err error }

func (b broken) Write([]byte) (int, error) {
	return 0, &fs.PathError{Op: "write", Path: "/dev/stdout", Err: b.err}
}

// Help that cannot be written is a failure, unless its reader has gone.
func TestHelpLost(t *testing.T) {
	for err, want := range map[error]struct {
		code   int
		stderr string
	}{
		syscall.ENOSPC: {1, "tool: write /dev/stdout: no space left on device\n"},
		syscall.EBADF:  {1, "tool: write /dev/stdout: bad file descriptor\n"},
		syscall.EPIPE:  {141, ""},
	} {
		var stderr strings.Builder
		_, code, ends := line("").Parse([]string{"-h"}, broken{err}, &stderr)
		if code != want.code || !ends || stderr.String() != want.stderr {
			t.Errorf("Parse(-h) to an output that fails with %v: %d, %t, %q, want %+v", err, code, ends, stderr.String(), want)
		}
	}
}

func TestOutput(t *testing.T) {
	var failures []error
	w := &failing{}
	out := command.NewOutput(w, func(err error) { failures = append(failures, err) })
	if _, err := io.WriteString(out, "one\n"); err != nil || out.Err() != nil {
		t.Errorf("Write = %v, Err = %v, want nil", err, out.Err())
	}
	w.err = syscall.ENOSPC
	_, err1 := io.WriteString(out, "two\n")
	w.err = nil
	_, err2 := io.WriteString(out, "three\n")
	if err1 != syscall.ENOSPC || err2 != syscall.ENOSPC || out.Err() != syscall.ENOSPC || len(failures) != 1 {
		t.Errorf("Write = %v, then %v, Err = %v, failures %v; want ENOSPC everywhere, and once", err1, err2, out.Err(), failures)
	}
	if got := w.String(); got != "one\n" {
		t.Errorf("written: %q, want nothing after the error", got)
	}
}

// A failing writer fails with err unless that is nil.
type failing struct {
	strings.Builder
	err error
}

func (f *failing) Write(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return f.Builder.Write(p)
}

func TestNoTerminal(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, w := range []io.Writer{null, &strings.Builder{}, command.NewOutput(null, nil)} {
		if f := command.Terminal(w); f != nil {
			t.Errorf("Terminal(%T) = %v, want nil", w, f.Name())
		}
	}
}
