package corpus

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// CanceledRecord is what an [Event] says of an operation that was canceled. The spelling is
// that of the recordings.
const CanceledRecord = "cancelled"

// An Outcome is what a program did, or should do.
type Outcome struct {
	End      int64              // the tick at which main ended
	Errors   []string           // sorted names of the errors that main returned
	Canceled bool               // main returned a cancellation
	Scopes   map[string]Flags   // nil in an asyncio expectation
	Trace    map[string][]Event // of each task that recorded something

	// Problem says why there is no proper outcome: the program hung or
	// panicked, or something of it was left running. Never expected.
	Problem string

	// Needs has the scopes of which an operation moved the deadline to a later time, or
	// put up the shield, while they ran. Where one of them was not adjustable, the
	// operation has been left out, and the outcome means nothing. Which they are may
	// depend on the order of steps within a tick. It is not compared.
	Needs map[string]bool
}

// Flags says of a scope whether cancel was called, and whether the scope
// absorbed its own cancellation.
type Flags struct{ Called, Caught bool }

func (f Flags) String() string {
	return fmt.Sprintf("called=%t caught=%t", f.Called, f.Caught)
}

// An Event is one record of a task: at which tick, by which operation, what.
type Event struct {
	Tick  int64
	N     int
	What  string
	Names []string // of the errors, for the records that say them
	C     bool     // a cancellation is among them
	Value string   // of effective and started, as JSON
}

// hasNames lists the records that say names and c, hasValue those that say a
// value. The others say nothing more.
var (
	hasNames = map[string]bool{"failed": true, "exit": true, "startfailed": true,
		"tried": true, "swallowed": true, "joined": true}
	hasValue = map[string]bool{"effective": true, "started": true}
)

func (e Event) String() string {
	s := fmt.Sprintf("%d n%d %s", e.Tick, e.N, e.What)
	if hasNames[e.What] {
		s += " " + names(e.Names, e.C)
	}
	if hasValue[e.What] {
		s += " " + e.Value
	}
	return s
}

func names(ns []string, c bool) string {
	s := "[" + strings.Join(ns, " ") + "]"
	if c {
		s += "+canceled"
	}
	return s
}

// UnmarshalJSON decodes [tick, n, what, …].
func (e *Event) UnmarshalJSON(data []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(data, &parts); err != nil {
		return err
	}
	if len(parts) < 3 {
		return fmt.Errorf("record %s: want tick, n and what", data)
	}
	if err := decodeAll(parts[:3], &e.Tick, &e.N, &e.What); err != nil {
		return fmt.Errorf("record %s: %w", data, err)
	}
	rest, want := parts[3:], 0
	switch {
	case hasNames[e.What]:
		want = 2
	case hasValue[e.What]:
		want = 1
	case !slices.Contains([]string{"ok", CanceledRecord, "caught", "left", "spawned",
		"closed", "none", "notstarted"}, e.What):
		return fmt.Errorf("record %s: unknown record %q", data, e.What)
	}
	if len(rest) != want {
		return fmt.Errorf("record %s: %d values after %q, want %d", data, len(rest), e.What, want)
	}
	if want == 1 {
		e.Value = string(rest[0])
	}
	if want == 2 {
		if err := decodeAll(rest, &e.Names, &e.C); err != nil {
			return fmt.Errorf("record %s: %w", data, err)
		}
		sort.Strings(e.Names)
	}
	return nil
}

func decodeAll(parts []json.RawMessage, to ...any) error {
	for i, p := range parts {
		if err := json.Unmarshal(p, to[i]); err != nil {
			return err
		}
	}
	return nil
}

