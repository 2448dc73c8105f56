package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
)

// A way is one way to limit two requests that are made one after the other.
type way struct {
	title  string
	code   string // the line that makes the difference
	run    func(ctx context.Context, p *pair) error
	expect func(o options) ending
}

// ownLimits are the ways in which no limit is shared.
var ownLimits = []way{{
	title:  "sum: a limit for each of two requests",
	code:   "http.Client{Timeout: limit}",
	run:    perRequest,
	expect: func(o options) ending { return o.eachOwn("a timeout of http.Client") },
}}

// sharedLimits are the ways to give both requests one limit.
var sharedLimits = []way{{
	title:  "shared, 1: one limit for both requests",
	code:   "deadline.FailAfter(ctx, limit, both)",
	run:    failAfter,
	expect: func(o options) ending { return o.oneForBoth(tooSlow) },
}, {
	title:  "shared, 2: one limit, and what came in time is kept",
	code:   "deadline.MoveOnAfter(ctx, limit, both)",
	run:    moveOnAfter,
	expect: func(o options) ending { return o.oneForBoth(noError) },
}, {
	title:  "shared, 3: a longer limit inside, which changes nothing",
	code:   "FailAfter(ctx, limit, ... FailAfter(ctx, 2*limit, both))",
	run:    longerInside,
	expect: func(o options) ending { return o.oneForBoth(tooSlow) },
}, {
	title:  "shared, 4: the first answer moves the limit",
	code:   "deadline.FailScope(ctx, &scope, ... scope.SetTimeout(limit))",
	run:    moved,
	expect: func(o options) ending { return o.eachOwn(tooSlow) },
}}

// perRequest is what most clients offer. Both requests keep to the limit, and
// together they may take twice as long.
func perRequest(ctx context.Context, p *pair) error {
	client := *p.client
	client.Timeout = p.limit
	p.client = &client
	err := p.both(ctx)
	if over := p.story.elapsed() - p.limit; err == nil && over > 0 {
		p.story.say("%s more than the limit, and no request was too slow", seconds(over))
	}
	return err
}

// failAfter gives the second request what the first one has left.
func failAfter(ctx context.Context, p *pair) error {
	return deadline.FailAfter(ctx, p.limit, p.both)
}

// moveOnAfter does the same where half of the answers are better than none:
// that the time was up is no error then.
func moveOnAfter(ctx context.Context, p *pair) error {
	expired, err := deadline.MoveOnAfter(ctx, p.limit, p.both)
	if expired {
		p.story.say("going on with what there is")
	}
	return err
}

// longerInside calls a function that has a generous limit of its own. The
// sooner deadline counts, and the error comes from the limit it belongs to:
// the inner one lets pass what is not its doing. (With a context.WithTimeout
// each, both would look the same, as context.DeadlineExceeded.)
func longerInside(ctx context.Context, p *pair) error {
	return deadline.FailAfter(ctx, p.limit, func(ctx context.Context) error {
		err := deadline.FailAfter(ctx, 2*p.limit, p.both)
		if err != nil && !tooSlowError(err) {
			p.story.say("the inner limit hands on: %v", err)
		}
		return err
	})
}

// moved is what asyncio calls Timeout.reschedule: whoever has answered in
// time has earned the second request a limit that starts anew. The scope has
// to be extendable for that, because a deadline that may be moved to a later
// time must not be told to contexts that could not follow.
func moved(ctx context.Context, p *pair) error {
	scope := cancelscope.Scope{Extendable: true}
	scope.SetTimeout(p.limit)
	return deadline.FailScope(ctx, &scope, func(ctx context.Context) error {
		if err := p.ask(ctx, 0); err != nil {
			return err
		}
		scope.SetTimeout(p.limit)
		p.story.say("the limit is moved to %s from now", seconds(p.limit))
		return p.ask(ctx, 1)
	})
}

// A pair is two requests, and knows of a limit only what its contexts tell.
type pair struct {
	client *http.Client
	urls   []string      // two
	limit  time.Duration // for the ways, not for the requests
	story  *story

	answers int
}

// both makes the two requests, the second after the first.
func (p *pair) both(ctx context.Context) error {
	if err := p.ask(ctx, 0); err != nil {
		return err
	}
	return p.ask(ctx, 1)
}

// ask makes one of the requests.
func (p *pair) ask(ctx context.Context, i int) error {
	name := [...]string{"first", "second"}[i]
	// Somebody else has set the limit, and no parameter has brought it here. One
	// that is kept in an http.Client cannot be seen: nobody could plan with it.
	if left, ok := remaining(ctx); ok {
		p.story.say("%s request: %s are left for it", name, seconds(left))
	} else {
		p.story.say("%s request: no limit is to be seen from here", name)
	}
	a, err := get(ctx, p.client, p.urls[i])
	if err != nil {
		p.story.say("%s request ends: %v", name, err)
		return err
	}
	p.answers++
	p.story.say("%s answer: %v", name, a)
	return nil
}

// playWays plays one scene for each of the ways, with two servers that take
// as long as the flags say, or those that the user has named.
func playWays(ways ...way) func(context.Context, *program, options) error {
	return func(ctx context.Context, p *program, o options) error {
		play := func(urls []string) error {
			for _, w := range ways {
				if err := p.playWay(ctx, w, urls, o); err != nil {
					return err
				}
			}
			return nil
		}
		if o.own() {
			return play(o.urls)
		}
		return p.withServers(ctx, []http.Handler{after(o.first, http.StatusOK), after(o.second, http.StatusOK)}, play)
	}
}

// playWay plays one scene. The error says that it could not be played to its
// end: that a limit cut it short is not one.
func (p *program) playWay(ctx context.Context, w way, urls []string, o options) error {
	want := w.expect(o)
	expected := want.String()
	if o.own() {
		expected = "not known: these are servers of your own"
	}
	p.story.begin(w.title, w.code, expected)
	requests := &pair{client: p.client, urls: urls, limit: o.limit, story: p.story}
	err := w.run(ctx, requests)
	got := ending{answers: requests.answers, after: p.story.elapsed()}
	switch slow, ok := errors.AsType[*deadline.TooSlowError](err); {
	case err == nil:
		got.err = noError
	case ok:
		got.err, got.limit = tooSlow, slow.Limit
	case cancelscope.IsCancellation(ctx, err):
		return err // an interruption, which may look like a timeout
	case requests.client.Timeout > 0 && isTimeout(err):
		got.err = "a timeout of http.Client"
	default:
		return err
	}
	if o.own() {
		p.story.end(got.String(), "not judged")
		return nil
	}
	p.conclude(got.String(), got.fulfils(want))
	return nil
}

func tooSlowError(err error) bool {
	_, ok := errors.AsType[*deadline.TooSlowError](err)
	return ok
}

// isTimeout reports whether err is a timeout. Those of an http.Client have one
// type before the answer begins and another one in the middle of it.
func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}
