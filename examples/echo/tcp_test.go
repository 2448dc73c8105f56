package main_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	echo "github.com/trellis-go/trellis/examples/echo"
)

// serve starts the program on a free port, and returns its address.
func serve(t *testing.T, w echo.World, args ...string) (*running, string) {
	t.Helper()
	w.Listen = echo.ListenTCP
	r := start(t.Context(), w, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	return r, r.log.Await(t, "msg=listening addr=(.*)")[1]
}

// dial connects to a server.
func dial(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn.(*net.TCPConn)
}

func TestEcho(t *testing.T) {
	r, addr := serve(t, echo.World{}, "-max-line", "100000")
	binary := make([]byte, 256_000)
	for i := range binary {
		binary[i] = byte(i)
	}
	long := strings.Repeat("x", 100_000)
	for _, c := range []struct{ name, send, want string }{
		{"nothing", "", ""},
		{"lines", "one\ntwo\n", "one\ntwo\n"},
		{"of telnet", "one\r\ntwo\r\n", "one\r\ntwo\r\n"},
		{"empty lines", "\n\n\r\n\n", "\n\n\r\n\n"},
		{"no newline at the end", "one\ntwo", "one\ntwo"},
		{"no newline at all", "one", "one"},
		{"binary", string(binary), string(binary)},
		{"longest", long + "\n" + long + "\n" + long, long + "\n" + long + "\n" + long},
		{"too long", "one\n" + long + "x\ntwo\n", "one\nerror: line longer than 100000 bytes\n"},
		{"too long at the end", "one\n" + long + "x", "one\nerror: line longer than 100000 bytes\n"},
		{"boom", "one\nboom\ntwo\n", "one\n"},
		{"boom of telnet", "one\r\nboom\r\ntwo\r\n", "one\r\n"},
		{"boom without newline", "one\nboom", "one\n"},
		{"no boom", "boom!\n boom\nBoom\nboom \n\rboom\nboo", "boom!\n boom\nBoom\nboom \n\rboom\nboo"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := dial(t, addr)
			go func() {
				io.WriteString(conn, c.send)
				conn.CloseWrite()
			}()
			hearEnd(t, conn, c.want)
		})
	}
	r.signals <- os.Interrupt
	r.expect(t, 0, "level=INFO msg=drained accepted=14 served=9 failed=5 gone=0 cut=0 lines=1026")
}

// What a client has sent, and the server will not read, must not take back what the
// server has sent: a socket that is closed too early would send a reset.
func TestGoodbyeIsHeard(t *testing.T) {
	r, addr := serve(t, echo.World{Linger: patience}, "-max-line", "1000")
	for _, c := range []struct{ name, send, want string }{
		{"too long", "one\n" + strings.Repeat("x", 1001), "one\nerror: line longer than 1000 bytes\n"},
		{"boom", "one\nboom\n", "one\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := dial(t, addr)
			say(t, conn, c.send)
			hear(t, conn, c.want)
			// The server has closed its side, and takes no notice of the rest.
			for range 100 {
				say(t, conn, strings.Repeat("y", 10_000))
			}
			hearEnd(t, conn, "")
		})
	}
	r.log.Await(t, "connection 2.*boom")
	r.signals <- os.Interrupt
	r.expect(t, 0, "level=INFO msg=drained accepted=2 served=0 failed=2 gone=0 cut=0 lines=2")
}

// A client that resets its connection is no failure.
func TestReset(t *testing.T) {
	r, addr := serve(t, echo.World{})
	conn := dial(t, addr)
	say(t, conn, "one\nha")
	hear(t, conn, "one\n")
	conn.SetLinger(0) // makes Close a reset
	conn.Close()
	r.log.Await(t, `level=INFO msg=gone task="connection 1 from `+conn.LocalAddr().String()+`" lines=1 err=.*reset by peer`)
	r.signals <- os.Interrupt
	r.expect(t, 0, "level=INFO msg=drained accepted=1 served=0 failed=0 gone=1 cut=0 lines=1")
	if got := r.log.lines("in this run"); len(got) > 0 {
		t.Errorf("report\n%q\nwant none", got)
	}
}

