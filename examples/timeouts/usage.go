package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/trellis-go/trellis/examples/internal/command"
)

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

// commandLine returns the command line for a scene, which stands before the flags.
func commandLine(name string) command.Line[options] {
	return command.Line[options]{
		Name: "timeouts", Head: usageHead, Args: "the URLs",
		Flags: func(o *options, flags *flag.FlagSet) {
			flags.DurationVar(&o.first, "first", 300*time.Millisecond, "the first server answers after this `time`")
			flags.DurationVar(&o.second, "second", 400*time.Millisecond, "the second server answers after this `time`")
			flags.DurationVar(&o.limit, "limit", 500*time.Millisecond, "the `time` limit of sum and shared")
			flags.IntVar(&o.fail, "fail", 25, "request `N` of handle and tasks fails; 0: none")
		},
		Check: func(o *options, args []string) error { return o.check(name, args) },
	}
}

// parse takes a scene off the arguments, and reads the rest.
func parse(args []string, stdout, stderr io.Writer) (o options, code int, ends bool) {
	name := "all"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	return commandLine(name).Parse(args, stdout, stderr)
}

func (o *options) check(name string, urls []string) error {
	isScene := func(name string) bool {
		return name == "all" || slices.ContainsFunc(scenes, func(s scene) bool { return s.name == name })
	}
	o.scenes = slices.DeleteFunc(slices.Clone(scenes), func(s scene) bool { return name != "all" && s.name != name })
	o.urls, o.own = urls, len(urls) > 0
	switch {
	case !isScene(name):
		return fmt.Errorf("there is no scene %q", name)
	case o.own && name == "all" && isScene(urls[0]):
		return fmt.Errorf("scene %s after flags: it must come before them", urls[0])
	case o.first < 0 || o.second < 0 || o.limit <= 0:
		return errors.New("-limit must be positive, -first and -second must not be negative")
	case o.fail < 0 || o.fail > requests:
		return fmt.Errorf("-fail %d: must be one of the %d requests, or 0", o.fail, requests)
	case o.own && (len(urls) != 2 || name != "sum" && name != "shared"):
		return fmt.Errorf("unexpected arguments %q: sum and shared take two URLs, after the flags", urls)
	}
	return nil
}
