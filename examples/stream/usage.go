package main

import (
	"flag"
	"fmt"
	"time"

	"github.com/trellis-go/trellis/examples/internal/command"
)

const usageHead = `Usage: stream [-addr HOST:PORT] [-limit N] [-write-timeout DURATION]

Stream serves a web page with a button. Each press sends a list of jobs through
a websocket, and the results come back one by one. Pressing again, opening the
page in a second tab and reloading it cancel the run in progress; the next one
begins when that has ended. Closing the page cancels it, too.

At Ctrl-C and SIGTERM the runs are canceled, and the pages closed with the reason;
a second signal ends the program at once.

Flags:
`

const usageTail = `
The websocket is /ws?client=ID, with an ID of 1 to 64 letters, digits, "-" and
"_". There is one connection for each ID: a newer one replaces the older, which
is closed with status 4001. A text message is a press, a list of jobs:

  [{"id":"a","kind":"sleep","ms":500},
   {"id":"b","kind":"hash","text":"x","rounds":1000000},
   {"id":"c","kind":"factor","number":9007199254740881}]

The server sends, each with the number of the run that the press began:

  {"type":"started","run":7,"jobs":3}
  {"type":"result","run":7,"job":1,"id":"a","value":"slept 500ms"}
  {"type":"result","run":7,"job":2,"id":"b","error":"..."}
  {"type":"finished","run":7,"jobs":3}
  {"type":"replaced","run":7,"by":8}          pressed again before its end
  {"type":"refused","run":9,"error":"..."}    no list of jobs; run 8 continues

/debug/tasks shows what runs in the server, to browsers on its machine.

Exit codes:
  0  stopped by SIGINT or SIGTERM
  1  it cannot listen on the address, or cannot continue
  2  the command line is wrong

Example:
  stream -addr 127.0.0.1:8081 -limit 3
`

// options is a command line.
type options struct {
	addr         string
	limit        int
	writeTimeout time.Duration
}

var commandLine = command.Line[options]{
	Name: "stream", Head: usageHead, Tail: usageTail,
	Flags: func(o *options, flags *flag.FlagSet) {
		flags.StringVar(&o.addr, "addr", "127.0.0.1:8081", "listen on `HOST:PORT`; port 0 takes a free one")
		flags.IntVar(&o.limit, "limit", 10, "do `N` jobs of a run at a time")
		flags.DurationVar(&o.writeTimeout, "write-timeout", 5*time.Second,
			"how long a client may take to accept a message, or not answer pings, before it\ncounts as gone: a `duration` such as 5s")
	},
	Check: func(o *options, _ []string) error {
		switch {
		case o.limit < 1:
			return fmt.Errorf("-limit %d: must be at least 1", o.limit)
		case o.writeTimeout < time.Millisecond:
			return fmt.Errorf("-write-timeout %v: must be at least 1ms", o.writeTimeout)
		}
		return nil
	},
}
