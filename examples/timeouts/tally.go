package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/nursery"
)

// An outcome is how an accepted request has ended.
type outcome int

const (
	lost outcome = iota // which must not be
	handled
	failed
	givenUp  // by its client alone
	canceled // at work, with the group
	unbegun  // still in the channel when the group had ended
)

var outcomes = [...]string{"lost", "handled", "failed", "given up by the client", "canceled at work", "canceled before they began"}

// count returns how many accepted requests have ended in that way.
func (g *group) count(how outcome) (n int) {
	for _, o := range g.ended[:g.accepted] {
		if o == how {
			n++
		}
	}
	return n
}

// tally returns all counts, in the form of the equation that must hold.
func (g *group) tally() string {
	text, sign := fmt.Sprintf("%d accepted", g.accepted), " ="
	for how, name := range outcomes {
		if n := g.count(outcome(how)); n > 0 {
			text += fmt.Sprintf("%s %d %s", sign, n, name)
			sign = " +"
		}
	}
	return text
}

// check returns an error if a request is lost, if a handle does not know how
// its request has ended, or if err is anything else than the failure that was
// asked for.
func (g *group) check(err error, fail request) error {
	for i, task := range g.tasks {
		if _, err := task.Result(); (err == nil) != (g.ended[i] == handled) {
			return fmt.Errorf("the handle of %v says: %v", request(i+1), err)
		}
	}
	first, _ := errors.AsType[*nursery.TaskError](err)
	switch {
	case g.count(lost) > 0:
		return errors.New("not all requests are accounted for")
	case fail == 0:
		return err
	case first == nil || first.Task != fail.String() || g.count(failed) != 1:
		return fmt.Errorf("%v was to fail, and nothing else: %v", fail, err)
	}
	return nil
}

// requests is how many the producer has in a scene.
const requests = 40

// playGroup returns what plays a scene in which requests are begun in that way,
// and one may hang until its client gives up.
func playGroup(begin func(*group, *nursery.Nursery, request, func()), hang request) func(context.Context, *program) error {
	return func(ctx context.Context, p *program) error {
		fail := request(p.fail)
		g := &group{story: p.story, begin: begin, requests: requests, buffer: 4, atOnce: 8,
			every: 10 * time.Millisecond, hang: hang, patience: 400 * time.Millisecond}
		g.do = func(ctx context.Context, r request) (string, error) {
			query := "/?after=200ms"
			switch r {
			case fail:
				query += "&status=500"
			case hang:
				query = "/?after=1000h"
			}
			return get(ctx, p.client, p.urls[0]+query)
		}
		err := g.run(ctx)
		p.say("%s; error: %v", g.tally(), err)
		if interrupted, _ := cancelscope.Split(ctx, err); interrupted != nil {
			return err
		}
		return g.check(err, fail)
	}
}
