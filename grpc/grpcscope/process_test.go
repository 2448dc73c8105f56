package grpcscope_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/grpc/grpcscope"
	"github.com/trellis-go/trellis/grpc/internal/textservice"
	"github.com/trellis-go/trellis/nursery"
)

// roleVariable makes a process of this test a server or a client.
const roleVariable = "TRELLIS_GRPC_ROLE"

// play is the main function of such a process: a server that prints its address and why
// its handlers have ended, or a client whose call lasts until it is killed. Both end with
// their standard input at the latest.
func play(role string) {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	if addr, ok := strings.CutPrefix(role, "client "); ok {
		cc, err := grpc.NewClient("passthrough:///"+addr, append(grpcscope.Client{Reasons: true}.DialOptions(), insecureOption)...)
		if err == nil {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			_, err = textservice.Call(ctx, cc, "wait")
		}
		fmt.Println("client:", err)
		return
	}
	if role == "patient server" {
		grpcscope.SetPatience(soon) // the reason must come, also if the machine is busy
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	scopes := &grpcscope.Server{Reasons: true}
	server := grpc.NewServer(scopes.ServerOptions()...)
	scopes.Register(server)
	await := func(ctx context.Context) error {
		fmt.Println("entered")
		<-ctx.Done()
		fmt.Println("cause:", context.Cause(ctx))
		return ctx.Err()
	}
	service := textservice.Service{
		Unary: func(ctx context.Context, text string) (string, error) {
			if text == "fail" {
				n := grpcscope.Nursery(ctx)
				n.GoNamed("disk", func(context.Context) error { return status.Error(codes.DataLoss, "full") })
			}
			return "", await(ctx)
		},
		Stream: func(stream grpc.ServerStream) error {
			n := grpcscope.Nursery(stream.Context())
			n.GoNamed("receiver", func(ctx context.Context) error {
				for {
					if _, err := textservice.Receive(stream); err != nil {
						fmt.Println("receive:", cancelscope.IsCancellation(ctx, err))
						return err
					}
				}
			})
			return await(stream.Context())
		},
	}
	service.Register(server)
	fmt.Println(l.Addr())
	_ = server.Serve(l)
}

// A process is another process of this test.
type process struct {
	cmd   *exec.Cmd
	lines chan string // of its standard output
}

func begin(t *testing.T, role string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0]), lines: make(chan string, 100)}
	p.cmd.Env = append(os.Environ(), roleVariable+"="+role)
	p.cmd.Stderr = os.Stderr
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			p.lines <- lines.Text()
		}
	}()
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = p.cmd.Process.Kill()
		<-read
		_ = p.cmd.Wait()
	})
	return p
}

// expect waits for the next line.
func (p *process) expect(t *testing.T, want string) {
	t.Helper()
	if got := wait(t, want, p.lines); got != want {
		t.Errorf("the other process printed %q, want %q", got, want)
	}
}

func (p *process) kill() { _ = p.cmd.Process.Kill() }

// A relay passes connections to a server, and can cut them or fall silent.
type relay struct {
	l      net.Listener
	target string
	tasks  sync.WaitGroup

	mu     sync.Mutex
	silent bool       // guarded by mu
	conns  []net.Conn // guarded by mu
}

func newRelay(t *testing.T, target string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{l: l, target: target}
	r.tasks.Go(r.accept)
	t.Cleanup(func() {
		_ = l.Close()
		r.cut()
		r.tasks.Wait()
	})
	return r
}

func (r *relay) accept() {
	for {
		in, err := r.l.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", r.target)
		if err != nil {
			_ = in.Close()
			continue
		}
		r.mu.Lock()
		r.conns = append(r.conns, in, out)
		r.mu.Unlock()
		r.tasks.Go(func() { r.pass(in, out) })
		r.tasks.Go(func() { r.pass(out, in) })
	}
}

func (r *relay) pass(to io.WriteCloser, from io.ReadCloser) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		r.mu.Lock()
		silent := r.silent
		r.mu.Unlock()
		if err != nil {
			return
		}
		if !silent {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
	}
}

// cut closes all connections.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		_ = c.Close()
	}
	r.conns = nil
}

// fallSilent drops what comes from now on.
func (r *relay) fallSilent() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.silent = true
}

func dialScoped(t *testing.T, addr string, opts ...grpc.DialOption) *grpc.ClientConn {
	return dial(t, addr, append(append(opts, grpcscope.Client{Reasons: true}.DialOptions()...), insecureOption)...)
}

