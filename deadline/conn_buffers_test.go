package deadline_test

import (
	"bytes"
	"io"
	"net"
	"testing"
	"testing/synctest"

	"github.com/trellis-go/trellis/deadline"
)

// buffersWriter is found on every wrapper.
type buffersWriter interface {
	WriteBuffers(*net.Buffers) (int64, error)
}

func TestWriteBuffers(t *testing.T) {
	near, far := tcp(t)
	c := deadline.Conn(t.Context(), near)
	var want []byte
	var buffers net.Buffers
	for i := range 100 {
		b := bytes.Repeat([]byte{byte(i)}, 64)
		buffers = append(buffers, b)
		want = append(want, b...)
	}
	n, err := c.(buffersWriter).WriteBuffers(&buffers)
	wantResult(t, "WriteBuffers", result{n: int(n), err: err}, len(want), nil)
	if len(buffers) != 0 {
		t.Errorf("WriteBuffers: %d buffers left, want 0", len(buffers))
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(far, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("Read of what was written: got %v, err %v, want %v", got, err, want)
	}
}

func TestWriteBuffersIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe(t)
		ctx, cancel := cancelable(t, "enough")
		c := deadline.Conn(ctx, near)
		buffers := net.Buffers{[]byte("hel"), []byte("lo")}
		write := func([]byte) (int, error) {
			n, err := c.(buffersWriter).WriteBuffers(&buffers)
			return int(n), err
		}
		done := start(write, nil)
		if _, err := io.ReadFull(far, make([]byte, 4)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // WriteBuffers waits for a reader of the last byte
		near.wantLog(t)
		second := start(deadline.Conn(t.Context(), c).Write, []byte("!"))
		synctest.Wait() // the Write waits for its turn
		reason := cancel()
		wantResult(t, "WriteBuffers of 5 bytes, 4 of them read", <-done, 4, reason)
		near.wantLog(t, "write past", "write none")
		if len(buffers) != 1 || string(buffers[0]) != "o" {
			t.Errorf("WriteBuffers: %q left, want the last byte", buffers)
		}
		b := make([]byte, 1)
		if _, err := far.Read(b); err != nil || string(b) != "!" {
			t.Errorf("Read of what was written after: got %q, %v, want %q", b, err, "!")
		}
		wantResult(t, "Write", <-second, 1, nil)
		n, err := write(nil)
		wantResult(t, "WriteBuffers under a context that is done", result{n: n, err: err}, 0, reason)
	})
}
