package grpcscope

import (
	"fmt"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/nursery"
)

// decode returns the error that a server has sent in st, which is that of err, and err
// itself if there is none in it.
func decode(st *status.Status, err error) error {
	p := st.Proto()
	if kind, _, _ := describedBy(p.GetDetails()); kind == "" {
		return err
	}
	d := decoder{left: maxNodes}
	if restored := d.error(p, 0); restored != nil {
		return restored
	}
	return err
}

// A decoder restores one error. What a server sends is not trusted: the work is bounded,
// and what does not fit together becomes an error with the text and code.
type decoder struct{ left int }

// error returns the error that p stands for, nil if that is too much.
func (d *decoder) error(p *spb.Status, depth int) error {
	if d.left == 0 || depth == maxDepth {
		return nil
	}
	d.left--
	kind, fields, rest := describedBy(p.GetDetails())
	bare := &spb.Status{Code: p.GetCode(), Message: p.GetMessage(), Details: rest}
	switch kind {
	case taskKind:
		t := nursery.TaskError{}
		if fields[unnamedField] != "" {
			t = unnamed()
		}
		t.Task = fields[taskField]
		if t.Err = d.error(bare, depth+1); t.Err == nil {
			t.Err = leftOut(1, p)
		}
		return &t
	case nurseryKind:
		errs := d.members(p, fields, rest, depth)
		if len(errs) == 0 || len(rest) == 0 { // a nursery that keeps none has a text, which says more
			break
		}
		return named(fields[nameField]).Derive(errs)
	case joinKind, wrapKind:
		errs := d.members(p, fields, rest, depth)
		bare.Details = nil
		return &remoteError{bare.Message, status.FromProto(bare), errs}
	case tooSlowKind:
		slow := &cancelscope.TooSlowError{Name: fields[nameField]}
		slow.Limit, _ = time.ParseDuration(fields[limitField])
		slow.Deadline, _ = time.Parse(time.RFC3339Nano, fields[deadlineField])
		if errs := d.members(p, fields, rest, depth); len(errs) > 0 {
			slow.Reason = errs[0]
		}
		bare.Details = nil
		return &remoteError{bare.Message, status.FromProto(bare), []error{slow}}
	case "":
		if bare.Code != 0 {
			return status.FromProto(bare).Err()
		}
	}
	if bare.Code == 0 {
		bare.Code = int32(codes.Unknown)
	}
	return &remoteError{bare.Message, status.FromProto(bare), nil}
}

// members returns the errors among the details of p.
func (d *decoder) members(p *spb.Status, fields map[string]string, details []*anypb.Any, depth int) []error {
	var errs []error
	more, _ := strconv.Atoi(fields[moreField])
	for _, packed := range details {
		member := new(spb.Status)
		if packed.UnmarshalTo(member) != nil {
			continue
		}
		if err := d.error(member, depth+1); err != nil {
			errs = append(errs, err)
		} else {
			more++
		}
	}
	if more > 0 {
		errs = append(errs, leftOut(more, p))
	}
	return errs
}

// describedBy returns the kind and the fields that stand at the front of the details, and
// the others. kind is empty if there is none of ours.
func describedBy(details []*anypb.Any) (kind string, fields map[string]string, rest []*anypb.Any) {
	if len(details) == 0 {
		return "", nil, nil
	}
	first := new(errdetails.ErrorInfo)
	if details[0].UnmarshalTo(first) != nil || first.Domain != domain {
		return "", nil, details
	}
	return first.Reason, first.Metadata, details[1:]
}

// A remoteError is an error of a server that was no status, with the text that it had there.
type remoteError struct {
	text string
	st   *status.Status
	errs []error // what is known of the errors inside
}

func (e *remoteError) Error() string              { return e.text }
func (e *remoteError) Unwrap() []error            { return e.errs }
func (e *remoteError) GRPCStatus() *status.Status { return e.st }

// leftOut stands for errors inside p that are not there.
func leftOut(n int, p *spb.Status) error {
	text := fmt.Sprintf("and %d more that were not sent", n)
	return &remoteError{text, status.New(max(codes.Code(p.GetCode()), codes.Canceled), text), nil}
}
