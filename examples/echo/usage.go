package main

import (
	"flag"
	"fmt"
	"time"

	"github.com/trellis-go/trellis/examples/internal/command"
)

// exitCut is the exit code when connections were cut off.
const exitCut = 3

const usageHead = `Usage: echo [-addr HOST:PORT] [-grace DURATION] [-max-line BYTES] [-v]

Echo listens on a TCP address and sends every line back to the client that it
came from, byte by byte. A last line needs no newline. The line "boom" makes
the handler of the connection fail: the connection is closed, and the others do
not notice. So does a line that is too long, after a line that begins with
"error:".

The first SIGINT (Ctrl-C) or SIGTERM closes the listener, at once, and the
connections may continue for the grace period: a client in the middle of a line
can finish it, and a client that is silent between two lines for a moment is closed.
At the end of the grace period, or at a second signal, the clients that are left
are cut off: nothing more is read from them, and the lines that have been read
are still sent back, if they take them within a moment. A third signal ends the
process whatever it is doing.

The log is on standard error. It has every error of every handler when it
happens and again at the end; its last line counts the connections: accepted,
served (until the client or the server closed in good order), failed, gone (the
client broke off) and cut. If nothing reads the log, lines are dropped, and a
line in their place counts them.

Flags:
`

const usageTail = `
Exit codes:
  0  every connection ended by itself, well or badly, before the server did
  1  it cannot listen on the address, or no longer
  2  the command line is wrong
  3  connections were cut off

Example:
  ./echo -addr 127.0.0.1:9000 & sleep 1; printf 'one\ntwo\n' | nc -N 127.0.0.1 9000

(Without ./ a shell runs its own command echo. Some versions of nc do not know
-N, and end by themselves when the server closes.)
`

// options is a command line.
type options struct {
	addr    string
	grace   time.Duration
	maxLine int
	verbose bool
}

// longestLine bounds -max-line, which is how much memory one client can take.
const longestLine = 1 << 30

var commandLine = command.Line[options]{
	Name: "echo", Head: usageHead, Tail: usageTail,
	Flags: func(o *options, flags *flag.FlagSet) {
		flags.StringVar(&o.addr, "addr", "127.0.0.1:9000", "listen on `HOST:PORT`; port 0 takes any free one, which the log names")
		flags.DurationVar(&o.grace, "grace", 2*time.Second, "cut off connections that are left this `DURATION` after the first signal")
		flags.IntVar(&o.maxLine, "max-line", 64<<10, "take lines of up to this many `BYTES`, the newline not counted")
		flags.BoolVar(&o.verbose, "v", false, "log every connection")
	},
	Check: func(o *options, _ []string) error {
		switch {
		case o.grace < 0:
			return fmt.Errorf("-grace %v: must not be negative", o.grace)
		case o.maxLine < 1 || o.maxLine > longestLine:
			return fmt.Errorf("-max-line %d: must be 1 to %d", o.maxLine, longestLine)
		}
		return nil
	},
}
