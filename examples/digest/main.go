// Digest prints the SHA-256 of every regular file below the directories it is given, in
// the format of sha256sum, in an order that does not depend on timing, on all processors,
// and in memory that does not grow with the tree. At a time limit and at Ctrl-C it prints
// what it has and stops. Run it with -h for its flags.
//
//   - digest.go: the loop over the digests, and what is printed;
//   - files.go: the files below the directories, and the digest of one, which are plain
//     functions.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/trellis-go/trellis/examples/internal/stdout"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// options is a command line.
type options struct {
	timeout  time.Duration // 0: none
	progress time.Duration // 0: none
	jobs     int
	roots    []string
}

func main() {
	var o options
	flags := o.flags()
	flags.Parse(os.Args[1:]) // ends the process if it cannot
	if err := o.check(flags.Args()); err != nil {
		fmt.Fprintf(os.Stderr, "digest: %v\nRun digest -h for help.\n", err)
		os.Exit(2)
	}
	// The first Ctrl-C cancels the context, and the second one ends the process. What
	// there is to say about that, digest says itself.
	serve.Program{Log: slog.New(slog.DiscardHandler)}.Main(func(ctx context.Context, _ *nursery.Nursery) error {
		d := &digester{options: o, open: open, stdout: stdout.Writer(), stderr: os.Stderr}
		return d.run(ctx)
	})
}

func (o *options) flags() *flag.FlagSet {
	flags := flag.NewFlagSet("digest", flag.ExitOnError)
	flags.DurationVar(&o.timeout, "timeout", 0, "stop after this `duration`, such as 30s or 5m; 0 means no limit")
	flags.DurationVar(&o.progress, "progress", 0, "say how far it is whenever this `duration` has passed; 0 means never")
	flags.IntVar(&o.jobs, "j", runtime.GOMAXPROCS(0), "hash `N` files at a time")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), `Usage: digest [-timeout DURATION] [-progress DURATION] [-j N] DIR...

Digest prints the SHA-256 of every regular file below each DIR in the format of
sha256sum. A DIR may be a file. What cannot be read is reported on standard error, whose
last line says how many files were hashed, and why digest stopped. The exit code
is 0 if every file was hashed, and 130 after Ctrl-C.

`)
		flags.PrintDefaults()
	}
	return flags
}

func (o *options) check(roots []string) error {
	o.roots = roots
	switch {
	case len(roots) == 0:
		return errors.New("no DIR given")
	case o.timeout < 0 || o.progress < 0:
		return errors.New("-timeout and -progress must not be negative")
	case o.jobs < 1:
		return fmt.Errorf("-j %d: must be at least 1", o.jobs)
	}
	for _, root := range roots[1:] {
		if strings.HasPrefix(root, "-") {
			return fmt.Errorf("%s after %q: flags must come before DIR; a DIR of that name is ./%[1]s", root, roots[0])
		}
	}
	return nil
}
