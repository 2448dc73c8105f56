package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/examples/internal/clientjson"
)

// The most that a job may ask for, so that none takes longer than a minute or
// so. None of them opens a file or a connection: a server that fetched whatever a
// client names would open its own network to all clients.
const (
	maxMillis = 60_000
	maxRounds = 100_000_000
)

// A job is one thing to be done.
type job struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"`   // sleep or hash
	Millis int64  `json:"ms"`     // sleep: how long
	Text   string `json:"text"`   // hash: of what
	Rounds int    `json:"rounds"` // hash: how often; 0 is 1

	err error // if not nil, it cannot be done
}

// newJob reads a job. One that makes no sense is a job all the same, whose
// result is an error. A misspelt field would do something else than was meant.
func newJob(text []byte) job {
	var j job
	if err := clientjson.Unmarshal(text, &j, true); err != nil {
		return job{ID: j.ID, err: fmt.Errorf("not a job: %w", err)} // with its id, if that was not what was wrong
	}
	j.err = j.check()
	return j
}

func (j job) check() error {
	switch {
	case j.Kind == "":
		return errors.New("no kind of job given")
	case j.Kind != "sleep" && j.Kind != "hash":
		return fmt.Errorf("unknown kind of job %q", j.Kind)
	case j.Millis < 0 || j.Millis > maxMillis:
		return fmt.Errorf("ms %d: must be 0 to %d", j.Millis, maxMillis)
	case j.Rounds < 0 || j.Rounds > maxRounds:
		return fmt.Errorf("rounds %d: must be 0 to %d", j.Rounds, maxRounds)
	}
	return nil
}

// do does the job, or as much of it as it can before ctx is done; the error is
// then the cause of ctx.
func (j job) do(ctx context.Context) (string, error) {
	switch {
	case j.err != nil:
		return "", j.err
	case j.Kind == "sleep":
		d := time.Duration(j.Millis) * time.Millisecond
		return fmt.Sprint("slept ", d), deadline.Sleep(ctx, d)
	default:
		return hash(ctx, j.Text, max(j.Rounds, 1))
	}
}

// stride is how many rounds a computation takes between two looks at its context.
// Nothing else can interrupt it.
const stride = 1 << 16

// hash returns the SHA-256 of the SHA-256 of... the text.
func hash(ctx context.Context, text string, rounds int) (string, error) {
	sum := sha256.Sum256([]byte(text))
	for i := 1; i < rounds; i++ {
		if i%stride == 0 && ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		sum = sha256.Sum256(sum[:])
	}
	return hex.EncodeToString(sum[:]), nil
}

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
	var list []json.RawMessage
	err := clientjson.Unmarshal(text, &list, false)
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
