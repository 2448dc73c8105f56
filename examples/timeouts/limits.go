package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
)

// A pair is two requests. They know of a limit only through their contexts.
type pair struct {
	*program
	client  *http.Client
	answers int
}

// both makes the two requests, the second after the first.
func (p *pair) both(ctx context.Context) error {
	if err := p.ask(ctx, 0); err != nil {
		return err
	}
	return p.ask(ctx, 1)
}

func (p *pair) ask(ctx context.Context, i int) error {
	name, takes := [...]string{"first", "second"}[i], [...]time.Duration{p.first, p.second}[i]
	// A caller has set the limit, and no parameter has brought it here. A limit that is
	// kept in an http.Client cannot be seen from here, or planned with.
	if t, ok := deadline.Effective(ctx); ok {
		p.say("%s request: %s are left for it", name, seconds(max(0, time.Until(t))))
	} else {
		p.say("%s request: no limit is to be seen from here", name)
	}
	text, err := get(ctx, p.client, fmt.Sprintf("%s/?after=%v", p.urls[i], takes))
	if err != nil {
		return err
	}
	p.answers++
	p.say("%s answer: %s", name, text)
	return nil
}

// perRequest is what most clients offer. Both requests keep to the limit, and together
// they may take twice as long.
func perRequest(ctx context.Context, p *pair) error {
	client := *p.client
	client.Timeout = p.limit
	p.client = &client
	return p.both(ctx)
}

// failAfter gives the second request what the first one has left.
func failAfter(ctx context.Context, p *pair) error {
	return deadline.FailAfter(ctx, p.limit, p.both)
}

// moveOnAfter is for work where half of the answers are better than none.
func moveOnAfter(ctx context.Context, p *pair) error {
	expired, err := deadline.MoveOnAfter(ctx, p.limit, p.both)
	if expired {
		p.say("continuing with what there is")
	}
	return err
}

// moved gives the second request a limit that starts anew if the first answer has come in
// time. The scope must be adjustable for that: a deadline that may move to a later time
// cannot be given to contexts of the standard library, which would keep the first one.
func moved(ctx context.Context, p *pair) error {
	scope := cancelscope.Scope{Adjustable: true}
	scope.SetTimeout(p.limit)
	return deadline.FailScope(ctx, &scope, func(ctx context.Context) error {
		if err := p.ask(ctx, 0); err != nil {
			return err
		}
		scope.SetTimeout(p.limit)
		return p.ask(ctx, 1)
	})
}

// playWay returns what plays a scene with one way to limit two requests.
func playWay(run func(context.Context, *pair) error) func(context.Context, *program) error {
	return func(ctx context.Context, p *program) error {
		requests := &pair{program: p, client: p.client}
		err := run(ctx, requests)
		// Each kind of limit gives this error, but so might an interruption of the
		// program.
		if err != nil && (!errors.Is(err, context.DeadlineExceeded) || cancelscope.IsCancellation(ctx, err)) {
			return err
		}
		p.say("%d of 2 answers, with a limit of %s; error: %v", requests.answers, seconds(p.limit), err)
		return nil
	}
}
