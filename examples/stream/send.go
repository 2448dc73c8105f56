package main

import (
	"context"
	"encoding/json"

	"github.com/coder/websocket"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
)

// An event is a message to the client.
type event struct {
	Type  string `json:"type"` // started, result, finished, replaced or refused
	Run   uint64 `json:"run"`
	Jobs  int    `json:"jobs,omitempty"`  // started, finished: how many
	Job   int    `json:"job,omitempty"`   // result: the job's place in the list, from 1
	ID    string `json:"id,omitempty"`    // result: what the client calls the job
	Value string `json:"value,omitempty"` // result
	Error string `json:"error,omitempty"` // result, in place of a value; refused
	By    uint64 `json:"by,omitempty"`    // replaced: the run that begins instead
}

// send sends an event, unless ctx is done. Once it has begun, a cancellation does
// not interrupt it, only the write timeout does: the client may have received the
// first half of the message, and the connection is needed for the next run. So
// this is a FailAfter with a shield. The end of the connection ends it early.
func (t *tab) send(ctx context.Context, e event) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s := cancelscope.Scope{Name: "transmission"}
	s.SetShield(true)
	s.SetTimeout(t.writeTimeout)
	return deadline.FailScope(ctx, &s, func(ctx context.Context) error {
		return t.ws.Write(ctx, websocket.MessageText, text)
	})
}
