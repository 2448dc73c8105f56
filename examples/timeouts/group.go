package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/nursery"
)

func playHandle(ctx context.Context, p *program, o options) error {
	o.hang = 0 // nobody could give up a single request
	return p.playGroup(ctx, o, "handle: requests are handled as they come, each by a child of the group",
		"n.GoNamed(request, handler)", (*group).handle)
}

func playTasks(ctx context.Context, p *program, o options) error {
	return p.playGroup(ctx, o, "tasks: the same, with a handle for each request",
		"task := nursery.SpawnNamed(n, request, handler)", (*group).tasks)
}

// playGroup plays one scene with a server that does the work of the handlers.
func (p *program) playGroup(ctx context.Context, o options, title, code string, play func(*group, context.Context) error) error {
	return p.withServers(ctx, []http.Handler{backend(o)}, func(urls []string) error {
		g := &group{o: o, ledger: newLedger(), story: p.story}
		g.do = func(ctx context.Context, r request) (answer, error) {
			return get(ctx, p.client, fmt.Sprintf("%s?n=%d", urls[0], r))
		}
		p.story.begin(title, code, g.expected())
		err := play(g, ctx)
		if interrupted, _ := cancelscope.Split(ctx, err); interrupted != nil {
			p.story.say("interrupted: %v", g.ledger)
			return err
		}
		p.conclude(g.happened(err), g.asExpected(err))
		return nil
	})
}

// expected says what the flags ask for.
func (g *group) expected() string {
	text := "all requests are handled"
	switch fail, hang := g.o.fail, g.o.hang; {
	case fail > 0 && hang > 0:
		text = fmt.Sprintf("the client of request %d gives up, if there is time for it; request %d fails and ends the group", hang, fail)
	case fail > 0:
		text = fmt.Sprintf("request %d fails and ends the group", fail)
	case hang > 0:
		text = fmt.Sprintf("the client of request %d gives up; all others are handled", hang)
	}
	return text + "; none is lost"
}

func (g *group) happened(err error) string {
	if err == nil {
		return "no error; " + g.ledger.String()
	}
	return fmt.Sprintf("%v; %v", err, g.ledger)
}

// asExpected reports whether the counts add up, and the error, or that there
// is none, is the one that the flags ask for.
func (g *group) asExpected(err error) bool {
	if lost := g.ledger.balance(); lost != nil {
		g.story.say("%v", lost)
		return false
	}
	if g.o.fail > 0 {
		// What is not finished then is canceled, and who was first in the
		// case of a request that hangs is not to be foreseen.
		return onlyFailure(err, request(g.o.fail))
	}
	hung := min(g.o.hang, 1)
	return err == nil && g.ledger.count(handled) == g.o.requests-hung
}

// onlyFailure reports whether err is the error of a nursery in which nothing
// failed but one request.
func onlyFailure(err error, r request) bool {
	all, ok := errors.AsType[*nursery.Error](err)
	if !ok || len(all.Unwrap()) != 1 {
		return false
	}
	one, ok := errors.AsType[*nursery.TaskError](all.Unwrap()[0])
	return ok && one.Task == r.String()
}
