package corpus

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A Flavor says under which library a program was recorded.
type Flavor int

const (
	Trio Flavor = iota
	// Asyncio programs have task handles, and expectations without scopes.
	// asyncio drops a cancellation that comes together with errors, so there
	// a cancellation is compared only where no error is.
	Asyncio
)

func (f Flavor) String() string {
	if f == Asyncio {
		return "asyncio"
	}
	return "trio"
}

// A Case is one line of a corpus file.
type Case struct {
	ID      string
	Line    int // in its file, from 1
	Flavor  Flavor
	Program *Program
	Expect  *Outcome
}

// A Program is what runs: the operations of the task main, and the scopes and
// events that they mention.
type Program struct {
	Scopes []ScopeDecl `json:"scopes"`
	Events []string    `json:"events"`
	Main   []*Op       `json:"main"`
}

// A ScopeDecl declares a scope of kind scope, move_on, fail or nursery.
// D is a duration in ticks, nil for no deadline.
type ScopeDecl struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	D      *int64 `json:"d"`
	Shield bool   `json:"shield"`
}

// An Op is one operation. Which fields are used depends on Op; N is unique in
// the program.
type Op struct {
	Op      string `json:"op"`
	N       int    `json:"n"`
	ID      string `json:"id,omitempty"`
	D       *int64 `json:"d,omitempty"`
	Shield  bool   `json:"shield,omitempty"`
	On      bool   `json:"on,omitempty"`
	In      string `json:"in,omitempty"`
	Task    string `json:"task,omitempty"`
	Ev      string `json:"ev,omitempty"`
	Err     string `json:"err,omitempty"`
	V       int64  `json:"v,omitempty"`
	Body    []*Op  `json:"body,omitempty"`
	Cleanup []*Op  `json:"cleanup,omitempty"`
}

// opFields lists, for each operation, the fields that it has besides op and
// n. A question mark marks one that may be left out.
var opFields = map[string][]string{
	"sleep":     {"d"},
	"forever":   {},
	"wait":      {"ev"},
	"set":       {"ev"},
	"raise":     {"err"},
	"scope":     {"id", "d?", "shield?", "body"},
	"move_on":   {"id", "d?", "shield?", "body"},
	"fail":      {"id", "d?", "shield?", "body"},
	"nursery":   {"id", "body"},
	"spawn":     {"in", "task", "body"},
	"start":     {"in", "task", "body"},
	"started":   {"v"},
	"cancel":    {"id"},
	"deadline":  {"id", "d"},
	"shield":    {"id", "on"},
	"effective": {},
	"try":       {"body"},
	"swallow":   {"body"},
	"finally":   {"body", "cleanup"},
	"tcancel":   {"task"},
	"join":      {"task"},
}

// UnmarshalJSON decodes one operation and the operations inside it. It
// rejects an unknown operation, and a field that the operation does not have
// or lacks: a misread program would be compared with the wrong outcome.
func (o *Op) UnmarshalJSON(data []byte) error {
	var has map[string]json.RawMessage
	if err := json.Unmarshal(data, &has); err != nil {
		return err
	}
	type plain Op // without this method
	if err := json.Unmarshal(data, (*plain)(o)); err != nil {
		return err
	}
	fields, ok := opFields[o.Op]
	if !ok {
		return fmt.Errorf("operation %d: unknown op %q", o.N, o.Op)
	}
	delete(has, "op")
	if _, ok := has["n"]; !ok {
		return fmt.Errorf("%s operation without n", o.Op)
	}
	delete(has, "n")
	for _, f := range fields {
		name, optional := f, false
		if f[len(f)-1] == '?' {
			name, optional = f[:len(f)-1], true
		}
		raw, ok := has[name]
		if !ok && !optional {
			return fmt.Errorf("operation %d: %s without field %q", o.N, o.Op, name)
		}
		if ok && name != "d" && string(raw) == "null" {
			return fmt.Errorf("operation %d: %s: field %q is null", o.N, o.Op, name)
		}
		delete(has, name)
	}
	for f := range has {
		return fmt.Errorf("operation %d: %s: unknown field %q", o.N, o.Op, f)
	}
	if o.Op == "sleep" && o.D == nil {
		return fmt.Errorf("operation %d: sleep without a duration", o.N)
	}
	return nil
}

