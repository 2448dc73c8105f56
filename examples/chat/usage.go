package main

import (
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/trellis-go/trellis/examples/internal/command"
)

const usageHead = `Usage: chat [flags]

Chat serves a chat room at http://ADDR/. It ends in good order at Ctrl-C or
SIGTERM: every connection is closed with the reason. A second signal ends it at
once.

  POST /api/v1/auth  with {"login": "ada"} logs in: answers {"id", "name"}, and
                     sets a cookie. Without a name you are Anonymous.
  GET  /api/v1/auth  answers the same for the cookie.
  GET  /ws           joins, as a websocket. Send {"type":"msg","data":"hello"}.
                     What comes is that, with "user", the name, and "id", for
                     every message of every user, and {"type":"join",
                     "id":"...","data":"ada"} and the same with "part" when a
                     user comes or goes. Users of one name have different ids.
  GET  /debug/tasks  shows what runs in the server, to browsers on its machine.

Flags:
`

const usageTail = `
Exit codes:
  0  ended by a signal
  1  it cannot listen on the address, read the key, or the like
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

var commandLine = command.Line[options]{
	Name: "chat", Head: usageHead, Tail: usageTail,
	Flags: func(o *options, flags *flag.FlagSet) {
		*o = options{limits: defaults()}
		l := &o.limits
		flags.StringVar(&o.addr, "addr", "127.0.0.1:8080", "listen on this `address`; port 0 is any free one")
		flags.StringVar(&o.keyFile, "key", "", "sign cookies with the content of this `file`, at least 32 bytes;\nby default with a random key, so that a restart logs all users out")
		flags.IntVar(&l.mailbox, "mailbox", l.mailbox, "keep `N` messages for a client that is slow to read; four\ntimes as many may wait for room, for the time of -patience")
		flags.DurationVar(&l.patience, "patience", l.patience, "drop a client whose mailbox has been full for this `duration`")
		flags.DurationVar(&l.ping, "ping", l.ping, "ping every client at intervals of this `duration`")
		flags.DurationVar(&l.pace, "pace", l.pace, "read the next message of a client after this `duration`;\n0 is at once")
	},
	Check: func(o *options, _ []string) error {
		l := o.limits
		switch {
		case o.addr == "":
			return errors.New("-addr: must not be empty")
		case l.mailbox < 1 || l.mailbox > maxMailbox:
			return fmt.Errorf("-mailbox %d: must be 1 to %d", l.mailbox, maxMailbox)
		case l.patience <= 0:
			return fmt.Errorf("-patience %v: must be positive", l.patience)
		case l.ping <= 0:
			return fmt.Errorf("-ping %v: must be positive", l.ping)
		case l.pace < 0:
			return fmt.Errorf("-pace %v: must not be negative", l.pace)
		}
		return nil
	},
}
