// Timeouts shows, with real requests and a clock beside them, how several calls
// share one time limit, and what happens to the requests of a server when one of
// their handlers fails. Run it with -h for its scenes,
// flags and exit codes.
//
//   - limits.go: ways to limit two requests, and which of them share the limit;
//   - group.go: a handler for each request as it comes, all of them one group;
//   - tally.go: how each request of a group has ended, and whether one is lost;
//   - http.go: one request, which has no parameter for its limit, and the servers;
//   - usage.go: the command line.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/examples/internal/command"
)

func main() { command.Main(run) }

// A scene shows what one line of code does. Several may share a name. An error
// of play says that it did not show what it should; a limit that cuts it short
// is none.
type scene struct {
	name, title, code string
	play              func(ctx context.Context, p *program) error
}

var scenes = []scene{
	{"sum", "a limit for each of two requests", "http.Client{Timeout: limit}", playWay(perRequest)},
	{"shared", "one limit for both requests", "deadline.FailAfter(ctx, limit, both)", playWay(failAfter)},
	{"shared", "one limit, and what came in time is kept", "deadline.MoveOnAfter(ctx, limit, both)", playWay(moveOnAfter)},
	{"shared", "one limit, which the first answer moves", "deadline.FailScope(ctx, &scope, ... scope.SetTimeout(limit))", playWay(moved)},
	{"handle", "requests are handled as they come, each by a child of the group", "n.GoNamed(request, handler)", playGroup((*group).handle, 0)},
	{"tasks", "the same with a handle for each", "task := nursery.Spawn(n, request, handler)", playGroup((*group).spawn, 3)},
}

// A program is timeouts with the world it runs in, which tests replace.
type program struct {
	*story
	options
	stdout, stderr io.Writer
	listen         func() (net.Listener, error)
	client         *http.Client
}

// run executes one command line and returns the exit code. Canceling ctx is
// the interruption: run then returns as soon as its tasks have ended.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	client := &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
	listen := func() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }
	p := &program{stdout: stdout, stderr: stderr, listen: listen, client: client}
	return p.run(ctx, args)
}

func (p *program) run(ctx context.Context, args []string) int {
	defer p.client.CloseIdleConnections()
	o, code, ends := parse(args, p.stdout, p.stderr)
	if ends {
		return code
	}
	// A story that cannot be written is not played to its end.
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	out := command.NewOutput(p.stdout, stop)
	p.story = &story{Logger: log.New(out, "", 0)}
	p.options = o
	err := p.withServers(ctx, func() error {
		for _, s := range p.scenes {
			p.Printf("\n%s: %s\n    %s", s.name, s.title, s.code)
			p.began = time.Now()
			if err := s.play(ctx, p); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
		return nil
	})
	if err := out.Err(); err != nil {
		return command.Lost("timeouts", err, p.stderr)
	}
	switch {
	case cancelscope.IsCancellation(ctx, err):
		fmt.Fprintf(p.stderr, "timeouts: interrupted (%v)\n", context.Cause(ctx))
		return command.ExitInterrupted
	case err != nil:
		fmt.Fprintf(p.stderr, "timeouts: %v\n", err)
		return command.ExitFailed
	}
	return command.ExitOK
}

// A story is what the program prints, with the time that has passed in the
// scene. Any number of goroutines may add to it.
type story struct {
	*log.Logger
	began time.Time // of the scene
}

// say prints one event.
func (s *story) say(format string, args ...any) {
	s.Printf("  %8s  %s", seconds(time.Since(s.began)), fmt.Sprintf(format, args...))
}

// seconds returns d as the story shows times: what is shorter is noise.
func seconds(d time.Duration) string { return fmt.Sprintf("%.2fs", d.Seconds()) }
