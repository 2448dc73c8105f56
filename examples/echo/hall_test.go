package main_test

import (
	"context"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	echo "github.com/trellis-go/trellis/examples/echo"
)

// A hall is a listener for bubbles.
type hall struct {
	bell, button net.Conn // Accept reads from bell what is written to button
	waiting      chan net.Conn
}

func newHall() *hall {
	bell, button := net.Pipe()
	return &hall{bell, button, make(chan net.Conn, 1)}
}

// What the button sends: a connection waits, or that there is an error.
var (
	connection = []byte{'c'}
	tooMany    = []byte{'e'}
)

func (h *hall) Accept() (net.Conn, error) {
	b := make([]byte, 1)
	switch _, err := h.bell.Read(b); {
	case err == io.EOF || err == io.ErrClosedPipe:
		return nil, &net.OpError{Op: "accept", Net: "hall", Err: net.ErrClosed}
	case err != nil:
		return nil, err
	case b[0] == tooMany[0]:
		return nil, &net.OpError{Op: "accept", Net: "hall", Err: os.NewSyscallError("accept", syscall.EMFILE)}
	}
	return <-h.waiting, nil
}

func (h *hall) SetDeadline(t time.Time) error { return h.bell.SetReadDeadline(t) }
func (h *hall) Addr() net.Addr                { return h.bell.LocalAddr() }

func (h *hall) Close() error {
	h.button.Close()
	return h.bell.Close()
}

// visit waits until c has been accepted, and reports whether it was.
func (h *hall) visit(c net.Conn) bool {
	h.waiting <- c
	if _, err := h.button.Write(connection); err != nil {
		<-h.waiting
		return false
	}
	return true
}

// dial returns the client's end of a new connection.
func (h *hall) dial(t *testing.T) *duplex {
	t.Helper()
	client, server := newDuplex()
	if !h.visit(server) {
		t.Fatal("the connection was refused")
	}
	return client
}

// A duplex is a connection whose directions can be closed one by one, as those of TCP
// can.
type duplex struct {
	net.Conn          // to read from
	out      net.Conn // to write to
}

func newDuplex() (client, server *duplex) {
	in1, out1 := net.Pipe()
	in2, out2 := net.Pipe()
	return &duplex{in1, out2}, &duplex{in2, out1}
}

func (d *duplex) Write(p []byte) (int, error)        { return d.out.Write(p) }
func (d *duplex) CloseWrite() error                  { return d.out.Close() }
func (d *duplex) SetWriteDeadline(t time.Time) error { return d.out.SetWriteDeadline(t) }

func (d *duplex) SetDeadline(t time.Time) error {
	d.Conn.SetReadDeadline(t)
	return d.out.SetWriteDeadline(t)
}

func (d *duplex) Close() error {
	d.out.Close()
	return d.Conn.Close()
}

// say sends a text, and fails the test if it is not taken.
func say(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Errorf("sending %.30q: %v", text, err)
	}
}

// hear expects a text, and nothing about what comes after it.
func hear(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Errorf("the server sent %.60q, %v; want %.60q", got[:n], err, want)
	}
}

// hearEnd expects a text and the end of the connection, and closes the client's
// side.
func hearEnd(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got, err := io.ReadAll(c)
	if err != nil || string(got) != want {
		t.Errorf("the server sent %.60q, %v; want %.60q and the end", got, err, want)
	}
	c.Close()
}

// inBubble starts the program in a bubble, with a hall to visit.
func inBubble(t *testing.T, name string, w echo.World, args []string, f func(t *testing.T, h *hall, r *running)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newHall()
			w.Listen = func(context.Context, string) (net.Listener, error) { return h, nil }
			f(t, h, start(t.Context(), w, args...))
		})
	})
}

// sinceStart checks the time that has passed in a bubble since start.
func sinceStart(t *testing.T, what string, start time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(start); got != want {
		t.Errorf("%s after %v, want %v", what, got, want)
	}
}
