package main

import (
	"fmt"
	"time"
)

// What the call that was limited may have returned.
const (
	noError = "no error"
	tooSlow = "a deadline.TooSlowError"
)

// An ending is how two requests may end.
type ending struct {
	answers int
	after   time.Duration
	err     string
	limit   time.Duration // of the TooSlowError: from the entry of the block to its deadline
}

func (e ending) String() string {
	count := [...]string{"no answer", "the first answer only", "both answers"}[e.answers]
	text := fmt.Sprintf("%s, after %s, with %s", count, seconds(e.after), e.err)
	if e.err == tooSlow {
		text += " that names a limit of " + seconds(e.limit)
	}
	return text
}

// fulfils reports whether e is what was expected. Nothing may end too early,
// but how late a busy machine is proves nothing. That goes also for the limit
// in the error, which is measured if it was moved; one of twice the length is
// not the one that should have spoken.
func (e ending) fulfils(want ending) bool {
	return e.answers == want.answers && e.err == want.err && e.after >= want.after &&
		e.limit >= want.limit && (want.limit == 0 || e.limit < 2*want.limit)
}

// eachOwn is the ending if each request has the whole limit for itself.
func (o options) eachOwn(err string) ending {
	switch {
	case o.first >= o.limit:
		return cut(0, o.limit, err)
	case o.second >= o.limit:
		return cut(1, o.first+o.limit, err)
	default:
		return ending{answers: 2, after: o.first + o.second, err: noError}
	}
}

// oneForBoth is the ending if both requests share the limit.
func (o options) oneForBoth(err string) ending {
	switch {
	case o.first >= o.limit:
		return cut(0, o.limit, err)
	case o.first+o.second >= o.limit:
		return cut(1, o.limit, err)
	default:
		return ending{answers: 2, after: o.first + o.second, err: noError}
	}
}

// cut is the ending by a limit that passes at a time.
func cut(answers int, at time.Duration, err string) ending {
	e := ending{answers: answers, after: at, err: err}
	if err == tooSlow {
		e.limit = at
	}
	return e
}