// A client that does not read delays no other.
func TestNotReading(t *testing.T) {
	r, addr := serve(t, echo.World{}, "-grace", "1h")
	deaf := dial(t, addr)
	stuffed := make(chan int64)
	go func() { // until nothing more fits anywhere between the two
		var n int64
		for {
			deaf.SetWriteDeadline(time.Now().Add(time.Second))
			m, err := io.WriteString(deaf, strings.Repeat("0123456789abcde\n", 4<<10))
			if n += int64(m); err != nil {
				stuffed <- n
				return
			}
		}
	}()
	other := dial(t, addr)
	for range 100 {
		say(t, other, "line\n")
		hear(t, other, "line\n")
	}
	sent := <-stuffed
	say(t, other, "line\n")
	hear(t, other, "line\n")

	// Nothing has been lost when it does read, in the middle of the shutdown. That it
	// ends with a part of a line does not matter: that is a line as well, the last.
	r.signals <- os.Interrupt
	hearEnd(t, other, "")
	deaf.CloseWrite()
	var got int64
	b := make([]byte, 64<<10)
	for want := "0123456789abcde\n"; ; {
		n, err := deaf.Read(b)
		for _, c := range b[:n] {
			if c != want[got%16] {
				t.Fatalf("byte %d is %q, want %q", got, c, want[got%16])
			}
			got++
		}
		if err != nil {
			break
		}
	}
	if got != sent {
		t.Errorf("got %d bytes back, want the %d that were sent", got, sent)
	}
	deaf.Close()
	if code := <-r.code; code != 0 {
		t.Errorf("echo: exit code %d, want 0; its log:\n%s", code, r.log)
	}
}

// A fullListener has no file descriptor left for new clients.
type fullListener struct{ *net.TCPListener }

func (fullListener) Accept() (net.Conn, error) {
	return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept", syscall.EMFILE)}
}

// A connection that the kernel has made, and that was not accepted before the shutdown, is
// reset at once.
func TestBacklog(t *testing.T) {
	r := start(t.Context(), echo.World{Listen: func(ctx context.Context, addr string) (net.Listener, error) {
		l, err := echo.ListenTCP(ctx, addr)
		if err != nil {
			return nil, err
		}
		return fullListener{l.(*net.TCPListener)}, nil
	}}, "-addr", "127.0.0.1:0")
	conn := dial(t, r.log.Await(t, "msg=listening addr=(.*)")[1])
	say(t, conn, "line\n")
	r.signals <- os.Interrupt
	r.expect(t, 0, "level=INFO msg=drained accepted=0 served=0 failed=0 gone=0 cut=0 lines=0")
	if got, err := io.ReadAll(conn); len(got) > 0 || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the server sent %q, %v; want a reset", got, err)
	}
}

// With -v every connection is logged, under the name of its task.
func TestNames(t *testing.T) {
	r, addr := serve(t, echo.World{}, "-v")
	var want []string
	for range 3 {
		conn := dial(t, addr)
		say(t, conn, "line\n")
		hear(t, conn, "line\n")
		conn.CloseWrite()
		hearEnd(t, conn, "")
		want = append(want, `level=DEBUG msg=served task="connection `+string(rune('1'+len(want)))+` from `+conn.LocalAddr().String()+`" lines=1`)
	}
	r.log.Await(t, "msg=served task=.connection 3 ")
	r.signals <- os.Interrupt
	r.expect(t, 0, "level=INFO msg=drained accepted=3 served=3 failed=0 gone=0 cut=0 lines=3")
	got := r.log.lines("msg=served")
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("log\n%q\nwant\n%q", got, want)
	}
}
