package main_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	echo "github.com/trellis-go/trellis/examples/echo"
)

// A load is 500 clients of one server: half of them idle, the others busy, clumsy or
// worse.
type load struct {
	t    *testing.T
	addr string
	stop chan struct{} // closed when the server shuts down

	ready, done sync.WaitGroup

	mu   sync.Mutex
	sent map[string]int64 // guarded by mu; by address, of clients that read to the end: the lines sent
	got  map[string]int64 // guarded by mu; the lines that came back
}

const (
	idle    = 250
	busy    = 130
	half    = 20 // stop in the middle of a line, when the shutdown begins
	leaving = 50 // reset their connection, in the middle of everything
	leaver  = 20 // reset it during the shutdown, in the middle of a line
	boom    = 20
	tooLong = 10
)

func newLoad(t *testing.T, addr string) *load {
	return &load{
		t: t, addr: addr, stop: make(chan struct{}),
		sent: make(map[string]int64), got: make(map[string]int64),
	}
}

// come starts all clients, and returns when each of them has had a line back.
func (c *load) come(finish bool) {
	for n, client := range map[int]func(*visit){
		idle: (*visit).idle, busy: (*visit).busy, half: (*visit).half, leaving: (*visit).leaving,
	} {
		c.start(n, finish, client)
	}
	c.start(leaver, finish, (*visit).leaver)
	c.start(boom, finish, func(v *visit) { v.saysLast("boom\n", "") })
	c.start(tooLong, finish, func(v *visit) {
		v.saysLast(strings.Repeat("x", 1001)+"\n", "error: line longer than 1000 bytes\n")
	})
	c.ready.Wait()
}

func (c *load) start(n int, finish bool, client func(*visit)) {
	for range n {
		c.ready.Add(1)
		c.done.Go(func() {
			ready := sync.OnceFunc(c.ready.Done)
			defer ready() // not to be waited for if it fails
			conn, err := net.Dial("tcp", c.addr)
			if err != nil {
				c.t.Errorf("a client cannot come: %v", err)
				return
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(patience))
			v := &visit{c, conn.(*net.TCPConn), bufio.NewReader(conn), finish, 0, 0}
			v.exchange()
			ready()
			client(v)
		})
	}
}

// A visit is one client at the server.
type visit struct {
	*load
	conn   *net.TCPConn
	in     *bufio.Reader
	finish bool // what has been begun when the server shuts down, for there is time

	lines, answers int64
}

func (v *visit) line(i int64) string {
	return fmt.Sprintf("%v %d %s\n", v.conn.LocalAddr(), i, strings.Repeat("*", int(i*37%800)))
}

// send sends the next line, and reports whether that was possible.
func (v *visit) send() bool {
	if _, err := io.WriteString(v.conn, v.line(v.lines)); err != nil {
		return false
	}
	v.lines++
	return true
}

// receive expects the next line back, or the end.
func (v *visit) receive() error {
	got, err := v.in.ReadString('\n')
	if got == "" {
		return err
	}
	if want := v.line(v.answers); got != want {
		v.t.Errorf("answer %d is %.60q, %v; want %.60q", v.answers, got, err, want)
		return errors.New("wrong answer")
	}
	v.answers++
	return nil
}

func (v *visit) exchange() {
	v.send()
	if err := v.receive(); err != nil {
		v.t.Errorf("the first answer: %v", err)
	}
}

