package grpcscope_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/grpc/grpcscope"
	"github.com/trellis-go/trellis/nursery"
)

// FuzzDecode restores errors from bytes that a server could send: without a panic, with
// bounded work, and so that what was restored can be sent again.
func FuzzDecode(f *testing.F) {
	slow := &deadline.TooSlowError{Name: "page", Limit: time.Second, Deadline: time.Unix(1, 0), Reason: errBoom}
	for _, err := range []error{
		trip(context.Background()), slow, fmt.Errorf("x: %w", slow), errors.Join(errBoom, slow), status.Error(codes.NotFound, "gone"),
		nursery.Run(context.Background(), func(context.Context, *nursery.Nursery) error { return errBang }),
	} {
		b, failed := proto.Marshal(grpcscope.Encode(err).Proto())
		if failed != nil {
			f.Fatal(failed)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p := new(spb.Status)
		if proto.Unmarshal(b, p) != nil || p.Code == 0 {
			return
		}
		st := status.FromProto(p)
		err := grpcscope.Decode(st, st.Err())
		if err == nil || err.Error() == "" && p.Message != "" && len(p.Details) == 0 {
			t.Fatalf("Decode(%v) = %v", p, err)
		}
		if status.Code(err) == codes.OK {
			t.Errorf("Decode(%v) has the code OK", p)
		}
		again := grpcscope.Encode(err)
		if size := proto.Size(again.Proto()); size > grpcscope.MaxStatus {
			t.Errorf("what was restored is sent with %d bytes, want at most %d", size, grpcscope.MaxStatus)
		}
		if again.Code() == codes.OK {
			t.Errorf("what was restored from %v is sent with the code OK", p)
		}
	})
}
