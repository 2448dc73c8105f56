package interp

import (
	"bytes"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/internal/corpus"
)

// An Input is what [Workflow] runs.
type Input struct {
	Row  string        // of a corpus file
	Tick time.Duration // how long a tick lasts
}

// A Result is an outcome in a form that crosses the network, and how late the worker was.
type Result struct {
	End      int64
	Errors   []string
	Canceled bool
	Scopes   map[string]corpus.Flags
	Trace    map[string][]Record
	Problem  string
}

// A Record is a [corpus.Event] in such a form.
type Record struct {
	Tick  int64
	N     int
	What  string
	Names []string
	C     bool
	Value string
}

// Workflow runs a program as a workflow, eagerly, and returns what it did.
func Workflow(ctx workflow.Context, in Input) (*Result, error) {
	// Decoding has the same result each time.
	//workflowcheck:ignore
	cases, err := corpus.Decode(bytes.NewReader([]byte(in.Row)))
	if err != nil {
		return nil, err
	}
	c := cases[0]
	out := Run(ctx, c.Program, Options{Flavor: c.Flavor, Pace: corpus.Eager, Tick: in.Tick})
	r := &Result{End: out.End, Errors: out.Errors, Canceled: out.Canceled, Scopes: out.Scopes, Problem: out.Problem,
		Trace: make(map[string][]Record)}
	// The order in which the map is filled does not show: it is encoded sorted.
	//workflowcheck:ignore
	for task, events := range out.Trace {
		for _, e := range events {
			r.Trace[task] = append(r.Trace[task], Record(e))
		}
	}
	return r, nil
}

// Outcome returns what the program did, without its times: where the clock is real, a tick more or
// less is no difference.
func (r *Result) Outcome() *corpus.Outcome {
	out := &corpus.Outcome{Errors: r.Errors, Canceled: r.Canceled, Scopes: r.Scopes, Problem: r.Problem,
		Trace: make(map[string][]corpus.Event)}
	for task, records := range r.Trace {
		for _, e := range records {
			out.Trace[task] = append(out.Trace[task], corpus.Event(e))
		}
	}
	return WithoutTimes(out)
}

// WithoutTimes returns an outcome in which every time is zero.
func WithoutTimes(o *corpus.Outcome) *corpus.Outcome {
	masked := *o
	masked.End = 0
	masked.Trace = make(map[string][]corpus.Event)
	for task, events := range o.Trace {
		for _, e := range events {
			e.Tick = 0
			if e.What == "effective" && e.Value != "null" && e.Value != `"past"` {
				e.Value = "a time"
			}
			masked.Trace[task] = append(masked.Trace[task], e)
		}
	}
	return &masked
}
