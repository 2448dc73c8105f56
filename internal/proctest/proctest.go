package proctest

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

// Patience is how long tests wait for what must happen. It only matters where that does
// not happen.
const Patience = time.Minute

// programVar makes the test binary the program.
const programVar = "TRELLIS_TEST_PROGRAM"

// Program begins the TestMain of a program: in a process that was made by Command it calls
// main and exits, and otherwise it returns.
func Program(main func()) {
	if os.Getenv(programVar) != "" {
		main()
		os.Exit(0)
	}
}

// A Process is the program as a process of its own.
type Process struct {
	*exec.Cmd
	Out, Err *Text         // what it has written, unless a test has set Stdout or Stderr
	ended    chan struct{} // closed when the process has ended; ProcessState is set then
}

// Command returns a process that has not been started. At the end of the test it is
// killed if it still runs.
func Command(t *testing.T, args ...string) *Process {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &Process{Cmd: exec.Command(path, args...), Out: new(Text), Err: new(Text), ended: make(chan struct{})}
	p.Stdout, p.Stderr = p.Out, p.Err
	// The race detector would sleep for a second at the end.
	p.Env = append(os.Environ(), programVar+"=1", "GORACE=atexit_sleep_ms=0")
	return p
}

// Start returns a process that runs.
func Start(t *testing.T, args ...string) *Process {
	t.Helper()
	p := Command(t, args...)
	p.Begin(t)
	return p
}

// Begin starts the process.
func (p *Process) Begin(t *testing.T) {
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

// Signal sends a signal to the process, which must not have ended.
func (p *Process) Signal(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := p.Process.Signal(sig); err != nil {
		t.Errorf("sending %v: %v", sig, err)
	}
}

// End waits for the end of the process, and returns how it ended: "exit status 1" or
// "signal: interrupt". If it runs longer than [Patience], the test fails.
func (p *Process) End(t *testing.T) string {
	t.Helper()
	select {
	case <-p.ended:
		return p.ProcessState.String()
	case <-time.After(Patience):
		t.Fatalf("%q has not ended; standard output:\n%sstandard error:\n%s", p.Args[1:], p.Out, p.Err)
		return ""
	}
}

// Expect waits for the end of the process, and checks how it ended.
func (p *Process) Expect(t *testing.T, end string) {
	t.Helper()
	if got := p.End(t); got != end {
		t.Errorf("%q: %s, want %s; standard output:\n%sstandard error:\n%s", p.Args[1:], got, end, p.Out, p.Err)
	}
}

// A Text is what a program writes. Tests can wait for a part of it. The zero value is empty
// and ready for use, and any number of goroutines may call its methods.
type Text struct {
	mu      sync.Mutex // guards what follows
	b       bytes.Buffer
	changed chan struct{} // closed at the next Write; nil if no goroutine waits for it
}

// Write adds p. It does not block, and returns no error.
func (x *Text) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.changed != nil {
		close(x.changed)
		x.changed = nil
	}
	return x.b.Write(p)
}

func (x *Text) read() (text string, changed <-chan struct{}) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.changed == nil {
		x.changed = make(chan struct{})
	}
	return x.b.String(), x.changed
}

// String returns what has been written until now.
func (x *Text) String() string {
	text, _ := x.read()
	return text
}

// Await waits for a whole line that matches pattern, and returns the match with its
// groups. If there is none within [Patience], the test fails.
func (x *Text) Await(t *testing.T, pattern string) (match []string) {
	t.Helper()
	re := regexp.MustCompile("(?m)" + pattern)
	limit := time.NewTimer(Patience)
	defer limit.Stop()
	for {
		text, changed := x.read()
		if match = re.FindStringSubmatch(text[:strings.LastIndexByte(text, '\n')+1]); match != nil {
			return match
		}
		select {
		case <-changed:
		case <-limit.C:
			t.Fatalf("no %s in\n%s", pattern, text)
		}
	}
}
