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

// Read returns the next message of conn.
//
// If the client breaks the rules, the error is a [*Violation]: with the status 1002 for
// what is no websocket frame of a client, such as an unmasked one; 1003 for a message
// that is not text; 1007 for a text that is not UTF-8; and 1009 for a message beyond the
// read limit of conn. Every other error says that the connection has ended. When ctx is
// done Read closes the connection, as conn.Read does.
func Read(ctx context.Context, conn *websocket.Conn) ([]byte, error) {
	kind, text, err := conn.Read(ctx)
	switch {
	case err != nil:
		return nil, classify(ctx, err)
	case kind != websocket.MessageText:
		return nil, &Violation{Status: websocket.StatusUnsupportedData, Reason: "messages must be text"}
	case !utf8.Valid(text):
		return nil, &Violation{Status: websocket.StatusInvalidFramePayloadData, Reason: "messages must be UTF-8"}
	}
	return text, nil
}

// classify returns err, or the violation that it is. The library has no type for most of
// them, so that everything is one that is not known to be something else.
func classify(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil, errors.As(err, new(websocket.CloseError)), errors.As(err, new(net.Error)), errors.As(err, new(syscall.Errno)):
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
