package grpcscope

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/nursery"
)

// A measure says how much of an error is sent.
type measure struct {
	errors  int  // how many, in all
	text    int  // bytes of one text
	details bool // the details of statuses among them
}

// measures are tried in turn until the status is small enough.
var measures = []measure{{64, maxText, true}, {64, 256, true}, {64, 512, false}, {32, 256, false}, {16, 128, false}, {8, 128, false}, {4, 64, false}}

// encode returns the status that stands for err.
func encode(err error) *status.Status {
	for _, m := range measures {
		e := encoder{measure: m}
		if p := e.node(err, 0); p != nil && proto.Size(p) <= maxStatus {
			return status.FromProto(p)
		}
	}
	return status.New(codeOf(err), cut(textOf(err), 512))
}

// An encoder makes the statuses of one error.
type encoder struct {
	measure
	made int
}

// node returns the status of err, nil if it is to be left out.
func (e *encoder) node(err error, depth int) *spb.Status {
	if e.made == e.errors || depth == maxDepth {
		return nil
	}
	if t, ok := err.(*nursery.TaskError); ok && t.Err != nil {
		p := e.node(t.Err, depth+1)
		if p == nil {
			return nil
		}
		fields := map[string]string{taskField: cut(t.Task, maxName)}
		if isUnnamed(t) {
			fields[unnamedField] = "true"
		}
		p.Details = append([]*anypb.Any{info(taskKind, fields)}, p.Details...)
		return p
	}
	e.made++
	p := &spb.Status{Code: int32(codeOf(err)), Message: cut(textOf(err), e.text)}
	if panicked(err) {
		p.Message, _, _ = strings.Cut(p.Message, "\n")
	}
	switch t := err.(type) {
	case *nursery.Error:
		p = e.members(p, nurseryKind, map[string]string{nameField: cut(nameOf(t), maxName)}, t.Unwrap(), t.Dropped(), depth)
		if panicked(err) {
			d := decoder{left: maxNodes}
			p.Message = cut(textOf(d.error(p, 0)), e.text) // without stacks
		}
		return p
	case *nursery.PanicError:
		p.Message = cut("panic: "+clean(fmt.Sprint(t.Value), e.text), e.text) // without the stack, and in one line
		p.Details = append(p.Details, info(textKind, nil))
		return p
	case *cancelscope.TooSlowError:
		fields := map[string]string{
			nameField:     cut(t.Name, maxName),
			limitField:    t.Limit.String(),
			deadlineField: t.Deadline.Format(time.RFC3339Nano),
		}
		return e.members(p, tooSlowKind, fields, []error{t.Reason}, 0, depth)
	case interface{ Unwrap() []error }:
		if structured(err) {
			return e.members(p, joinKind, map[string]string{}, t.Unwrap(), 0, depth)
		}
	case interface{ Unwrap() error }:
		if structured(err) {
			return e.members(p, wrapKind, map[string]string{}, []error{t.Unwrap()}, 0, depth)
		}
	}
	return e.leaf(p, err)
}

// panicked reports whether the text of err has the stack of a panic, which is not sent.
func panicked(err error) bool { return errors.As(err, new(*nursery.PanicError)) }

// members adds the statuses of the members, as far as there is room.
func (e *encoder) members(p *spb.Status, kind string, fields map[string]string, errs []error, more, depth int) *spb.Status {
	var members []*anypb.Any
	for _, err := range errs {
		if err == nil {
			continue
		}
		if member := e.node(err, depth+1); member != nil {
			members = append(members, pack(member))
		} else {
			more++
		}
	}
	if more > 0 {
		fields[moreField] = strconv.Itoa(more)
	}
	for name, value := range fields {
		if value == "" {
			delete(fields, name)
		}
	}
	p.Details = append([]*anypb.Any{info(kind, fields)}, members...)
	return p
}

// leaf completes the status of an error in which nothing else is to be found.
func (e *encoder) leaf(p *spb.Status, err error) *spb.Status {
	var has interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &has) || has.GRPCStatus().Code() == codes.OK {
		p.Details = append(p.Details, info(textKind, nil))
		return p
	}
	st := has.GRPCStatus()
	p.Code = int32(st.Code())
	if err.Error() == st.Err().Error() {
		p.Message = cut(st.Message(), e.text)
	} else {
		p.Details = append(p.Details, info(textKind, nil))
	}
	if e.details {
		for _, detail := range st.Proto().Details {
			if _, err := proto.Marshal(detail); err == nil { // or the error would be lost with it
				p.Details = append(p.Details, detail)
			}
		}
	}
	return p
}

// info returns the detail that describes an error.
func info(kind string, fields map[string]string) *anypb.Any {
	return pack(&errdetails.ErrorInfo{Reason: kind, Domain: domain, Metadata: fields})
}

// pack does not fail: the texts and details in the messages can be sent, and nothing else could be
// wrong.
func pack(m proto.Message) *anypb.Any {
	packed, err := anypb.New(m)
	if err != nil {
		packed = new(anypb.Any)
	}
	return packed
}
