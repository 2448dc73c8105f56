//go:build unix

package serve_test

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// A process is one of programs as a process.
type process struct {
	*exec.Cmd
	out, err *output
	ended    chan struct{} // closed when it has ended
}

// newProcess returns a process that has not been started.
func newProcess(t *testing.T, program string, args ...string) *process {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(path, args...), out: newOutput(), err: newOutput(), ended: make(chan struct{})}
	p.Stdout, p.Stderr = p.out, p.err
	// The race detector would sleep for a second at the end.
	p.Env = append(os.Environ(), programVar+"="+program, "GORACE=atexit_sleep_ms=0")
	return p
}

// startProcess starts a process, which is killed at the end of the test if it still runs.
func startProcess(t *testing.T, program string, args ...string) *process {
	t.Helper()
	p := newProcess(t, program, args...)
	p.begin(t)
	return p
}

func (p *process) begin(t *testing.T) {
	t.Helper()
	if err := p.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		p.Cmd.Wait() // its error is in ProcessState
	}()
	t.Cleanup(func() {
		p.Process.Kill() // has no effect if it has ended
		<-p.ended
	})
}

// signal sends a signal to the process, which must not have ended.
func (p *process) signal(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := p.Process.Signal(sig); err != nil {
		t.Errorf("sending %v: %v", sig, err)
	}
}

// expect waits for the end of the process, and checks how it ends: "exit status 1" or
// "signal: interrupt".
func (p *process) expect(t *testing.T, end string) {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatalf("the process has not ended; standard output:\n%sstandard error:\n%s", p.out, p.err)
	}
	if got := p.ProcessState.String(); got != end {
		t.Errorf("the process ends with %s, want %s; standard output:\n%sstandard error:\n%s", got, end, p.out, p.err)
	}
}

// An output is what a process writes. Tests can wait for a part of it.
type output struct {
	mu      sync.Mutex
	b       bytes.Buffer  // guarded by mu
	changed chan struct{} // closed, and replaced, at each Write; guarded by mu
}

func newOutput() *output { return &output{changed: make(chan struct{})} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.changed)
	o.changed = make(chan struct{})
	return o.b.Write(p)
}

func (o *output) read() (text string, changed <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String(), o.changed
}

func (o *output) String() string {
	text, _ := o.read()
	return text
}

// await waits for a whole line that matches pattern, and returns the match with its
// groups.
func (o *output) await(t *testing.T, pattern string) []string {
	t.Helper()
	re := regexp.MustCompile("(?m)" + pattern)
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		text, changed := o.read()
		if match := re.FindStringSubmatch(text[:strings.LastIndexByte(text, '\n')+1]); match != nil {
			return match
		}
		select {
		case <-changed:
		case <-limit.C:
			t.Fatalf("no %s in\n%s", pattern, text)
		}
	}
}
