package main

import (
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/trellis-go/trellis/examples/internal/command"
)

// demoLimit is how long it takes to see what all the readers of demo do.
const demoLimit = 10 * time.Second

const usageHead = `Usage: backpressure [-serve] [FLAGS]
       backpressure -connect URL [FLAGS]

Backpressure sends numbered websocket messages to every reader as fast as that
reader takes them, and shows a live table: messages sent, messages buffered
between sender and reader, and how long the sender has been blocked.

Without -serve and -connect it brings its readers along:
  fast      takes all it can
  sleeper   pauses after each message, with deadline.Sleep
  blocker   does so with time.Sleep, which no cancellation interrupts
  quitter   closes in good order after 15 messages
  vanisher  breaks off after 25 messages, without a closing handshake
  stopper   sleeps for an hour after one message, and keeps the connection
  mute      reads, but answers nothing, not even a ping

It ends after -for, at Ctrl-C or at SIGTERM, and says how long after that each
of its readers took to end. A second Ctrl-C ends it at once. The exit code is 0
if it ended so, 2 if the command line is wrong, 141 if the reader of its output
has gone, and 1 after every other failure.

Example with two processes:
  backpressure -serve & backpressure -connect 'ws://127.0.0.1:8082/?name=me' -block

Flags:
`

// options is a command line.
type options struct {
	addr     string
	serve    bool
	patience time.Duration
	connect  string
	block    bool
	pause    time.Duration
	limit    time.Duration // 0: none
}

var commandLine = command.Line[options]{
	Name: "backpressure", Head: usageHead,
	Flags: func(o *options, flags *flag.FlagSet) {
		flags.StringVar(&o.addr, "addr", "127.0.0.1:8082", "listen on this `address`")
		flags.BoolVar(&o.serve, "serve", false, "bring no readers along")
		flags.DurationVar(&o.patience, "patience", 3*time.Second, "cut off a reader that shows no sign of life for this `duration`")
		flags.StringVar(&o.connect, "connect", "", "be a reader only, of the server at this `URL`, where ?name=NAME is what the table says")
		flags.BoolVar(&o.block, "block", false, "with -connect: pause with time.Sleep instead of deadline.Sleep")
		flags.DurationVar(&o.pause, "pause", 700*time.Millisecond, "the `duration` for which sleeper, blocker and the reader of -connect pause")
		flags.DurationVar(&o.limit, "for", 0, fmt.Sprintf("end after this `duration`; 0 means %v with readers of its own, and never otherwise", demoLimit))
	},
	Check: func(o *options, _ []string) error {
		if o.limit == 0 && !o.serve && o.connect == "" {
			o.limit = demoLimit
		}
		switch {
		case o.serve && o.connect != "":
			return errors.New("-serve and -connect exclude each other")
		case o.block && o.connect == "":
			return errors.New("-block needs -connect")
		case o.pause < 0 || o.limit < 0 || o.patience < 100*time.Millisecond:
			return errors.New("-pause and -for must not be negative, and -patience at least 100ms")
		}
		return nil
	},
}