// Walk calls visit for every operation of ops and of the bodies inside it,
// each before those inside it.
func Walk(ops []*Op, visit func(*Op)) {
	for _, o := range ops {
		visit(o)
		Walk(o.Body, visit)
		Walk(o.Cleanup, visit)
	}
}

// Size counts the operations of the program.
func (p *Program) Size() int {
	size := 0
	Walk(p.Main, func(*Op) { size++ })
	return size
}

// check reports the first name that the program uses without declaring it, or
// declares twice.
func (p *Program) check() error {
	kinds := make(map[string]string)
	for _, s := range p.Scopes {
		switch s.Kind {
		case "scope", "move_on", "fail", "nursery":
		default:
			return fmt.Errorf("scope %q: unknown kind %q", s.ID, s.Kind)
		}
		if kinds[s.ID] != "" {
			return fmt.Errorf("scope %q is declared twice", s.ID)
		}
		kinds[s.ID] = s.Kind
	}
	events, tasks := make(map[string]bool), map[string]bool{"main": true}
	for _, ev := range p.Events {
		events[ev] = true
	}
	c := checker{kinds: kinds, events: events, tasks: tasks,
		seen: make(map[int]bool), entered: make(map[string]bool)}
	Walk(p.Main, c.visit)
	return c.err
}

// checker holds what [Program.check] has met so far, and the first problem.
type checker struct {
	kinds   map[string]string // of the declared scopes
	events  map[string]bool   // declared
	tasks   map[string]bool   // started so far
	seen    map[int]bool      // values of n
	entered map[string]bool   // scopes that an operation enters
	err     error
}

func (c *checker) visit(o *Op) {
	fail := func(format string, args ...any) {
		if c.err == nil {
			c.err = fmt.Errorf("operation %d: %s: %s", o.N, o.Op, fmt.Sprintf(format, args...))
		}
	}
	if c.seen[o.N] {
		fail("n is not unique")
	}
	c.seen[o.N] = true
	switch o.Op {
	case "scope", "move_on", "fail", "nursery":
		if c.kinds[o.ID] != o.Op {
			fail("scope %q is declared as %q", o.ID, c.kinds[o.ID])
		}
		if c.entered[o.ID] {
			fail("scope %q is entered by two operations", o.ID)
		}
		c.entered[o.ID] = true
	case "cancel", "deadline", "shield":
		if c.kinds[o.ID] == "" {
			fail("scope %q is not declared", o.ID)
		}
	case "spawn", "start":
		if c.kinds[o.In] != "nursery" {
			fail("%q is not declared as a nursery", o.In)
		}
		if c.tasks[o.Task] {
			fail("two tasks are named %q", o.Task)
		}
		c.tasks[o.Task] = true
	case "wait", "set":
		if !c.events[o.Ev] {
			fail("event %q is not declared", o.Ev)
		}
	}
}

// Decode reads a corpus file, one JSON object a line. The error of a
// malformed line names the line, and the program where it has an id.
func Decode(r io.Reader) ([]*Case, error) {
	var cases []*Case
	br := bufio.NewReader(r)
	for line := 1; ; line++ {
		data, err := br.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		last := err == io.EOF
		if data = bytes.TrimSpace(data); len(data) > 0 {
			c, err := decodeCase(data)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", line, err)
			}
			c.Line = line
			cases = append(cases, c)
		}
		if last {
			return cases, nil
		}
	}
}

func decodeCase(data []byte) (*Case, error) {
	var id struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(data, &id); err != nil {
		return nil, err
	}
	if id.ID == "" {
		return nil, errors.New("no id")
	}
	var row struct {
		ID      string   `json:"id"`
		Program *Program `json:"program"`
		Expect  *Outcome `json:"expect"`
	}
	if err := strict(data, &row); err != nil {
		return nil, fmt.Errorf("%s: %w", id.ID, err)
	}
	c := &Case{ID: row.ID, Program: row.Program, Expect: row.Expect}
	if c.Program == nil || c.Expect == nil {
		return nil, fmt.Errorf("%s: no program or no expectation", c.ID)
	}
	if err := c.Program.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", c.ID, err)
	}
	if c.Expect.Scopes == nil {
		c.Flavor = Asyncio
	}
	return c, nil
}

// strict decodes one JSON value into v and rejects unknown fields. A type
// with an UnmarshalJSON method has to look after its own.
func strict(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if dec.More() {
		return errors.New("more than one value on the line")
	}
	return nil
}
