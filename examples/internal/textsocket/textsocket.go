package textsocket

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"unicode/utf8"

	"github.com/coder/websocket"
)

// A Violation is the error of a client that breaks the rules of the protocol. The
// connection cannot continue: it must be closed with this status and reason.
type Violation struct {
	Status websocket.StatusCode
	Reason string // at most 123 bytes, as a close frame has room for
	Err    error  // what the websocket library says; may be nil
}

func (v *Violation) Error() string {
	if v.Err == nil {
		return v.Reason
	}
	return v.Reason + ": " + v.Err.Error()
}

func (v *Violation) Unwrap() error { return v.Err }

// Read returns the next message of conn. One that is longer than limit bytes is read to
// its end, and so much is returned that it is longer than limit.
//
// If the client breaks the rules, the error is a [*Violation]: with the status 1002 for
// what is no websocket frame of a client, such as an unmasked one; 1003 for a message
// that is not text; 1007 for a text that is not UTF-8; and 1009 for a message beyond the
// read limit of conn. Every other error says that the connection has ended. When ctx is
// done Read closes the connection, as conn.Reader does.
func Read(ctx context.Context, conn *websocket.Conn, limit int) ([]byte, error) {
	kind, r, err := conn.Reader(ctx)
	if err != nil {
		return nil, classify(ctx, err)
	}
	if kind != websocket.MessageText {
		return nil, &Violation{Status: websocket.StatusUnsupportedData, Reason: "messages must be text"}
	}
	text, err := io.ReadAll(io.LimitReader(r, int64(limit)+utf8.UTFMax))
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	switch {
	case err != nil:
		return nil, classify(ctx, err)
	case !validPrefix(text, len(text) > limit):
		return nil, &Violation{Status: websocket.StatusInvalidFramePayloadData, Reason: "messages must be UTF-8"}
	}
	return text, nil
}

// validPrefix reports whether text is UTF-8. If it may have been cut, its last character
// need not be complete.
func validPrefix(text []byte, cut bool) bool {
	for n := 1; cut && n < utf8.UTFMax && n <= len(text); n++ {
		if last := text[len(text)-n:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				text = text[:len(text)-n]
			}
			break
		}
	}
	return utf8.Valid(text)
}

// classify returns err, or the violation that it is. The library has no type for most of
// them, so that everything is one that is not known to be something else.
func classify(ctx context.Context, err error) error {
	var closed websocket.CloseError
	var network net.Error
	var system syscall.Errno
	switch {
	case ctx.Err() != nil, errors.As(err, &closed), errors.As(err, &network), errors.As(err, &system):
		return err
	case errors.Is(err, websocket.ErrMessageTooBig):
		return &Violation{websocket.StatusMessageTooBig, "message too large", err}
	}
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed, os.ErrDeadlineExceeded, context.Canceled} {
		if errors.Is(err, end) {
			return err
		}
	}
	return &Violation{websocket.StatusProtocolError, "not a frame of a websocket client", err}
}
