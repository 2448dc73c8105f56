package main

import (
	"encoding/json"
	"fmt"

	"github.com/trellis-go/trellis/examples/internal/clientjson"
)

// What one press may ask for.
const (
	maxMessage = 128 << 10 // bytes
	maxJobs    = 1000
)

// A press is what a client sends when the button is pressed: a list of jobs,
// to be done instead of whatever is being done.
type press struct {
	number  uint64 // counts all presses of the server, so no two runs have the same
	jobs    []job
	refusal string // if not empty, why it is none
}

// newPress makes a press of a message. A list that is not one is refused as a
// whole, and replaces nothing; a bad job in it is an error among the results.
func newPress(number uint64, text []byte) press {
	refuse := func(format string, args ...any) press {
		return press{number: number, refusal: fmt.Sprintf(format, args...)}
	}
	if len(text) > maxMessage {
		return refuse("the message is longer than %d bytes", maxMessage)
	}
	var list []json.RawMessage
	err := clientjson.Unmarshal(text, &list)
	switch {
	case !json.Valid(text):
		return refuse("the message %v", err)
	case list == nil: // another type, or null
		return refuse("the message is not a JSON list of jobs")
	case len(list) > maxJobs:
		return refuse("%d jobs, at most %d are allowed", len(list), maxJobs)
	}
	p := press{number: number, jobs: make([]job, len(list))}
	for i, text := range list {
		p.jobs[i] = newJob(text)
	}
	return p
}
