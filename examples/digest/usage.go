package main

import (
	"errors"
	"flag"
	"fmt"
	"runtime"
	"time"

	"github.com/trellis-go/trellis/examples/internal/command"
)

// exitTimeout is the exit code when the time limit has passed.
const exitTimeout = 3

const usageHead = `Usage: digest [-timeout DURATION] [-j N] DIR...

Digest prints the SHA-256 of every regular file below each DIR, one line a file
in the format of sha256sum, in the order of the names. A DIR may be a file.
While it works, a terminal on standard error shows how far it is.

Files and directories that cannot be read are left out, and listed on standard
error at the end. Symbolic links are not followed: those in a directory are
skipped, as devices, pipes and sockets are, and one named as DIR is an error
(write link/ for the directory that it points to). A DIR named twice, or
inside another one, is printed twice.

At the time limit, at Ctrl-C and at SIGTERM digest prints what it has and stops,
within a second also where a read hangs; a second Ctrl-C ends it at once. The
last line on standard error says how many files and bytes were hashed, in what
time, and why digest stopped.

Flags:
`

const usageTail = `
Exit codes:
  0    every file was hashed
  1    something could not be read, or the digests not be written
  2    the command line is wrong
  3    the time limit passed
  130  interrupted by SIGINT or SIGTERM
  141  the reader of the digests has gone, as in: digest DIR | head

Example:
  digest -timeout 30s /usr/lib >SUMS && sha256sum --quiet -c SUMS
`

// options is a command line.
type options struct {
	timeout time.Duration // 0: none
	jobs    int
	roots   []string
}

var commandLine = command.Line[options]{
	Name: "digest", Head: usageHead, Tail: usageTail, Args: "DIR",
	Flags: func(o *options, flags *flag.FlagSet) {
		flags.DurationVar(&o.timeout, "timeout", 0, "stop after this `duration`, such as 30s or 5m; 0 means no limit")
		flags.IntVar(&o.jobs, "j", min(runtime.GOMAXPROCS(0), window), fmt.Sprintf("hash `N` files at a time, 1 to %d", window))
	},
	Check: func(o *options, args []string) error {
		o.roots = args
		switch {
		case o.timeout < 0:
			return fmt.Errorf("-timeout %v: must not be negative", o.timeout)
		case o.jobs < 1 || o.jobs > window:
			return fmt.Errorf("-j %d: must be 1 to %d", o.jobs, window)
		case len(o.roots) == 0:
			return errors.New("no DIR given")
		}
		return nil
	},
}
