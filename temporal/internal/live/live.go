package live

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
)

// A Server is a running Temporal server.
type Server struct {
	Address, Namespace string

	process *exec.Cmd
	stdin   io.Closer // the server ends when it is closed
}

// Build builds the command devserver of the folder dir into binary. It may take several minutes.
func Build(ctx context.Context, dir, binary string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, ".")
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// StartServer starts the server in the given executable and returns when it takes requests.
func StartServer(ctx context.Context, binary string) (_ *Server, err error) {
	s := &Server{process: exec.Command(binary)}
	s.process.Stderr = os.Stderr
	if s.stdin, err = s.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	ready := make(chan error, 1)
	go func() {
		line, err := bufio.NewReader(out).ReadString('\n')
		if _, scanErr := fmt.Sscan(line, &s.Address, &s.Namespace); scanErr != nil {
			err = errors.Join(fmt.Errorf("the server said %q", line), err)
		} else {
			err = nil
		}
		ready <- err
	}()
	select {
	case err = <-ready:
	case <-ctx.Done():
		err = context.Cause(ctx)
		_ = s.process.Process.Kill()
		<-ready
	}
	if err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// Stop ends the server and waits for its end. It does nothing to a server that was not started by
// [StartServer].
func (s *Server) Stop() {
	if s.process == nil {
		return
	}
	_ = s.stdin.Close()
	timer := time.AfterFunc(20*time.Second, func() { _ = s.process.Process.Kill() })
	defer timer.Stop()
	_ = s.process.Wait()
}

// Dial returns a client for the server.
func (s *Server) Dial(identity string) (client.Client, error) {
	return client.Dial(client.Options{HostPort: s.Address, Namespace: s.Namespace, Identity: identity, Logger: Silent{}})
}

// A Worker is a worker process: the calling program, started again with environment variables that
// make it one.
type Worker struct {
	name   string
	server *Server
	env    []string
	output io.Writer

	mu      sync.Mutex
	process *exec.Cmd // guarded by mu
}

// The environment variables of a worker process.
const (
	envWorker    = "TRELLIS_LIVE_WORKER"
	envAddress   = "TRELLIS_LIVE_ADDRESS"
	envNamespace = "TRELLIS_LIVE_NAMESPACE"
)

// StartWorker starts the calling program as a worker process.
func StartWorker(server *Server, name string, output io.Writer, env ...string) (*Worker, error) {
	w := &Worker{name: name, server: server, env: env, output: output}
	return w, w.Start()
}

// Start starts the process again after [Worker.Kill].
func (w *Worker) Start() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	w.process = exec.Command(self)
	w.process.Env = append(os.Environ(), envWorker+"="+w.name, envAddress+"="+w.server.Address, envNamespace+"="+w.server.Namespace)
	w.process.Env = append(w.process.Env, w.env...)
	w.process.Stdout, w.process.Stderr = w.output, w.output
	// Closed when this process ends, however it ends: the worker notices.
	if _, err := w.process.StdinPipe(); err != nil {
		return err
	}
	return w.process.Start()
}

// Kill ends the process at once, as SIGKILL does, and waits for its end.
func (w *Worker) Kill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.process.Process.Kill()
	_ = w.process.Wait()
}

// AsWorker reports whether the calling process was started by [StartWorker]. If so, it calls run
// with the name of the worker and a client, and ends the process when run has returned. The context
// of run is done when the process that started this one has ended.
func AsWorker(run func(ctx context.Context, name string, c client.Client) error) {
	name := os.Getenv(envWorker)
	if name == "" {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	server := &Server{Address: os.Getenv(envAddress), Namespace: os.Getenv(envNamespace)}
	c, err := server.Dial("worker " + name)
	if err == nil {
		err = run(ctx, name, c)
		c.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, strings.TrimSpace(err.Error()))
		os.Exit(1)
	}
	os.Exit(0)
}

// Silent is a logger that writes nothing.
type Silent struct{}

var _ log.Logger = Silent{}

// Debug does nothing.
func (Silent) Debug(string, ...any) {}

// Info does nothing.
func (Silent) Info(string, ...any) {}

// Warn does nothing.
func (Silent) Warn(string, ...any) {}

// Error does nothing.
func (Silent) Error(string, ...any) {}
