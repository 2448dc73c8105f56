package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
)

var errBoom = errors.New("the client said boom")

// parting is how long a client may take to hear the last words and to close its side.
const parting = 200 * time.Millisecond

// handle sends lines back as they come, until the client ends the connection, or, while the
// server drains, is silent between two lines: both are io.EOF. (Conns does not know of lines:
// half a line that came together with the one before is none.) When ctx is done, conn ends.
func (s *server) handle(ctx context.Context, conn net.Conn) error {
	in, out := bufio.NewReaderSize(conn, s.maxLine+1), bufio.NewWriter(conn)
	for {
		line, err := in.ReadSlice('\n')
		switch {
		case len(bytes.TrimSuffix(line, []byte("\n"))) > s.maxLine:
			err = fmt.Errorf("line longer than %d bytes", s.maxLine)
		case string(bytes.TrimRight(line, "\r\n")) == "boom":
			err = errBoom
		default:
			out.Write(line) // keeps its error for Flush
			if err == nil && waiting(in) {
				continue // the lines that have come together go back together
			}
		}
		if flushed := out.Flush(); err == nil || err == io.EOF && flushed != nil {
			err = flushed
		}
		switch {
		case err == nil:
			continue
		case err == io.EOF:
			return nil // the last line needs no newline
		case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ETIMEDOUT):
			return nil // the client has gone
		case cancelscope.IsCancellation(ctx, err):
			s.goodbye(ctx, conn, "the server ends")
		default:
			s.goodbye(ctx, conn, err.Error())
		}
		return err
	}
}

// waiting reports whether another line is in the buffer.
func waiting(in *bufio.Reader) bool {
	rest, _ := in.Peek(in.Buffered())
	return bytes.IndexByte(rest, '\n') >= 0
}

// goodbye sends the client the reason for the end, closes the sending side, and throws
// away what the client still sends, until it closes its own side: a socket that is closed
// while unread input waits sends a reset, which discards what is on its way to the client.
//
// It happens in a shield, because the server may be cutting the connection off.
func (s *server) goodbye(ctx context.Context, conn net.Conn, why string) {
	cancelscope.Shield(ctx, parting, func(ctx context.Context) error {
		conn := deadline.Conn(ctx, conn) // of this shield, and not of the handler any more
		if _, err := fmt.Fprintf(conn, "error: %s\n", why); err != nil {
			return err
		}
		inner := conn.(interface{ NetConn() net.Conn }).NetConn()
		if half, ok := inner.(interface{ CloseWrite() error }); ok {
			half.CloseWrite()
			io.Copy(io.Discard, conn)
		}
		return nil
	})
}
