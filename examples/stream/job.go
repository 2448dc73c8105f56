package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
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
	maxNumber = 1 << 53 // as far as a page can count
)

// A job is one thing to be done.
type job struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"`   // sleep, hash or factor
	Millis int64  `json:"ms"`     // sleep: how long
	Text   string `json:"text"`   // hash: of what
	Rounds int    `json:"rounds"` // hash: how often; 0 is 1
	Number int64  `json:"number"` // factor: what

	err error // if not nil, it cannot be done
}

// newJob reads a job. One that makes no sense is a job all the same, whose
// result is an error. A misspelt field would do something else than was meant.
func newJob(text []byte) job {
	var j job
	if err := clientjson.UnmarshalStrict(text, &j); err != nil {
		return job{ID: j.ID, err: fmt.Errorf("not a job: %w", err)} // with its id, if that was not what was wrong
	}
	j.err = j.check()
	return j
}

func (j job) check() error {
	switch {
	case j.Kind == "":
		return errors.New("no kind of job given")
	case j.Kind != "sleep" && j.Kind != "hash" && j.Kind != "factor":
		return fmt.Errorf("unknown kind of job %q", j.Kind)
	case j.Millis < 0 || j.Millis > maxMillis:
		return fmt.Errorf("ms %d: must be 0 to %d", j.Millis, maxMillis)
	case j.Rounds < 0 || j.Rounds > maxRounds:
		return fmt.Errorf("rounds %d: must be 0 to %d", j.Rounds, maxRounds)
	case j.Kind == "factor" && (j.Number < 2 || j.Number > maxNumber):
		return fmt.Errorf("number %d: must be 2 to %d", j.Number, maxNumber)
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
	case j.Kind == "hash":
		return hash(ctx, j.Text, max(j.Rounds, 1))
	default:
		return factor(ctx, j.Number)
	}
}

// stride is how many steps a computation takes between two looks at its context.
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

// factor returns the prime factors of n, which is at least 2.
func factor(ctx context.Context, n int64) (string, error) {
	var factors []string
	for d := int64(2); d <= n/d; {
		if d%stride == 0 && ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		if n%d == 0 {
			factors = append(factors, fmt.Sprint(d))
			n /= d
			continue
		}
		d++
	}
	return strings.Join(append(factors, fmt.Sprint(n)), " × "), nil
}
