package memchan_test

import (
	"errors"
	"io"
	"testing"

	"github.com/trellis-go/trellis/memchan"
)

// The end of a channel is an end for code that asks in general. The end of a file is not
// the end of a channel.
func TestErrEndOfChannelIsAnEnd(t *testing.T) {
	if !errors.Is(memchan.ErrEndOfChannel, io.EOF) {
		t.Error("errors.Is(ErrEndOfChannel, io.EOF) = false, want true")
	}
	if errors.Is(memchan.ErrEndOfChannel, io.ErrUnexpectedEOF) {
		t.Error("errors.Is(ErrEndOfChannel, io.ErrUnexpectedEOF) = true, want false")
	}
	if memchan.ErrEndOfChannel == io.EOF || errors.Is(io.EOF, memchan.ErrEndOfChannel) {
		t.Error("io.EOF passes for ErrEndOfChannel")
	}
	if got, want := memchan.ErrEndOfChannel.Error(), "end of channel"; got != want {
		t.Errorf("ErrEndOfChannel.Error() = %q, want %q", got, want)
	}
}

func TestErrorTexts(t *testing.T) {
	for err, want := range map[error]string{
		memchan.ErrEndOfChannel: "end of channel",
		memchan.ErrBroken:       "every receiver of the channel is closed",
		memchan.ErrClosed:       "handle of the channel is closed",
		memchan.ErrWouldBlock:   "operation would block",
	} {
		if got := err.Error(); got != want {
			t.Errorf("Error() = %q, want %q", got, want)
		}
	}
}