// UnmarshalJSON decodes an expectation and rejects one that lacks a field:
// what is not there would not be compared.
func (o *Outcome) UnmarshalJSON(data []byte) error {
	var in struct {
		End      *int64             `json:"end"`
		Errors   []string           `json:"errors"`
		Canceled *bool              `json:"cancelled"`
		Scopes   map[string][]bool  `json:"scopes"`
		Trace    map[string][]Event `json:"trace"`
	}
	if err := strict(data, &in); err != nil {
		return fmt.Errorf("expect: %w", err)
	}
	if in.End == nil || in.Errors == nil || in.Canceled == nil || in.Trace == nil {
		return errors.New("expect: end, errors, canceled or trace is missing")
	}
	sort.Strings(in.Errors)
	*o = Outcome{End: *in.End, Errors: in.Errors, Canceled: *in.Canceled, Trace: in.Trace}
	if in.Scopes == nil {
		return nil
	}
	o.Scopes = make(map[string]Flags)
	for id, f := range in.Scopes {
		if len(f) != 2 {
			return fmt.Errorf("expect: scope %q: want two flags, got %v", id, f)
		}
		o.Scopes[id] = Flags{Called: f[0], Caught: f[1]}
	}
	return nil
}

// A Difference is one place where two outcomes disagree.
type Difference struct{ Where, Got, Want string }

func (d Difference) String() string {
	return fmt.Sprintf("%s: got %s, want %s", d.Where, d.Got, d.Want)
}

// Diff compares all that the expectation want of a program says with what the
// program did. It returns nil where they agree.
func Diff(flavor Flavor, got, want *Outcome) []Difference {
	var ds []Difference
	differ := func(where string, got, want any) {
		ds = append(ds, Difference{where, fmt.Sprint(got), fmt.Sprint(want)})
	}
	if got.Problem != want.Problem {
		differ("problem", got.Problem, "none")
	}
	if got.End != want.End {
		differ("end", got.End, want.End)
	}
	if !slices.Equal(got.Errors, want.Errors) {
		differ("errors", names(got.Errors, false), names(want.Errors, false))
	}
	if comparableC(flavor, got.Errors, got.Canceled) != comparableC(flavor, want.Errors, want.Canceled) {
		differ("canceled", got.Canceled, want.Canceled)
	}
	if flavor != Asyncio {
		for _, id := range unionKeys(got.Scopes, want.Scopes) {
			g, gok := got.Scopes[id]
			w, wok := want.Scopes[id]
			if g != w || gok != wok {
				differ("scope "+id, orMissing(g, gok), orMissing(w, wok))
			}
		}
	}
	for _, task := range unionKeys(got.Trace, want.Trace) {
		for i, p := range pairs(got.Trace[task], want.Trace[task]) {
			if !p.same(flavor) {
				g, w := p.strings()
				differ(fmt.Sprintf("task %s, record %d", task, i), g, w)
			}
		}
	}
	return ds
}

// comparableC is c as the recording library would have said it.
func comparableC(flavor Flavor, names []string, c bool) bool {
	if flavor == Asyncio && len(names) > 0 {
		return false
	}
	return c
}

// A pair is what stands at one place of two traces, nil where one has ended.
type pair struct{ got, want *Event }

func pairs(got, want []Event) []pair {
	ps := make([]pair, max(len(got), len(want)))
	for i := range got {
		ps[i].got = &got[i]
	}
	for i := range want {
		ps[i].want = &want[i]
	}
	return ps
}

func (p pair) same(flavor Flavor) bool {
	if p.got == nil || p.want == nil {
		return p.got == p.want
	}
	g, w := *p.got, *p.want
	return g.Tick == w.Tick && g.N == w.N && g.What == w.What && g.Value == w.Value &&
		slices.Equal(g.Names, w.Names) && comparableC(flavor, g.Names, g.C) == comparableC(flavor, w.Names, w.C)
}

func (p pair) strings() (got, want string) {
	got, want = "-", "-"
	if p.got != nil {
		got = p.got.String()
	}
	if p.want != nil {
		want = p.want.String()
	}
	return got, want
}

func orMissing(f Flags, ok bool) string {
	if !ok {
		return "missing"
	}
	return f.String()
}

// unionKeys returns the keys of a and b, sorted.
func unionKeys[V any](a, b map[string]V) []string {
	var keys []string
	for k := range a {
		keys = append(keys, k)
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	return keys
}
