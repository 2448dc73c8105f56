package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

// The exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
	exitPipe  = 141 // 128 + SIGPIPE
)

// demoLimit is how long the program runs with readers of its own, unless told
// otherwise. By then all has been seen.
const demoLimit = 10 * time.Second

const usageHead = `Usage: backpressure [-addr ADDRESS] [-serve] [FLAGS]
       backpressure -connect URL [FLAGS]

Backpressure sends numbered websocket messages to every reader as fast as that
reader takes them, and shows a live table: messages sent, messages buffered
between sender and reader, and how long the sender has been blocked.

Without -serve and -connect it brings its readers along:
  fast      takes all it can
  sleeper   pauses for -read-every after each message, with deadline.Sleep
  blocker   does so with time.Sleep, which no cancellation interrupts
  quitter   closes in good order after 25 messages
  vanisher  breaks off after 40 messages, without a closing handshake
  stopper   stops reading after 10 messages, and keeps the connection
  mute      reads, but answers nothing, not even a ping
With -serve it waits for readers from elsewhere, such as its own -connect.
These are also welcome beside the readers it brings along.

It ends after -for, at Ctrl-C or at SIGTERM, and says how long after that each
of its readers took to end. A second Ctrl-C ends it at once.

Flags:
`

const usageTail = `
Exit codes:
  0    it ended as told: by -for, a signal, or after -take messages
  1    it cannot listen or connect, or the connection of -connect failed
  2    the command line is wrong
  141  whoever read the output has gone, as in: backpressure | head

Examples:
  backpressure -for 20s -read-every 2s
  backpressure -serve & backpressure -connect ws://127.0.0.1:8082/ -block
`

// options is a command line.
type options struct {
	addr     string
	serve    bool
	size     int
	patience time.Duration

	connect string
	name    string
	block   bool
	mute    bool
	take    int64
	then    string

	every  time.Duration
	buffer int
	limit  time.Duration // 0: none
}

// serverFlags and readerFlags make sense on one side only.
var (
	serverFlags = []string{"addr", "serve", "size", "patience"}
	readerFlags = []string{"name", "block", "mute", "take", "then"}
)

func newFlags(o *options) *flag.FlagSet {
	flags := flag.NewFlagSet("backpressure", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run decides where messages go
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8082", "listen on this `address`")
	flags.BoolVar(&o.serve, "serve", false, "bring no readers along")
	flags.IntVar(&o.size, "size", 32<<10, "size of a message in `bytes`")
	flags.DurationVar(&o.patience, "patience", 3*time.Second, "cut a reader off that has acknowledged nothing and answered no ping for this `duration`; one that never acknowledges must also take in a ping within 5s")
	flags.StringVar(&o.connect, "connect", "", "be a reader only, of the server at this `URL`")
	flags.StringVar(&o.name, "name", "", "with -connect: the `name` to go by in the server's table")
	flags.BoolVar(&o.block, "block", false, "with -connect: pause with time.Sleep instead of deadline.Sleep")
	flags.BoolVar(&o.mute, "mute", false, "with -connect: answer nothing")
	flags.Int64Var(&o.take, "take", 0, "with -connect: take `N` messages, and then do what -then says; 0 means no limit")
	flags.StringVar(&o.then, "then", string(endClose), "`what` comes after -take: close the connection in good order, break it off without a closing handshake, or stop reading and keep it")
	flags.DurationVar(&o.every, "read-every", 700*time.Millisecond, "pause for this `duration` after each message: the sleeper, the blocker and the reader of -connect")
	flags.IntVar(&o.buffer, "buffer", 32<<10, "size of socket buffers in `bytes`; 0 leaves it to the system, whose take long to fill; less than 16384 makes a loopback crawl")
	flags.DurationVar(&o.limit, "for", 0, fmt.Sprintf("end after this `duration`; 0 means no limit (default %v with readers of its own, otherwise 0)", demoLimit))
	return flags
}

// parse reads a command line. The error is [flag.ErrHelp] for -h.
func parse(args []string) (options, error) {
	var o options
	flags := newFlags(&o)
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	given := make(map[string]bool)
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if err := sides(given, o); err != nil {
		return o, err
	}
	if !given["for"] && o.connect == "" && !o.serve {
		o.limit = demoLimit
	}
	return o, o.check()
}

// sides returns an error if flags were given that the program would ignore.
func sides(given map[string]bool, o options) error {
	if given["connect"] && o.connect == "" {
		return errors.New("-connect: no URL given")
	}
	for _, name := range serverFlags {
		if given[name] && given["connect"] {
			return fmt.Errorf("-%s is for the server, and -connect makes a reader only", name)
		}
	}
	for _, name := range readerFlags {
		if given[name] && !given["connect"] {
			return fmt.Errorf("-%s needs -connect", name)
		}
	}
	if given["then"] && o.take == 0 {
		return errors.New("-then needs -take")
	}
	if given["read-every"] && o.serve {
		return errors.New("-read-every is for readers, and -serve brings none along")
	}
	return nil
}

// check returns an error if a value is out of range.
func (o options) check() error {
	switch {
	case o.size < 64 || o.size > maxSize:
		return fmt.Errorf("-size %d: must be 64 to %d", o.size, maxSize)
	case o.patience < 100*time.Millisecond:
		return fmt.Errorf("-patience %v: must be at least 100ms", o.patience)
	case o.take < 0:
		return fmt.Errorf("-take %d: must not be negative", o.take)
	case o.then != string(endClose) && o.then != string(endBreak) && o.then != string(endStop):
		return fmt.Errorf("-then %q: must be close, break or stop", o.then)
	case o.every < 0:
		return fmt.Errorf("-read-every %v: must not be negative", o.every)
	case o.buffer < 0 || o.buffer > 1<<30:
		return fmt.Errorf("-buffer %d: must be 0 to %d", o.buffer, 1<<30)
	case o.limit < 0:
		return fmt.Errorf("-for %v: must not be negative", o.limit)
	}
	return nil
}

// usage returns the text of -h.
func usage() string {
	var b strings.Builder
	b.WriteString(usageHead)
	flags := newFlags(new(options))
	flags.SetOutput(&b)
	flags.PrintDefaults()
	b.WriteString(usageTail)
	return b.String()
}