// Scopes, reasons and errors reach from one process into another.
func TestTwoProcesses(t *testing.T) {
	server := begin(t, "patient server")
	cc := dialScoped(t, wait(t, "the address", server.lines))

	s := &cancelscope.Scope{Name: "page", Reason: errSlow}
	s.SetTimeout(3 * time.Second)
	expired := s.Run(t.Context(), func(ctx context.Context) error {
		_, err := textservice.Call(ctx, cc, "wait")
		return err
	})
	if expired != nil || !s.CanceledCaught() {
		t.Errorf("around a call: %v, want a scope that has absorbed its deadline", expired)
	}
	server.expect(t, "entered")
	server.expect(t, `cause: client's scope "page" canceled: deadline passed: budget`)

	err := nursery.Config{Name: "page"}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		n.GoNamed("call", func(ctx context.Context) error {
			stream, err := textservice.Open(ctx, cc, textservice.Both)
			if err != nil {
				return err
			}
			_, err = textservice.Receive(stream)
			return err
		})
		server.expect(t, "entered")
		n.GoNamed("stock", func(context.Context) error { return errBoom })
		return nil
	})
	if err == nil || err.Error() != "page: stock: boom" {
		t.Errorf("Run = %v, want the failure of the other task alone", err)
	}
	got := []string{wait(t, "a line", server.lines), wait(t, "a line", server.lines)}
	if text := strings.Join(got, "\n"); !strings.Contains(text, "receive: true") ||
		!strings.Contains(text, `cause: client's scope "page" canceled: a task failed: stock: boom`) {
		t.Errorf("the server printed %q", got)
	}

	_, err = textservice.Call(t.Context(), cc, "fail")
	if status.Code(taskOf(err, "disk")) != codes.DataLoss || err.Error() != "disk: rpc error: code = DataLoss desc = full" {
		t.Errorf("fail: %v, want the error of the task", err)
	}
}

// A server that is killed is a failure for calls in progress, and a limit ends the wait for the
// next one.
func TestServerKilled(t *testing.T) {
	server := begin(t, "server")
	cc := dialScoped(t, wait(t, "the address", server.lines))
	s := new(cancelscope.Scope)
	err := s.Run(t.Context(), func(ctx context.Context) error {
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("call", func(ctx context.Context) error {
				_, err := textservice.Call(ctx, cc, "wait")
				return err
			})
			server.expect(t, "entered")
			server.kill()
			return nil
		})
	})
	if status.Code(err) != codes.Unavailable {
		t.Errorf("the call returned %v, want the code Unavailable", err)
	}
	expired, err := deadline.MoveOnAfter(t.Context(), 50*time.Millisecond, func(ctx context.Context) error {
		_, err := textservice.Call(ctx, cc, "wait", grpc.WaitForReady(true))
		return err
	})
	if !expired || err != nil {
		t.Errorf("MoveOnAfter around a call that waits for the server = %t, %v", expired, err)
	}
}

// The handler of a client that is killed is canceled, without a reason.
func TestClientKilled(t *testing.T) {
	server := begin(t, "server")
	client := begin(t, "client "+wait(t, "the address", server.lines))
	server.expect(t, "entered")
	client.kill()
	server.expect(t, "cause: canceled by the client, or the connection is lost")
}

// A connection that is cut fails the call at the client, and cancels it at the server. If the
// context of the caller is done as well, that is still no cancellation.
func TestConnectionCut(t *testing.T) {
	server := begin(t, "server")
	r := newRelay(t, wait(t, "the address", server.lines))
	cc := dialScoped(t, r.l.Addr().String(), then(func() {})...)
	s := new(cancelscope.Scope)
	err := s.Run(t.Context(), func(ctx context.Context) error {
		stream, err := textservice.Open(ctx, cc, textservice.Both)
		if err != nil {
			return err
		}
		server.expect(t, "entered")
		r.cut()
		_, err = textservice.Receive(stream)
		s.Cancel(nil)
		return err
	})
	if status.Code(err) != codes.Unavailable {
		t.Errorf("the stream ended with %v, want the code Unavailable", err)
	}
	got := []string{wait(t, "a line", server.lines), wait(t, "a line", server.lines)}
	if text := strings.Join(got, "\n"); !strings.Contains(text, "receive: true") || !strings.Contains(text, "or the connection is lost") {
		t.Errorf("the server printed %q", got)
	}
}

// Where the network is silent, both sides keep to the limit.
func TestSilentNetwork(t *testing.T) {
	server := begin(t, "server")
	r := newRelay(t, wait(t, "the address", server.lines))
	cc := dialScoped(t, r.l.Addr().String())
	s := &cancelscope.Scope{Name: "page"}
	s.SetTimeout(3 * time.Second)
	err := deadline.FailScope(t.Context(), s, func(ctx context.Context) error {
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				_, err := textservice.Call(ctx, cc, "wait")
				return err
			})
			server.expect(t, "entered")
			r.fallSilent()
			return nil
		})
	})
	var slow *deadline.TooSlowError
	if !errors.As(err, &slow) {
		t.Errorf("FailScope = %v, want a TooSlowError", err)
	}
	server.expect(t, `cause: client's scope "page" canceled: deadline passed`)
}
