package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/examples/internal/pipenet"
)

func TestEcho(t *testing.T) {
	const maxLine = 100_000
	r := start(t, time.Hour, maxLine, 100)
	binary := make([]byte, 256_000)
	for i := range binary {
		binary[i] = byte(i)
	}
	long := strings.Repeat("x", maxLine)
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
		{"boom", "one\nboom\ntwo\n", "one\nerror: the client said boom\n"},
		{"boom of telnet", "one\r\nboom\r\ntwo\r\n", "one\r\nerror: the client said boom\n"},
		{"boom without newline", "one\nboom", "one\nerror: the client said boom\n"},
		{"no boom", "boom!\n boom\nBoom\nboom \nboo", "boom!\n boom\nBoom\nboom \nboo"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := dial(t, r.addr)
			go func() {
				io.WriteString(conn, c.send)
				conn.CloseWrite()
			}()
			hearEnd(t, conn, c.want)
		})
	}
	r.expect(0)
}

// A client that fails, resets its connection or does not read disturbs no other, and only
// what has failed is logged.
func TestOthersAreNotDisturbed(t *testing.T) {
	r := start(t, time.Second, 1000, 100) // more than an idle connection takes to end
	other := dial(t, r.addr)
	say(t, other, "one\n")
	hear(t, other, "one\n")

	failing := dial(t, r.addr)
	say(t, failing, "boom\n")
	hearEnd(t, failing, "error: the client said boom\n")
	r.log.Await(t, "connection failed.*the client said boom")

	leaving := dial(t, r.addr)
	say(t, leaving, "one\nha")
	hear(t, leaving, "one\n")
	leaving.SetLinger(0) // makes Close a reset
	leaving.Close()

	deaf := dial(t, r.addr)
	for full := false; !full; { // until nothing more fits anywhere between the two
		deaf.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
		n, err := io.WriteString(deaf, strings.Repeat("0123456789abcde\n", 4<<10))
		full = n == 0 && err != nil
	}
	say(t, other, "two\n")
	hear(t, other, "two\n")
	r.drain()
	hearEnd(t, other, "")
	r.expect(3) // deaf had to be cut off
	if got := strings.Count(r.log.String(), "connection failed"); got != 1 {
		t.Errorf("%d failures in the log, want that of boom alone:\n%s", got, r.log)
	}
}

// What a client has sent, and the server will not read, must not take back what the server
// has sent: a socket that is closed too early would send a reset.
func TestGoodbyeIsHeard(t *testing.T) {
	r := start(t, time.Hour, 1000, 100)
	conn := dial(t, r.addr)
	say(t, conn, "one\n"+strings.Repeat("x", 1001))
	hear(t, conn, "one\nerror: line longer than 1000 bytes\n")
	for range 100 { // the server has closed its side, and takes no notice of the rest
		say(t, conn, strings.Repeat("y", 10_000))
	}
	hearEnd(t, conn, "")
	r.expect(0)
}

// In a drain a client may finish its line, one that is silent is closed, and one that is
// cut off gets the reason.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := pipenet.Listen("echo.test:1")
		r := startOn(t, l, 500*time.Millisecond, 1000, 100)
		connect := func() net.Conn {
			client, server := net.Pipe()
			if err := l.Hand(t.Context(), server); err != nil {
				t.Fatalf("connecting: %v", err)
			}
			say(t, client, "line\n")
			hear(t, client, "line\n")
			return client
		}
		silent, begun, stuck := connect(), connect(), connect()
		say(t, begun, "tw") // a pipe has no buffer: the server has read it
		say(t, stuck, "never")
		r.drain()
		hearEnd(t, silent, "")
		say(t, begun, "o\n")
		hear(t, begun, "two\n")
		hearEnd(t, begun, "")
		hearEnd(t, stuck, "error: the server ends\n")
		r.expect(3)
	})
}

// At most so many clients are served at a time; more wait.
func TestLimit(t *testing.T) {
	r := start(t, time.Hour, 1000, 1)
	first, second := dial(t, r.addr), dial(t, r.addr)
	say(t, second, "two\n")
	say(t, first, "one\n")
	hear(t, first, "one\n")
	first.CloseWrite()
	hearEnd(t, first, "")
	hear(t, second, "two\n")
	second.Close()
	r.expect(0)
}

// Hundreds of clients send when the drain begins, and some are silent for long. Each gets
// back every line that it has sent, and then the end.
func TestLoad(t *testing.T) {
	const clients, before = 300, 20
	r := start(t, time.Minute, 1000, clients)
	var ready, done sync.WaitGroup
	stop := make(chan struct{})
	for i := range clients {
		ready.Add(1)
		done.Go(func() {
			isReady := sync.OnceFunc(ready.Done)
			defer isReady()
			conn := dial(t, r.addr)
			in := bufio.NewReader(conn)
			for n := 0; ; n++ {
				line := fmt.Sprintf("client %d line %d %s\n", i, n, strings.Repeat("*", n*37%800))
				say(t, conn, line)
				if got, err := in.ReadString('\n'); got != line {
					t.Errorf("client %d: line %d came back as %.60q, %v", i, n, got, err)
					return
				}
				if n < before {
					continue
				}
				isReady()
				if i%3 == 0 {
					<-stop // silent
				}
				select {
				case <-stop:
					hearEnd(t, conn, "")
					return
				default:
				}
			}
		})
	}
	ready.Wait()
	r.drain()
	close(stop)
	done.Wait()
	r.expect(0)
}
