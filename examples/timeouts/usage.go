package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/trellis-go/trellis/examples/internal/command"
)

// Of an interruption shells report 128 and the number of SIGINT.
const exitOK, exitFailed, exitUsage, exitInterrupted = command.ExitOK, 1, command.ExitUsage, 128 + 2

const usageHead = `Usage: timeouts [SCENE] [flags] [URL URL]

Timeouts plays scenes with real requests to local servers, or for sum and shared
to two URLs. Without a SCENE, or with all, it plays all of them:

  sum     two requests with a limit each, and what that adds up to
  shared  one limit for both, in three ways
  handle  a handler that fails ends its group, and no request is lost
  tasks   the same with a handle for each request

Exit codes: 0 if every scene went as it should, 1 if not, 2 if the command line
is wrong, 130 after SIGINT or SIGTERM.

Flags (with times far enough apart for the speed of the machine not to matter):
`

// options is a command line.
type options struct {
	scenes               []scene
	first, second, limit time.Duration
	fail                 int
	urls                 []string // the user's two, or those of local servers
	own                  bool     // the user's
}

func newFlags(o *options) *flag.FlagSet {
	flags := command.Flags("timeouts")
	flags.DurationVar(&o.first, "first", 300*time.Millisecond, "the first server answers after this `time`")
	flags.DurationVar(&o.second, "second", 400*time.Millisecond, "the second server answers after this `time`")
	flags.DurationVar(&o.limit, "limit", 500*time.Millisecond, "the `time` limit of sum and shared")
	flags.IntVar(&o.fail, "fail", 25, "request `N` of handle and tasks fails; 0: none")
	return flags
}

// usage returns the text of -h.
func usage() string { return command.Help(usageHead, newFlags(new(options)), "") }

// parse reads a command line. The error is [flag.ErrHelp] for -h.
func parse(args []string) (o options, err error) {
	name := "all"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	for _, s := range scenes {
		if s.name == name || name == "all" {
			o.scenes = append(o.scenes, s)
		}
	}
	if o.scenes == nil {
		return o, fmt.Errorf("there is no scene %q", name)
	}

	flags := newFlags(&o)
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.urls, o.own = flags.Args(), flags.NArg() > 0
	switch {
	case o.first < 0 || o.second < 0 || o.limit <= 0:
		return o, errors.New("-limit must be positive, -first and -second must not be negative")
	case o.fail < 0 || o.fail > requests:
		return o, fmt.Errorf("-fail %d: must be one of the %d requests, or 0", o.fail, requests)
	case o.own && (len(o.urls) != 2 || name != "sum" && name != "shared"):
		return o, fmt.Errorf("unexpected arguments %q: sum and shared take two URLs, after the flags", o.urls)
	}
	return o, nil
}
