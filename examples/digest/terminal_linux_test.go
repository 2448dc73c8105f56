package main_test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	digest "github.com/trellis-go/trellis/examples/digest"
)

// openTerminal returns both ends of a new terminal: that of the user, and that of
// the program.
func openTerminal(t *testing.T) (user, program *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { user.Close() })
	number, err := unix.IoctlGetInt(int(user.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Skip(err)
	}
	if err := unix.IoctlSetPointerInt(int(user.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skip(err)
	}
	program, err = os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { program.Close() })
	return user, program
}

// display returns what is to be seen in the end on a wide terminal that got
// these bytes.
func display(t *testing.T, raw string) string {
	t.Helper()
	var done strings.Builder
	line, col := []rune{}, 0
	for raw != "" {
		if rest, ok := strings.CutPrefix(raw, "\x1b[2K"); ok { // clear the line
			clear(line)
			raw = rest
			continue
		}
		if rest, ok := strings.CutPrefix(raw, "\x1b[0K"); ok { // clear to its end
			line = line[:min(col, len(line))]
			raw = rest
			continue
		}
		c := []rune(raw)[0]
		raw = raw[len(string(c)):]
		switch c {
		case '\r':
			col = 0
		case '\n':
			done.WriteString(strings.TrimRight(string(line), " \x00") + "\n")
			line, col = line[:0], 0
		case '\x1b':
			t.Fatalf("unknown escape sequence before %q", raw)
		default:
			for len(line) <= col {
				line = append(line, ' ')
			}
			line[col] = c
			col++
		}
	}
	return done.String() + strings.TrimRight(string(line), " \x00")
}

// With the digests and the progress on one terminal, the progress is to be
// seen while something is being hashed, and has left nothing behind when all
// is printed.
func TestTerminal(t *testing.T) {
	t.Setenv("TERM", "xterm")
	files := map[string]string{"a": "1", "b": "2", "c": "3", "d": "4"}
	dir := tree(t, files)
	slow := except("b", func(path string) (io.ReadCloser, error) {
		time.Sleep(2050 * time.Millisecond)
		return digest.OpenRegular(path)
	})
	open := func(path string) (io.ReadCloser, error) {
		if path == dir+"/d" {
			return endless{time.Second}, nil
		}
		return slow(path)
	}

	user, program := openTerminal(t)
	shown := make(chan string)
	go func() {
		raw, _ := io.ReadAll(user) // the error is how a terminal says that it was closed
		shown <- string(raw)
	}()
	synctest.Test(t, func(t *testing.T) {
		code := digest.RunWith(t.Context(), []string{"-j", "2", "-timeout", "10s", dir}, program, program, open)
		if code != 3 {
			t.Errorf("digest -timeout 10s DIR: exit code %d, want 3", code)
		}
	})
	program.Close()
	raw := <-shown

	want := lines(dir, files, "a", "b", "c") + "digest: stopped by the time limit of 10s: 3 files, 3 bytes in 10s\n"
	if got := display(t, raw); got != want {
		t.Errorf("on the terminal stands at the end\n%swant\n%s", got, want)
	}
	// Two files, a and c, are hashed within the first tenth of a second.
	if first, _, _ := strings.Cut(raw, "]"); !strings.Contains(first, " 0 files ( 2 B, 20 B/s) ") {
		t.Errorf("the terminal got first %q, want progress that counts from the start", first)
	}
	// While b is being read, for two seconds, and then the endless file, one
	// block of 64 KiB a second.
	for _, want := range []string{" 1 file (", " 3 files (590 kB, ", "[9s]"} {
		if !strings.Contains(raw, want) {
			t.Errorf("no progress with %q was ever on the terminal:\n%q", want, raw)
		}
	}
}

// The progress is for a terminal that can go back in a line.
func TestDumbTerminal(t *testing.T) {
	t.Setenv("TERM", "dumb")
	files := map[string]string{"a": "1"}
	dir := tree(t, files)
	user, program := openTerminal(t)
	shown := make(chan string)
	go func() {
		raw, _ := io.ReadAll(user)
		shown <- string(raw)
	}()
	open := except("a", func(path string) (io.ReadCloser, error) {
		time.Sleep(2 * time.Second)
		return digest.OpenRegular(path)
	})
	synctest.Test(t, func(t *testing.T) {
		digest.RunWith(t.Context(), []string{dir}, program, program, open)
	})
	program.Close()
	want := strings.ReplaceAll(lines(dir, files, "a")+"digest: done: 1 file, 1 byte in 2s\n", "\n", "\r\n")
	if got := <-shown; got != want {
		t.Errorf("a dumb terminal got %q, want %q", got, want)
	}
}
