package tasktree

import (
	"bytes"
	"fmt"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/trellis-go/trellis/internal/record"
)

const (
	firstDump = 1 << 20   // bytes for which stacks are first asked
	mostDump  = 256 << 20 // bytes at most
	maxCalls  = 32        // calls that are shown of a stack
)

// stacks returns the goroutines of the process by their numbers, nil if they are too many.
func stacks(t *Tree, force bool) map[uint64]*Goroutine {
	if t.Goroutines > MaxStacks && !force {
		t.Notes = append(t.Notes, fmt.Sprintf("stacks are left out: there are %d goroutines, more than %d, and they would all stand still", t.Goroutines, MaxStacks))
		return nil
	}
	if !t.Labels {
		t.Notes = append(t.Notes, "tasks are recorded without labels: those that start now are shown without their stacks")
	}
	size := firstDump
	for {
		buf := make([]byte, size)
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			return parseDump(buf[:n])
		}
		if size >= mostDump {
			t.Notes = append(t.Notes, "some stacks are missing: together they are too large")
			return parseDump(buf)
		}
		size *= 4
	}
}

// parseDump reads a goroutine dump. What does not look as expected is left out.
func parseDump(dump []byte) map[uint64]*Goroutine {
	all := make(map[uint64]*Goroutine)
	for len(dump) > 0 {
		var part []byte
		part, dump, _ = bytes.Cut(dump, []byte("\n\n"))
		if g := parseGoroutine(string(part)); g != nil {
			all[g.ID] = g
		}
	}
	return all
}

// parseGoroutine reads the part of a dump that is about one goroutine:
//
//	goroutine 12 [chan receive, 4 minutes, locked to thread]:
//	main.handle(0xc000012345)
//		/src/chat/server.go:77 +0x1d
func parseGoroutine(part string) *Goroutine {
	head, rest, _ := strings.Cut(part, "\n")
	head, ok := strings.CutPrefix(head, "goroutine ")
	if !ok {
		return nil
	}
	number, head, _ := strings.Cut(head, " ")
	id, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return nil
	}
	g := &Goroutine{ID: id}
	_, head, _ = strings.Cut(head, "[")
	if at := strings.Index(head, " labels:{"); at >= 0 {
		head = head[:at]
	}
	head, _, _ = strings.Cut(head, "]") // Go 1.27 has labels behind it
	state := strings.Split(head, ", ")
	g.State = oneLine(state[0], maxReason)
	for _, word := range state[1:] {
		if minutes, ok := strings.CutSuffix(word, " minutes"); ok {
			if n, err := strconv.ParseInt(minutes, 10, 32); err == nil {
				g.Wait = time.Duration(n) * time.Minute
			}
		}
	}
	g.Stack, g.line = parseStack(rest)
	return g
}

// parseStack returns the calls of the user's code, and the innermost of those that are not in
// the standard library.
func parseStack(text string) (calls []string, line string) {
	lines := strings.Split(text, "\n")
	for i := 0; i+1 < len(lines) && len(calls) < maxCalls; i += 2 {
		function, where := lines[i], strings.TrimSpace(lines[i+1])
		if strings.HasPrefix(function, "created by ") || strings.HasPrefix(function, "...") {
			break
		}
		if end := strings.LastIndexByte(function, '('); end > 0 {
			function = function[:end] // without the arguments
		}
		if record.OwnFunction(function) {
			continue
		}
		file, _, _ := strings.Cut(where, " ")
		calls = append(calls, record.ShortFunc(function)+" ("+shortFile(file)+")")
		if line == "" && (library == "" || !strings.HasPrefix(file, library)) {
			line = calls[len(calls)-1]
		}
	}
	return calls, line
}

// library is the folder of the standard library where the program was built, with a slash. It
// is empty for a program that was built with -trimpath.
var library = func() string {
	sleep := reflect.ValueOf(time.Sleep).Pointer()
	file, _ := runtime.FuncForPC(sleep).FileLine(sleep)
	return strings.TrimSuffix(file, "runtime/time.go")
}()
