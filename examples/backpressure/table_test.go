package main_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	backpressure "github.com/trellis-go/trellis/examples/backpressure"
)

var (
	fast = backpressure.NewRow("fast", 123456, 3, 49*time.Millisecond)
	mute = backpressure.NewRow("mute", 12, -1, 1234*time.Millisecond)
)

const (
	fastLine = "  1.5s  fast             sent  123456  buffered    3  blocked for  0.0s\n"
	muteLine = "  1.5s  mute             sent      12  buffered    ?  blocked for  1.2s\n"
)

func TestTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		var rows []backpressure.Row
		width, height := 80, 24
		table := backpressure.NewTable(&b, func() []backpressure.Row { return rows }, func() (int, int) { return width, height })
		time.Sleep(1500 * time.Millisecond)
		step := func(call, log, want string, now ...backpressure.Row) {
			t.Helper()
			b.Reset()
			rows = now
			if n, err := io.WriteString(table, log); n != len(log) || err != nil || b.String() != want {
				t.Errorf("%s: Write(%q) = %d, %v and wrote %q; want %q", call, log, n, err, b.String(), want)
			}
		}
		step("no reader", "", "")
		step("log alone", "log\n", "log\n")
		step("first", "", fastLine+muteLine, fast, mute)
		step("less", "", "\x1b[2A\r\x1b[J"+muteLine, mute)
		step("log", "log\n", "\x1b[1A\r\x1b[Jlog\n"+fastLine+muteLine, fast, mute)
		width = 21
		step("narrow", "", "\x1b[2A\r\x1b[J"+fastLine[:20]+"\n"+muteLine[:20]+"\n", fast, mute)
		width, height = 80, 2
		step("low", "", "\x1b[2A\r\x1b[J"+fastLine, fast, mute)
		width, height = 1, 1
		step("tiny", "", "\x1b[1A\r\x1b[J", fast, mute)
		width, height = 80, 24
		step("large again", "", fastLine+muteLine, fast, mute)
		step("no reader again", "", "\x1b[2A\r\x1b[J")
	})
}

func TestTableInFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		table := backpressure.NewTable(&b, func() []backpressure.Row { return []backpressure.Row{fast, mute} }, nil)
		time.Sleep(1500 * time.Millisecond)
		for range 2 {
			if _, err := table.Write(nil); err != nil {
				t.Errorf("Write: %v", err)
			}
		}
		if got, want := b.String(), strings.Repeat(fastLine+muteLine, 2); got != want {
			t.Errorf("two times Write wrote\n%s\nwant\n%s", got, want)
		}
	})
}

func TestTableFails(t *testing.T) {
	broken := errors.New("broken")
	r, w := io.Pipe()
	r.CloseWithError(broken)
	table := backpressure.NewTable(w, func() []backpressure.Row { return []backpressure.Row{fast} }, func() (int, int) { return 80, 24 })
	if _, err := table.Write(nil); !errors.Is(err, broken) {
		t.Errorf("Write on a broken terminal: %v, want %v", err, broken)
	}
}
