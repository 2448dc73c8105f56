package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/coder/websocket"
)

// A message is what goes over the websockets, in both directions.
type message struct {
	Type string `json:"type"`
	User string `json:"user,omitempty"`
	Data string `json:"data"`
}

// The types of messages.
const (
	typeJoin = "join" // Data joins
	typeMsg  = "msg"  // User says Data; the only one that clients may send
	typePart = "part" // Data leaves
)

// maxMessage is how many bytes of JSON a client may send at a time.
const maxMessage = 4096

func (m message) encode() []byte {
	data, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings can always be encoded
	}
	return data
}

// parseMessage returns the text of a message from a client, or the reason to
// part from a client that sends something else.
func parseMessage(kind websocket.MessageType, data []byte) (string, *farewell) {
	if kind != websocket.MessageText {
		return "", &farewell{code: websocket.StatusUnsupportedData, reason: "messages must be text"}
	}
	var m struct {
		Type string
		Data *string
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return "", &farewell{code: websocket.StatusInvalidFramePayloadData, reason: "messages must be JSON objects of strings", err: err}
	}
	if m.Type != typeMsg || m.Data == nil {
		return "", &farewell{code: websocket.StatusPolicyViolation, reason: "messages must have the type msg, and data"}
	}
	return *m.Data, nil
}

// A farewell is the reason for which a websocket ends: for the client, in the
// closing handshake, and for the log. It is an error so that a scope can be
// canceled with it, and comes out of the cause of its context.
type farewell struct {
	code   websocket.StatusCode
	reason string // at most 123 bytes
	err    error  // for the log only; may be nil
	usual  bool   // nothing is wrong
}

func (f *farewell) Error() string {
	if f.err == nil {
		return f.reason
	}
	return fmt.Sprintf("%s: %v", f.reason, f.err)
}

// readFarewell returns the reason behind an error in reading from a client.
func readFarewell(err error) *farewell {
	var closed websocket.CloseError
	switch {
	case errors.As(err, &closed):
		return &farewell{code: closed.Code, reason: fmt.Sprintf("closed by the client (%d)", closed.Code), usual: true}
	case errors.Is(err, websocket.ErrMessageTooBig):
		// The library has sent its own.
		return &farewell{code: websocket.StatusMessageTooBig, reason: "message too large"}
	}
	return &farewell{code: websocket.StatusProtocolError, reason: "connection lost", err: err}
}
