// Timeouts shows, with real requests and a clock beside them, how several calls share one
// time limit, and what happens to the requests at work when one of them fails or its
// client gives up. Run it with -h for its scenes and flags.
//
//   - limits.go: ways to limit two requests, and which of them share the limit;
//   - group.go: requests that are handled as they come;
//   - http.go: one request, which has no parameter for its limit, and the servers.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trellis-go/trellis/examples/internal/stdout"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// A scene shows what one line of code does. An error of play says that it did not show
// what it should; a limit that cuts it short is none.
type scene struct {
	name, title, code string
	play              func(ctx context.Context, p *program) error
}

var scenes = []scene{
	{"sum", "a limit for each of two requests", "http.Client{Timeout: limit}", playWay(perRequest)},
	{"shared", "one limit for both requests", "deadline.FailAfter(ctx, limit, both)", playWay(failAfter)},
	{"keep", "one limit, and what came in time is kept", "deadline.MoveOnAfter(ctx, limit, both)", playWay(moveOnAfter)},
	{"move", "one limit, which the first answer moves", "deadline.FailScope(ctx, &scope, ... scope.SetTimeout(limit))", playWay(moved)},
	{"handle", "a request that fails cancels those at work", "nursery.ForEach(ctx, 8, receive.Receive, handle)", handle},
	{"hangup", "a client that gives up cancels its request alone", "task := nursery.Spawn(n, name, request)", hangUp},
}

// A program is timeouts with the world it runs in, which tests replace.
type program struct {
	first, second, limit time.Duration
	fail                 int
	scene                string // "" for all

	listen func() (net.Listener, error)
	client *http.Client
	urls   [2]string // of the servers; written before the first scene

	mu    sync.Mutex
	out   io.Writer   // guarded by mu
	lost  error       // guarded by mu; the first error of out
	stop  func(error) // called with lost
	began time.Time   // when the scene began; written between scenes
}

func main() {
	p := &program{
		listen: func() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") },
		client: &http.Client{},
		out:    stdout.Writer(),
	}
	flags := p.flags()
	flags.Parse(os.Args[1:]) // ends the process if it cannot
	if err := p.check(flags.Args()); err != nil {
		fmt.Fprintf(os.Stderr, "timeouts: %v\nRun timeouts -h for help.\n", err)
		os.Exit(2)
	}
	serve.Program{Name: "timeouts"}.Main(p.run)
}

func (p *program) flags() *flag.FlagSet {
	flags := flag.NewFlagSet("timeouts", flag.ExitOnError)
	flags.DurationVar(&p.first, "first", 300*time.Millisecond, "the first server answers after this `time`")
	flags.DurationVar(&p.second, "second", 400*time.Millisecond, "the second server answers after this `time`")
	flags.DurationVar(&p.limit, "limit", 500*time.Millisecond, "the `time` limit")
	flags.IntVar(&p.fail, "fail", 25, "request `N` of handle fails; 0: none")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), "Usage: timeouts [flags] [SCENE]\n\nTimeouts plays a scene, or all:\n\n")
		for _, s := range scenes {
			fmt.Fprintf(flags.Output(), "  %-8s %s\n", s.name, s.title)
		}
		fmt.Fprint(flags.Output(), "\nFlags:\n")
		flags.PrintDefaults()
	}
	return flags
}

func (p *program) check(args []string) error {
	p.scene = strings.Join(args, "")
	switch {
	case len(args) > 1:
		return fmt.Errorf("%s after %q: there is one scene, and flags come before it", args[1], args[0])
	case p.scene != "" && !slices.ContainsFunc(scenes, func(s scene) bool { return s.name == p.scene }):
		return fmt.Errorf("there is no scene %q", args[0])
	case p.first < 0 || p.second < 0 || p.limit <= 0:
		return errors.New("-limit must be positive, -first and -second must not be negative")
	}
	return nil
}

// run plays the scenes. The servers are tasks in the background: they are there until
// everything else has ended, also after Ctrl-C, so that no client takes for an answer what
// a server says that breaks off.
func (p *program) run(ctx context.Context, n *nursery.Nursery) error {
	defer p.client.CloseIdleConnections()
	for i := range p.urls {
		l, err := p.listen()
		if err != nil {
			return err
		}
		p.urls[i] = "http://" + l.Addr().String()
		n.Background("server", func(ctx context.Context) error {
			return serve.HTTP(serve.WithoutDrain(ctx), &http.Server{Handler: http.HandlerFunc(answer)}, l)
		})
	}
	ctx, stop := context.WithCancelCause(ctx) // a story that cannot be written is not played to its end
	defer stop(nil)
	p.stop = stop
	err := p.play(ctx)
	if p.lost != nil {
		return p.lost
	}
	return err
}

func (p *program) play(ctx context.Context) error {
	for _, s := range scenes {
		if p.scene != "" && p.scene != s.name {
			continue
		}
		p.print("\n%s: %s\n    %s\n", s.name, s.title, s.code)
		p.began = time.Now()
		if err := s.play(ctx, p); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// say prints one event, with the time that has passed in the scene.
func (p *program) say(format string, args ...any) {
	p.print("  %8s  %s\n", seconds(time.Since(p.began)), fmt.Sprintf(format, args...))
}

func (p *program) print(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost != nil {
		return
	}
	if _, p.lost = fmt.Fprintf(p.out, format, args...); p.lost != nil {
		p.stop(p.lost)
	}
}

// seconds returns d as the story shows times: what is shorter is noise.
func seconds(d time.Duration) string { return fmt.Sprintf("%.2fs", d.Seconds()) }
