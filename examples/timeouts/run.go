package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/trellis-go/trellis/cancelscope"
)

// A scene is something that can be asked for by name.
type scene struct {
	name, about string
	flags       func(*options, *flag.FlagSet)
	urls        bool // takes URLs, and has the limits' flags
	play        func(ctx context.Context, p *program, o options) error
}

// scenes are played in this order.
var scenes = []scene{
	{"sum", "two requests with a limit each, and what that adds up to", (*options).limitFlags, true, playWays(ownLimits...)},
	{"shared", "one limit for both, in four variants", (*options).limitFlags, true, playWays(sharedLimits...)},
	{"handle", "a handler that fails ends its group, and no request is lost", (*options).groupFlags, false, playHandle},
	{"tasks", "the same with a handle for each request", (*options).taskFlags, false, playTasks},
}

// A program is timeouts with the world it runs in, which tests replace.
type program struct {
	stdout, stderr io.Writer
	listen         func() (net.Listener, error)
	client         *http.Client

	// Set by run.
	story      *story
	unexpected int // scenes that did not end as they should
}

// run executes one command line and returns the exit code. Canceling ctx is
// the interruption: run then returns as soon as its tasks have ended.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	p := &program{stdout: stdout, stderr: stderr, listen: localhost, client: &http.Client{Transport: transport}}
	return p.run(ctx, args)
}

func (p *program) run(ctx context.Context, args []string) int {
	c, err := parse(args)
	if err != nil {
		fmt.Fprintf(p.stderr, "timeouts: %v\nRun timeouts -h for help.\n", err)
		return exitUsage
	}
	if c.help != "" {
		io.WriteString(p.stdout, c.help)
		return exitOK
	}
	p.story = &story{w: p.stdout}
	defer p.client.CloseIdleConnections()
	for _, s := range c.scenes {
		err := s.play(ctx, p, c.options)
		if err == nil {
			err = p.story.failure()
		}
		switch {
		case cancelscope.IsCancellation(ctx, err):
			fmt.Fprintf(p.stderr, "timeouts: interrupted (%v)\n", context.Cause(ctx))
			return exitInterrupted
		case err != nil:
			fmt.Fprintf(p.stderr, "timeouts: %s: %v\n", s.name, err)
			return exitFailed
		}
	}
	if p.unexpected > 0 {
		fmt.Fprintf(p.stderr, "timeouts: not as expected: %d of the scenes above\n", p.unexpected)
		return exitUnexpected
	}
	return exitOK
}

// conclude ends a scene.
func (p *program) conclude(happened string, asExpected bool) {
	verdict := "as it should be"
	if !asExpected {
		verdict = "NOT AS EXPECTED"
		p.unexpected++
	}
	p.story.end(happened, verdict)
}
