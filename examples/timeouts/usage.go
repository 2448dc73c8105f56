package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The exit codes.
const (
	exitOK          = 0
	exitFailed      = 1 // something that is no part of a scene
	exitUsage       = 2
	exitUnexpected  = 3
	exitInterrupted = 130 // 128 + SIGINT, what shells report
)

const usageTail = `
Durations are written as in 300ms or 2.5s. Those of -first, -second and -limit
should not be so close to each other that the speed of the machine decides.

With two URLs, sum and shared make their requests to these, in place of local
servers. What is to be expected is not known then, and not judged. Those of shared
say in their header Time-Left how long the program is going to wait.

Exit codes:
  0    every scene ended as expected
  1    a scene could not be played, such as for want of a server
  2    the command line is wrong
  3    a scene did not end as expected
  130  interrupted by SIGINT or SIGTERM

Examples:
  timeouts                                   all scenes, in a few seconds
  timeouts shared -first 5s -second 4s -limit 8s
  timeouts shared -limit 1s https://go.dev/ https://pkg.go.dev/
  timeouts handle -fail 0                    no handler fails
`

// options is a command line.
type options struct {
	first, second, limit time.Duration
	urls                 []string // two or none

	requests, atOnce, buffer, fail, hang int
	every, work                          time.Duration
}

// own reports whether the servers are the user's.
func (o options) own() bool { return len(o.urls) > 0 }

func (o *options) limitFlags(flags *flag.FlagSet) {
	flags.DurationVar(&o.first, "first", 300*time.Millisecond, "the first server answers after this `duration`")
	flags.DurationVar(&o.second, "second", 400*time.Millisecond, "the second server answers after this `duration`")
	flags.DurationVar(&o.limit, "limit", 500*time.Millisecond, "the time limit, a `duration`")
}

func (o *options) groupFlags(flags *flag.FlagSet) {
	flags.IntVar(&o.requests, "requests", 40, "the producer sends `N` requests")
	flags.DurationVar(&o.every, "every", 10*time.Millisecond, "the producer waits for this `duration` after each")
	flags.IntVar(&o.buffer, "buffer", 4, "`N` requests may wait in the channel")
	flags.IntVar(&o.atOnce, "at-once", 8, "`N` requests may be at work")
	flags.DurationVar(&o.work, "work", 200*time.Millisecond, "each request takes this `duration`")
	flags.IntVar(&o.fail, "fail", 25, "request `N` fails; 0: none")
}

func (o *options) taskFlags(flags *flag.FlagSet) {
	o.groupFlags(flags)
	flags.IntVar(&o.hang, "hang", 3, "in the scene tasks, request `N` hangs until its client gives up; 0: none")
}

func (o *options) allFlags(flags *flag.FlagSet) {
	o.limitFlags(flags)
	o.taskFlags(flags)
}

// command is what the program is asked to do.
type command struct {
	options
	scenes []scene
	help   string // to be printed instead
}

// parse reads a command line.
func parse(args []string) (command, error) {
	chosen, addFlags, name := scenes, (*options).allFlags, "all"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") && args[0] != name {
		i := slices.IndexFunc(scenes, func(s scene) bool { return s.name == args[0] })
		if i < 0 {
			return command{}, fmt.Errorf("there is no scene %q", args[0])
		}
		chosen, addFlags, name = scenes[i:i+1], scenes[i].flags, args[0]
	}
	if len(args) > 0 && args[0] == name {
		args = args[1:]
	}

	c := command{scenes: chosen}
	flags := flag.NewFlagSet("timeouts", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run decides where messages go
	addFlags(&c.options, flags)
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		c.help = usage(flags, name)
		return c, nil
	}
	if err != nil {
		return c, err
	}
	c.urls = flags.Args()
	return c, errors.Join(c.checkURLs(name), c.checkLimits(), c.checkGroup())
}

func (c command) checkURLs(name string) error {
	if len(c.urls) == 0 {
		return nil
	}
	if len(c.scenes) != 1 || !c.scenes[0].urls {
		return fmt.Errorf("unexpected argument %q: %s takes no URLs", c.urls[0], name)
	}
	for _, s := range c.urls {
		u, err := url.Parse(s)
		if err != nil {
			return err
		}
		if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("%q is no URL of a web server; flags come before the URLs", s)
		}
	}
	if len(c.urls) != 2 {
		return fmt.Errorf("%d URLs: want two or none", len(c.urls))
	}
	return nil
}

// checkLimits and checkGroup accept zero values, of flags that the scene does
// not have, as far as they would do no harm.
func (c command) checkLimits() error {
	hasLimit := slices.ContainsFunc(c.scenes, func(s scene) bool { return s.urls })
	switch {
	case hasLimit && c.limit <= 0:
		return fmt.Errorf("-limit %v: must be positive", c.limit)
	case c.first < 0:
		return fmt.Errorf("-first %v: must not be negative", c.first)
	case c.second < 0:
		return fmt.Errorf("-second %v: must not be negative", c.second)
	}
	return nil
}

func (c command) checkGroup() error {
	hasGroup := slices.ContainsFunc(c.scenes, func(s scene) bool { return !s.urls })
	switch {
	case hasGroup && c.requests < 1:
		return fmt.Errorf("-requests %d: must be at least 1", c.requests)
	case hasGroup && c.atOnce < 1:
		return fmt.Errorf("-at-once %d: must be at least 1", c.atOnce)
	case c.buffer < 0:
		return fmt.Errorf("-buffer %d: must not be negative", c.buffer)
	case c.every < 0:
		return fmt.Errorf("-every %v: must not be negative", c.every)
	case c.work < 0:
		return fmt.Errorf("-work %v: must not be negative", c.work)
	case c.fail < 0 || c.fail > c.requests:
		return fmt.Errorf("-fail %d: must be one of the %d requests, or 0", c.fail, c.requests)
	case c.hang < 0 || c.hang > c.requests:
		return fmt.Errorf("-hang %d: must be one of the %d requests, or 0", c.hang, c.requests)
	case c.hang > 0 && c.hang == c.fail:
		return fmt.Errorf("-hang %d: this one fails", c.hang)
	}
	return nil
}

// usage returns the text of -h for one scene, or all.
func usage(flags *flag.FlagSet, name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: timeouts [SCENE] [flags] [URL URL]\n\n"+
		"Timeouts plays scenes with real requests to servers, and says of each what was\n"+
		"expected and what happened. Without a SCENE, or with all, it plays them all:\n\n")
	for _, s := range scenes {
		fmt.Fprintf(&b, "  %-8s %s\n", s.name, s.about)
	}
	fmt.Fprintf(&b, "\nFlags of %s:\n", name)
	flags.SetOutput(&b)
	flags.PrintDefaults()
	b.WriteString(usageTail)
	return b.String()
}
