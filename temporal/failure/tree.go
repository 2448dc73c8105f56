package failure

import (
	"encoding/json"
	"errors"
	"time"

	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	root "github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/temporal/cancelscope"
	"github.com/trellis-go/trellis/temporal/nursery"
)

// version is that of the form below. A worker may be older than what it reads: unknown kinds
// and fields are left out, and a form of another version is not read at all.
const version = 1

// details is what the ApplicationError has as its only detail.
type details struct {
	Trellis int   `json:"trellis"` // version
	Error   *tree `json:"error"`
}

// A kind says what an error in a tree is.
type kind string

const (
	aNursery  kind = "nursery"  // Name, Errs, More
	aTask     kind = "task"     // Name, MadeUp, Errs with one member
	aJoin     kind = "join"     // Text, Errs
	aWrapper  kind = "wrapper"  // Text, Errs with one member
	aTooSlow  kind = "tooSlow"  // Name, Limit, Deadline, Errs with the reason if there is one
	aCanceled kind = "canceled" // Text
	aLeaf     kind = "leaf"     // Failure
)

// A tree is an error in the form that crosses the network.
type tree struct {
	Kind     kind            `json:"kind"`
	Name     string          `json:"name,omitempty"`
	MadeUp   bool            `json:"madeUp,omitempty"`
	Text     string          `json:"text,omitempty"`
	Limit    time.Duration   `json:"limit,omitempty"`
	Deadline time.Time       `json:"deadline,omitzero"`
	Failure  json.RawMessage `json:"failure,omitempty"`
	Errs     []*tree         `json:"errs,omitempty"`
	More     int             `json:"more,omitempty"` // members that were left out
}

const (
	maxErrors = 100  // in one tree
	maxText   = 4096 // bytes of one text
	maxDepth  = 50
)

// An encoder makes the tree of one error.
type encoder struct {
	converter Converter
	left      int  // how many errors may still be added
	twice     bool // the details of this module are in the tree already
}

func (e *encoder) tree(err error, depth int) *tree {
	if e.left--; e.left < 0 || depth > maxDepth {
		return nil
	}
	switch err := err.(type) {
	case *nursery.Error:
		t := &tree{Kind: aNursery, Name: err.Name()}
		return e.members(t, err.Unwrap(), depth)
	case *root.Error:
		return e.members(&tree{Kind: aNursery}, err.Unwrap(), depth)
	case *nursery.TaskError:
		t := &tree{Kind: aTask, Name: err.Task, MadeUp: err.MadeUp()}
		return e.members(t, []error{err.Err}, depth)
	case *root.TaskError:
		t := &tree{Kind: aTask, Name: err.Task}
		return e.members(t, []error{err.Err}, depth)
	case *cancelscope.TooSlowError:
		t := &tree{Kind: aTooSlow, Name: err.Name, Limit: err.Limit, Deadline: err.Deadline}
		if err.Reason == nil {
			return t
		}
		return e.members(t, []error{err.Reason}, depth)
	case *decoded:
		t := e.members(&tree{Kind: aJoin, Text: cut(err.text)}, []error{err.restored}, depth)
		defer func(twice bool) { e.twice = twice }(e.twice)
		e.twice = true
		return e.members(t, []error{err.whole}, depth)
	}
	switch members := joined(err); {
	case canceled(err):
		return &tree{Kind: aCanceled, Text: cut(err.Error())}
	case members != nil:
		return e.members(&tree{Kind: aJoin, Text: cut(err.Error())}, members, depth)
	case structured(err):
		return e.members(&tree{Kind: aWrapper, Text: cut(err.Error())}, []error{errors.Unwrap(err)}, depth)
	}
	return e.leaf(err)
}

func (e *encoder) members(t *tree, errs []error, depth int) *tree {
	for _, err := range errs {
		if err == nil {
			continue
		}
		if member := e.tree(err, depth+1); member != nil {
			t.Errs = append(t.Errs, member)
		} else {
			t.More++
		}
	}
	return t
}

func (e *encoder) leaf(err error) *tree {
	f := proto.Clone(e.converter.failures().ErrorToFailure(err)).(*failurepb.Failure)
	for cause := f; cause != nil; cause = cause.GetCause() {
		cause.StackTrace, cause.Message = "", cut(cause.Message)
		if app, ok := e.converter.failures().FailureToError(cause).(*temporal.ApplicationError); e.twice && ok && detailsOf(app) != nil {
			// Else the errors of nested workflows would be twice as many in each of them.
			cause.GetApplicationFailureInfo().Details = nil
		}
	}
	data, failed := protojson.Marshal(f)
	if failed != nil {
		return &tree{Kind: aWrapper, Text: cut(err.Error())}
	}
	return &tree{Kind: aLeaf, Failure: data}
}

// error returns the error that t stands for.
func (t *tree) error(c Converter) error {
	if t == nil {
		return nil
	}
	var errs []error
	for _, member := range t.Errs {
		if err := member.error(c); err != nil {
			errs = append(errs, err)
		}
	}
	if t.More > 0 {
		errs = append(errs, leftOut(t.More))
	}
	switch t.Kind {
	case aNursery:
		return nursery.NewError(t.Name, errs...)
	case aTask:
		return nursery.NewTaskError(t.Name, t.MadeUp, one(errs))
	case aTooSlow:
		e := &cancelscope.TooSlowError{Name: t.Name, Limit: t.Limit, Deadline: t.Deadline}
		if len(errs) > 0 {
			e.Reason = errs[0]
		}
		return e
	case aCanceled:
		return &restoredText{t.Text, []error{workflow.ErrCanceled}}
	case aLeaf:
		f := new(failurepb.Failure)
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(t.Failure, f); err != nil {
			return nil
		}
		return c.failures().FailureToError(f)
	}
	if j := errors.Join(errs...); j != nil && j.Error() == t.Text {
		return j
	}
	return &restoredText{t.Text, errs}
}

// one returns the only member, or what stands for none.
func one(errs []error) error {
	if len(errs) == 0 {
		return errors.New("an error that was left out")
	}
	return errs[0]
}

// A restoredText is an error of which the text and the members are left.
type restoredText struct {
	text string
	errs []error
}

func (e *restoredText) Error() string   { return e.text }
func (e *restoredText) Unwrap() []error { return e.errs }

// cut cuts a text that is too long.
func cut(text string) string {
	if len(text) <= maxText {
		return text
	}
	end := maxText
	for end > 0 && text[end]&0xC0 == 0x80 {
		end-- // not in the middle of a character
	}
	return text[:end] + "…"
}

// joined returns the members of an error that has several, nil of any other.
func joined(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return j.Unwrap()
	}
	return nil
}

// canceled reports whether err is a cancellation, bare or in a chain of single wrappers.
func canceled(err error) bool {
	for range maxDepth {
		switch e := err.(type) {
		case *cancelscope.Canceled, *temporal.CanceledError:
			return true
		case interface{ Cancellation() bool }:
			if !e.Cancellation() {
				return false
			}
		}
		if err = errors.Unwrap(err); err == nil {
			return false
		}
	}
	return false
}

// structured reports whether err wraps, in a chain, an error that only a tree can carry.
func structured(err error) bool {
	for range maxDepth {
		switch err.(type) {
		case *nursery.Error, *nursery.TaskError, *root.Error, *root.TaskError, *cancelscope.TooSlowError:
			return true
		case interface{ Unwrap() []error }:
			return true
		}
		if err = errors.Unwrap(err); err == nil {
			return false
		}
	}
	return false
}