// toTheEnd receives what still comes.
func (v *visit) toTheEnd() {
	err := v.receive()
	for err == nil {
		err = v.receive()
	}
	if err != io.EOF {
		v.t.Errorf("after %d answers to %d lines: %v, want EOF", v.answers, v.lines, err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sent[v.conn.LocalAddr().String()] = v.lines
	v.got[v.conn.LocalAddr().String()] = v.answers
}

func (v *visit) idle() { v.toTheEnd() }

// busy sends as fast as the answers come, up to 20 lines ahead of them.
func (v *visit) busy() {
	ahead, ended := make(chan struct{}, 20), make(chan struct{})
	go func() {
		defer close(ended)
		for v.receive() == nil {
			<-ahead
		}
	}()
	stop := v.stop
	if !v.finish {
		stop = nil
	}
	for sending := true; sending; {
		select {
		case <-stop:
			sending = false
		case <-ended:
			sending = false
		case ahead <- struct{}{}:
			sending = v.send()
		}
	}
	v.conn.CloseWrite()
	<-ended
	v.toTheEnd()
}

// half has begun a line when the server shuts down, and may finish it.
func (v *visit) half() {
	next := v.line(v.lines)
	io.WriteString(v.conn, next[:len(next)/2])
	<-v.stop
	if v.finish {
		io.WriteString(v.conn, next[len(next)/2:])
		v.lines++
	}
	v.toTheEnd()
}

func (v *visit) leaving() {
	for range 10 {
		v.send()
	}
	v.conn.SetLinger(0)
}

func (v *visit) leaver() {
	io.WriteString(v.conn, "half")
	<-v.stop
	v.conn.SetLinger(0)
}

// saysLast sends something that ends the connection.
func (v *visit) saysLast(text, answer string) {
	io.WriteString(v.conn, text)
	got, err := io.ReadAll(v.in)
	if len(got) == 0 && err == nil && !v.finish {
		return // was cut off before that
	}
	if string(got) != answer || err != nil {
		v.t.Errorf("after %.60q the server sent %q, %v; want %q and the end", text, got, err, answer)
	}
}

// echoed returns how many lines the server says it has sent back, by client.
func echoed(r *running) (byClient map[string]int64) {
	re := regexp.MustCompile(`msg=(?:served|cut|failed|gone) task="connection \d+ from ([^"]*)" lines=(\d+)`)
	byClient = make(map[string]int64)
	for _, match := range re.FindAllStringSubmatch(r.log.String(), -1) {
		n, _ := strconv.ParseInt(match[2], 10, 64)
		byClient[match[1]] = n
	}
	return byClient
}

// check compares what the clients got with what the server says.
func (c *load) check(r *running) {
	byClient := echoed(r)
	if got, want := len(byClient), idle+busy+half+leaving+leaver+boom+tooLong; got != want {
		c.t.Errorf("the log has %d clients, want %d", got, want)
	}
	if got, want := len(c.got), idle+busy+half; got != want {
		c.t.Errorf("%d clients read to the end, want %d", got, want)
	}
	var total int64
	for addr, got := range c.got {
		if byClient[addr] != got {
			c.t.Errorf("client %s got %d lines back, the server says %d", addr, got, byClient[addr])
		}
		total += got
	}
	c.t.Logf("%d lines for clients that read to the end", total)
}

// All clients have the time they need: nothing that was sent is lost.
func TestLoadDrains(t *testing.T) {
	// A client is never silent for so long unless it has nothing to say.
	r, addr := serve(t, echo.World{Silence: 2 * time.Second}, "-v", "-max-line", "1000", "-grace", "1h")
	c := newLoad(t, addr)
	c.come(true)
	r.log.AwaitTimes(t, boom+tooLong, "msg=failed")
	r.log.AwaitTimes(t, leaving, "msg=gone")
	r.signals <- os.Interrupt
	r.log.Await(t, "msg=draining")
	if conn, err := net.Dial("tcp", addr); err == nil {
		conn.Close()
		t.Error("a connection during the shutdown was not refused")
	}
	close(c.stop)
	c.done.Wait()
	if code := <-r.code; code != 0 {
		t.Errorf("echo: exit code %d, want 0", code)
	}
	want := "level=INFO msg=drained accepted=500 served=400 failed=30 gone=70 cut=0 lines="
	if got := r.log.lastLine(); !strings.HasPrefix(got, want) {
		t.Errorf("last line\n\t%s\nwant one that begins with\n\t%s", got, want)
	}
	for addr, sent := range c.sent {
		if got := c.got[addr]; got != sent {
			t.Errorf("client %s sent %d lines and got %d back", addr, sent, got)
		}
	}
	if got := len(r.log.lines("failed in this run")); got != boom+tooLong {
		t.Errorf("report of %d failures, want %d", got, boom+tooLong)
	}
	c.check(r)
}

// Some clients send for ever, or stop in the middle of a line: they are cut off, and get
// nevertheless all that the server has read of them.
func TestLoadIsCut(t *testing.T) {
	for _, how := range []string{"grace period", "second signal"} {
		t.Run(how, func(t *testing.T) {
			grace := "1h"
			if how == "grace period" {
				grace = "500ms"
			}
			r, addr := serve(t, echo.World{Parting: patience}, "-v", "-max-line", "1000", "-grace", grace)
			c := newLoad(t, addr)
			c.come(false)
			r.signals <- os.Interrupt
			r.log.Await(t, "msg=draining")
			close(c.stop)
			if how == "second signal" {
				r.signals <- os.Interrupt
			}
			c.done.Wait()
			if code := <-r.code; code != 3 {
				t.Errorf("echo: exit code %d, want 3", code)
			}
			last := regexp.MustCompile(`^level=WARN msg="cut off" accepted=500 served=\d+ failed=\d+ gone=\d+ cut=\d+ lines=\d+$`)
			if got := r.log.lastLine(); !last.MatchString(got) {
				t.Errorf("last line\n\t%s\nwant one that matches\n\t%v", got, last)
			}
			c.check(r)
		})
	}
}
