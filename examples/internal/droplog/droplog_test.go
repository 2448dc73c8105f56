package droplog_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/examples/internal/droplog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLogIsWritten(t *testing.T) {
	var b bytes.Buffer
	log := droplog.New(&b)
	want := ""
	for i := range 100 {
		want += fmt.Sprintln("line", i)
		fmt.Fprintln(log, "line", i)
	}
	log.Close()
	if b.String() != want {
		t.Errorf("the log has %q, want %q", b.String(), want)
	}
}

// A log that is not read delays nothing, and its gap is counted.
func TestLogThatIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		log := droplog.New(w)
		start := time.Now()
		for i := range 30_000 {
			fmt.Fprintln(log, i)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("30,000 lines took %v, want no wait", took)
		}
		log.Close()
		if took := time.Since(start); took != time.Second {
			t.Errorf("Close took %v, want 1s", took)
		}
		go func() { synctest.Wait(); w.Close() }() // when all has been read
		text, _ := io.ReadAll(r)
		dropped := 30_000 - strings.Count(string(text), "\n") + 1
		if want := fmt.Sprintf("lines of this log were dropped\" lines=%d\n", dropped); !strings.HasPrefix(string(text), "0\n") || !strings.Contains(string(text), want) {
			t.Errorf("the log has %.50q…, want the first lines, and %q", text, want)
		}
		log.Close()
	})
}
