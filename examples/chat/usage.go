package main

import (
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/trellis-go/trellis/examples/internal/command"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = command.ExitUsage
)

const usageHead = `Usage: chat [flags]

Chat serves a chat room at http://ADDR/. It ends in good order at Ctrl-C or
SIGTERM: everybody's connection is closed with the reason. A second signal ends
it at once.

  POST /api/v1/auth  with {"login": "ada"} logs in: answers {"id", "name"}, and
                     sets a cookie. Without a name you are Anonymous.
  GET  /api/v1/auth  answers the same for the cookie.
  GET  /ws           joins, as a websocket. Send {"type":"msg","data":"hello"}.
                     What comes is that, with "user", for everything that
                     anybody sends, and {"type":"join","data":"ada"} and
                     {"type":"part","data":"ada"} for those who come and go.

Flags:
`

const usageTail = `
Exit codes:
  0  ended by a signal
  1  the address could not be listened on, the key not be read, or the like
  2  the command line is wrong
`

// options is a command line.
type options struct {
	addr    string
	keyFile string
	limits  limits
}

// limits bounds what a client may cost the server, and the others.
type limits struct {
	mailbox  int           // messages in the mailbox of a client
	patience time.Duration // how long the mailbox may be full
	ping     time.Duration // between a pong and the next ping
	pong     time.Duration // for the answer to a ping
	write    time.Duration // for the writing of one message
	pace     time.Duration // between two messages of one client
	farewell time.Duration // for the closing handshake
}

// maxMailbox is where a mailbox is bounded in name only.
const maxMailbox = 1 << 20

// defaults are the limits where no flag says otherwise.
func defaults() limits {
	return limits{
		mailbox:  256,
		patience: 5 * time.Second,
		ping:     20 * time.Second,
		pong:     10 * time.Second,
		write:    10 * time.Second,
		pace:     10 * time.Millisecond,
		farewell: 5 * time.Second,
	}
}

func newFlags(o *options) *flag.FlagSet {
	*o = options{limits: defaults()}
	flags := command.Flags("chat")
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8080", "listen on this `address`; port 0 is any free one")
	flags.StringVar(&o.keyFile, "key", "", "sign cookies with the content of this `file`, at least 32 bytes;\nby default with a random key, so that a restart logs everybody out")
	flags.IntVar(&o.limits.mailbox, "mailbox", o.limits.mailbox, "keep `N` messages for a client that is slow to read; four\ntimes as many may wait for room, for the time of -patience")
	flags.DurationVar(&o.limits.patience, "patience", o.limits.patience, "drop a client whose mailbox has been full for this `duration`")
	flags.DurationVar(&o.limits.ping, "ping", o.limits.ping, "ping every client at intervals of this `duration`")
	flags.DurationVar(&o.limits.pace, "pace", o.limits.pace, "read the next message of a client after this `duration`;\n0 is at once")
	return flags
}

// parse reads a command line. The error is [flag.ErrHelp] for -h.
func parse(args []string) (options, error) {
	var o options
	flags := newFlags(&o)
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.addr == "":
		return o, errors.New("-addr: must not be empty")
	case o.limits.mailbox < 1 || o.limits.mailbox > maxMailbox:
		return o, fmt.Errorf("-mailbox %d: must be 1 to %d", o.limits.mailbox, maxMailbox)
	case o.limits.patience <= 0:
		return o, fmt.Errorf("-patience %v: must be positive", o.limits.patience)
	case o.limits.ping <= 0:
		return o, fmt.Errorf("-ping %v: must be positive", o.limits.ping)
	case o.limits.pace < 0:
		return o, fmt.Errorf("-pace %v: must not be negative", o.limits.pace)
	}
	return o, nil
}

// usage returns the text of -h.
func usage() string {
	return command.Help(usageHead, newFlags(new(options)), usageTail)
}
