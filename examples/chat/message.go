package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/coder/websocket"

	"github.com/trellis-go/trellis/examples/internal/clientjson"
	"github.com/trellis-go/trellis/examples/internal/textsocket"
)

// A message is what goes over the websockets, in both directions. ID is that of the user
// that joins, writes or leaves: two users may have the same name.
type message struct {
	Type string `json:"type"`
	ID   string `json:"id,omitempty"`
	User string `json:"user,omitempty"`
	Data string `json:"data"`
}

// The types of messages.
const (
	typeJoin = "join" // Data joins
	typeMsg  = "msg"  // User writes Data; the only one that clients may send
	typePart = "part" // Data leaves
)

// A message of a client may have a text of maxText bytes. What the client sends may be
// longer, because JSON allows six bytes for each of them: a control character is \u0001.
const (
	maxText    = 4096
	maxMessage = 6*maxText + 100
)

func (m message) encode() []byte {
	data, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings can always be encoded
	}
	return data
}

// parseMessage returns the text of a message from a client, or the reason to
// part from a client that sends something else.
func parseMessage(data []byte) (string, *farewell) {
	var m struct {
		Type string  `json:"type"`
		Data *string `json:"data"`
	}
	if err := clientjson.Unmarshal(data, &m, false); err != nil {
		return "", &farewell{code: websocket.StatusInvalidFramePayloadData, reason: "messages must be JSON objects of strings", err: err}
	}
	if m.Type != typeMsg || m.Data == nil {
		return "", &farewell{code: websocket.StatusPolicyViolation, reason: "messages must have the type msg, and data"}
	}
	if len(*m.Data) > maxText {
		return "", tooLarge
	}
	return *m.Data, nil
}

var tooLarge = &farewell{code: websocket.StatusMessageTooBig, reason: fmt.Sprintf("a message must not have more than %d bytes", maxText)}

// A farewell is the reason for which a websocket ends: for the client, in the
// closing handshake, and for the log. It is an error, so that a scope can be
// canceled with it, and the context's cause then contains it.
type farewell struct {
	code   websocket.StatusCode
	reason string // at most 123 bytes
	err    error  // for the log only; may be nil
}

var goingAway = &farewell{code: websocket.StatusGoingAway, reason: "the server is shutting down"}

func (f *farewell) Error() string {
	if f.err == nil {
		return f.reason
	}
	return fmt.Sprintf("%s: %v", f.reason, f.err)
}

// readFarewell returns the reason behind an error in reading from a client.
func readFarewell(err error) *farewell {
	if closed, ok := errors.AsType[websocket.CloseError](err); ok {
		return &farewell{code: closed.Code, reason: fmt.Sprintf("closed by the client (%d)", closed.Code)}
	}
	if v, ok := errors.AsType[*textsocket.Violation](err); ok {
		return &farewell{code: v.Status, reason: v.Reason, err: v.Err}
	}
	return &farewell{code: websocket.StatusProtocolError, reason: "connection lost", err: err}
}
