package grpcscope

import (
	"context"
	"net/url"
	"strconv"

	"github.com/trellis-go/trellis/cancelscope"
)

// A ClientCanceled is the cause of a call's context at a server with [Server.Reasons], found
// by [context.Cause], if the client has ended the call:
//
//	var client *grpcscope.ClientCanceled
//	if errors.As(context.Cause(ctx), &client) {
//		log.Println(client.Scope, client.Reason)
//	}
//
// All of it is what the client claims. It is for logs and error texts, and nothing may be
// decided by it.
type ClientCanceled struct {
	Kind   cancelscope.Kind // what canceled the client's scope
	Scope  string           // the scope where the cancellation began; at most 128 bytes, may be empty
	Reason string           // the text of the reason; at most 512 bytes, may be empty

	err  error // context.Canceled or context.DeadlineExceeded
	lost bool  // no report came
}

// Error returns a text with the scope, what canceled it, and the reason.
func (c *ClientCanceled) Error() string {
	if c.lost {
		return "canceled by the client, or the connection is lost"
	}
	text := "canceled by the client"
	if c.Scope != "" {
		text = "client's scope " + strconv.Quote(c.Scope) + " canceled"
	}
	switch c.Kind {
	case cancelscope.ByDeadline:
		text += ": deadline passed"
	case cancelscope.ByTask:
		text += ": a task failed"
	}
	if c.Reason != "" {
		text += ": " + c.Reason
	}
	return text
}

// Unwrap returns context.Canceled or context.DeadlineExceeded, which is the Err of the call's
// context.
func (c *ClientCanceled) Unwrap() error { return c.err }

// parseReason makes a ClientCanceled of what a client has sent, with bounded texts.
func parseReason(v url.Values, kind cancelscope.Kind, err error) *ClientCanceled {
	return &ClientCanceled{
		Kind:   kind,
		Scope:  clean(v.Get(scopeField), maxName),
		Reason: clean(v.Get(reasonField), maxReason),
		err:    err,
	}
}

// parseKind returns ByParent, which claims least, for everything unknown.
func parseKind(text string) cancelscope.Kind {
	for _, kind := range []cancelscope.Kind{cancelscope.ByCall, cancelscope.ByDeadline, cancelscope.ByTask} {
		if kind.String() == text {
			return kind
		}
	}
	return cancelscope.ByParent
}

// noReason is the cause where the client ended the call and no report came: the connection
// was lost, or the client does not send reports.
var noReason = &ClientCanceled{Kind: cancelscope.ByParent, err: context.Canceled, lost: true}
